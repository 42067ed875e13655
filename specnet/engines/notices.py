"""Notes for whoever waits for an engine, such as that it compiles for some seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("specnet notices", default=None)


def notify(message: str) -> None:
    """Hand a note, one sentence without a full stop, to the listener, if there is one."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(message)


@contextmanager
def notices(listener: Callable[[str], None]) -> Iterator[None]:
    """Have a function called with what `notify` is given in this context."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)
