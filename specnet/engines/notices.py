"""Notes for whoever waits for an engine, such as that it compiles for some seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LISTENER: ContextVar[tuple[Callable[[str], None], set[str]] | None] = ContextVar(
    "specnet notices", default=None
)
"""The listener, and the notes that it is given once."""


def notify(message: str, *, once: bool = False) -> None:
    """Hand a note, one sentence without a full stop, to the listener, if there is one.

    With `once`, a listener that has been given the same note is not given it again.
    """
    found = _LISTENER.get()
    if found is None:
        return
    listener, given = found
    if once:
        if message in given:
            return
        given.add(message)
    listener(message)


@contextmanager
def notices(listener: Callable[[str], None]) -> Iterator[None]:
    """Have a function called with what `notify` is given in this context."""
    token = _LISTENER.set((listener, set()))
    try:
        yield
    finally:
        _LISTENER.reset(token)
