"""State that threads share, in a process that may fork, and threads that end with their owner."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any
from weakref import WeakSet

from specnet.engines.subnormals import begin_thread
from specnet.locking import Lock


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
        self.lock = Lock()


_ALL: WeakSet[Shared] = WeakSet()


def _after_fork() -> None:
    for shared in list(_ALL):
        shared.reset()


PARSING = Shared()
"""Held while Python parses a text, of which threads may have one each.

Its parser (3.11, 3.12) counts a depth for the whole process, and takes it for a fault of its own where another thread
changes it meanwhile.
"""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def start_threads(
    owner: object, targets: Sequence[Callable[[SimpleQueue[Any]], None]], name: str
) -> list[SimpleQueue[Any]]:
    """Start a daemon thread for each target, and return the queues that they are handed.

    The threads know their queues alone, so that they end with their owner: None is put into each queue then.
    """
    queues: list[SimpleQueue[Any]] = [SimpleQueue() for _ in targets]
    try:
        for target, queue in zip(targets, queues, strict=True):
            threading.Thread(target=_begin, args=(target, queue), name=name, daemon=True).start()
    except BaseException:
        _end(queues)
        raise
    weakref.finalize(owner, _end, queues)
    return queues


def _begin(target: Callable[[SimpleQueue[Any]], None], queue: SimpleQueue[Any]) -> None:
    begin_thread()
    target(queue)


def _end(queues: Sequence[SimpleQueue[Any]]) -> None:
    for queue in queues:
        queue.put(None)
