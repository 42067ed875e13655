"""State that threads share, in a process that may fork."""

from __future__ import annotations

import os
import threading
from weakref import WeakSet


class Shared:
    """State that threads read and change while they hold `lock`.

    A child process starts from what `reset` sets up: a lock that another thread held when the process forked
    would never be released there. The lock is reentrant, since a signal handler may run in the middle of what
    its own thread does under the lock.
    """

    def __init__(self) -> None:
        self.reset()
        _ALL.add(self)

    def reset(self) -> None:
        """Set the state up, for a new object and again in a child process."""
        self.lock = threading.RLock()


_ALL: WeakSet[Shared] = WeakSet()


def _after_fork() -> None:
    for shared in list(_ALL):
        shared.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
