"""Garbage collection, which rests while graphs are built.

Building a graph makes very many objects that refer to each other, and frees none of them before it is done. Python's
collector only sees that there are more and more objects, and goes through all of them again and again: for a network of
a thousand layers, that is a third of the time of planning.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

from specnet.locking import Lock


class _Resting:
    """How many ask for no collection at the moment, and whether it was enabled before the first."""

    def __init__(self) -> None:
        self.lock, self.users, self.before = Lock(), 0, True

    def in_child(self) -> None:
        """Start over after a fork: a child has none of its parent's users, and may find the lock taken."""
        if self.users and self.before:
            gc.enable()
        self.lock, self.users = Lock(), 0


_state = _Resting()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_state.in_child)


@contextmanager
def no_collection() -> Iterator[None]:
    """Put off garbage collection; the last of several users, on any thread, restores what was."""
    with _state.lock:
        # A signal handler that comes in between, and does the same, is no first or last user.
        _state.users += 1
        if _state.users == 1:
            _state.before = gc.isenabled()
            gc.disable()
    try:
        yield
    finally:
        with _state.lock:
            if _state.users == 1 and _state.before:
                gc.enable()
            _state.users -= 1
