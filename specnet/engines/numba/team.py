"""Threads that help with the steps of compiled functions."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from queue import SimpleQueue
from threading import get_native_id
from typing import Protocol

from specnet.engines.sharing import Shared, start_threads


class Helped(Protocol):
    """What threads may help with."""

    def help(self) -> None:
        """Do parts of the steps under way, until there have been none for a moment."""


Order = tuple[Helped, set[int] | None]
"""What to help with, and on which processors the helper may run from then on; None for those that it has."""

Orders = SimpleQueue[Order | None]


class Team(Shared):
    """So many threads, of which the calling one is the first; the others start when they are first woken.

    A helper looks for parts to do without a pause while steps follow each other closely, and sleeps after a moment
    without any. Nobody waits for one that sleeps.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__()

    def reset(self) -> None:
        """Begin without threads, as after a fork, which leaves them behind."""
        super().reset()
        self._orders: list[Orders] | None = None
        self._helping: list[Helped | None] = [None] * (self.count - 1)
        self._threads: list[int | None] = [None] * (self.count - 1)
        """The helpers as the system knows them, once they run."""

    def wake(self, helped: Helped) -> None:
        """Have the helpers that sleep help with something, before its steps are made."""
        for number, current in enumerate(self._helping):
            if current is None:
                self._helping[number] = helped
                try:
                    self._queues()[number].put((helped, keep_off(self._threads[number])))
                except BaseException:  # Ctrl-C, or a thread that cannot be started: it sleeps on
                    self._helping[number] = None
                    raise

    def _queues(self) -> list[Orders]:
        with self.lock:
            if self._orders is None:
                targets = [
                    partial(_serve, self._helping, self._threads, number) for number in range(self.count - 1)
                ]
                self._orders = start_threads(self, targets, "specnet helper")
            return self._orders


def _serve(helping: list[Helped | None], threads: list[int | None], number: int, orders: Orders) -> None:
    """Help with what is ordered until the end is."""
    threads[number] = get_native_id()
    while (order := orders.get()) is not None:
        helped, allowed = order
        if allowed is not None:
            with suppress(OSError):
                os.sched_setaffinity(0, allowed)
        helped.help()
        helping[number] = None
        del order, helped


def keep_off(thread: int | None) -> set[int] | None:
    """Have a thread that sleeps wake on another processor than the one on which this thread runs.

    Returns the processors that it is to allow itself again once it runs; None where it may run where it might before.
    The system often wakes a thread where the one runs that wakes it, though another core is idle. It then waits there
    until its turn, for up to some milliseconds, and two threads that look at memory without a pause take turns as long.
    """
    here = processor()
    if thread is None or here is None:
        return None
    with suppress(OSError):  # where that is forbidden, it wakes where it does
        allowed = os.sched_getaffinity(thread)
        others = allowed - {here}
        if others and others != allowed:
            os.sched_setaffinity(thread, others)
            return allowed
    return None


def processor() -> int | None:
    """Return the number of the processor on which this thread runs; None where the system does not tell."""
    function = _processor_function()
    return None if function is None else function()


@cache
def _processor_function() -> Callable[[], int] | None:
    if not hasattr(os, "sched_setaffinity"):
        return None
    with suppress(AttributeError, OSError):
        function = ctypes.CDLL(None).sched_getcpu
        function.restype, function.argtypes = ctypes.c_int, ()
        found: Callable[[], int] = function
        return found
    return None


@cache
def usleep() -> int:
    """Return the address of the system's `usleep`; 0 where there is none."""
    with suppress(OSError, TypeError, AttributeError):
        return ctypes.cast(ctypes.CDLL(None).usleep, ctypes.c_void_p).value or 0
    return 0
