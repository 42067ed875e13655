"""Threads that share the work of a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice, pairwise
from queue import SimpleQueue
from threading import get_ident
from typing import Any

import numpy as np

from specnet.engines import blas
from specnet.engines.sharing import Shared, start_threads
from specnet.engines.subnormals import flushed, flushing

BUFFER = 512
"""Elements that NumPy buffers for each operand where it goes over strided arrays: 8,192 by default."""

Task = Callable[[int], None]
Done = SimpleQueue[BaseException | None]
Waiting = list[tuple[Task, int, Done]]
"""Parts that no thread has begun, the next one at the end: whoever pops a part does it."""

Orders = SimpleQueue[tuple[Waiting, bool] | None]
"""Parts to do, and whether subnormal numbers are flushed to zero meanwhile, as the calling thread does."""


class Workers(Shared):
    """So many workers, of which the calling thread is the first; the others start when there is first work for them.

    Ufuncs and matrix products let go of the interpreter while they compute, so that threads can keep several
    cores busy. How work is divided into parts is fixed, and each part has memory of its own, so that sums over parts
    have the same bits every time. Which thread does a part is not fixed: a caller that has done its own part does those
    that no other thread has begun, so that on a busy machine nobody waits for a thread that waits for a core. Where
    the matrix library's own threads cannot be held back, the caller works alone.

    Several threads may call `run` at once: each does parts of its own task, and the workers take the others in turn.
    """

    def __init__(self, count: int) -> None:
        self.count = count if blas.setting() is not None else 1
        super().__init__()

    def reset(self) -> None:
        """Begin without threads, as after a fork, which leaves them behind."""
        super().reset()
        self._orders: list[Orders] | None = None
        self._alone: set[int] = set()
        """The threads that do all of their parts themselves for now."""

    def help(self, wanted: bool) -> None:
        """From now on, have the calling thread do all parts of its tasks itself, unless help is `wanted`."""
        if wanted:
            self._alone.discard(get_ident())
        else:
            self._alone.add(get_ident())

    @property
    def alone(self) -> bool:
        """Whether the calling thread does all parts itself."""
        return self.count == 1 or get_ident() in self._alone

    def run(self, task: Task, parts: int) -> None:
        """Call `task(0)` to `task(parts - 1)`, at most one per worker at a time, and wait for all.

        The calling thread begins with the first part. What a task raises is raised here, once no task is running any
        more.
        """
        if parts <= 1 or self.alone:
            for part in range(parts):
                task(part)
            return
        orders = self._queues()
        done: Done = SimpleQueue()
        waiting: Waiting = [(task, part, done) for part in range(parts - 1, 0, -1)]
        begun: Waiting = []
        order = waiting, flushed()
        try:
            for queue in orders[: parts - 1]:
                queue.put(order)
            task(0)
            while _begin(waiting, begun):
                task(begun[-1][1])
        finally:
            # After a fault, parts that no thread has begun are not done.
            _begin(waiting, begun, parts)
            others = parts - 1 - len(begun)
            faults = [fault for fault in (done.get() for _ in range(others)) if fault is not None]
        if faults:
            try:
                raise faults[0]
            finally:
                # Its traceback has this frame, which would keep it and the task until a garbage collection.
                del faults

    def shares(self, size: int) -> list[tuple[int, int]]:
        """Return from where to where each worker goes through so many equal things, none of them without any."""
        count = min(self.count, size)
        ends = [size * part // count for part in range(count + 1)] if count else [0]
        return list(pairwise(ends))

    def _queues(self) -> list[Orders]:
        """Return the queue of each thread, started with the first call: in a child process, with its own first."""
        with self.lock:
            if self._orders is None:
                self._orders = start_threads(self, [_serve] * (self.count - 1), "specnet worker")
            return self._orders


def _serve(orders: Orders) -> None:
    """Do what is ordered until the end is."""
    work, work_flushing = _work, flushing(_work)
    with np.errstate(all="ignore"):
        np.setbufsize(BUFFER)
        while (order := orders.get()) is not None:
            waiting, flushes = order
            (work_flushing if flushes else work)(waiting)
            del order, waiting


def _work(waiting: Waiting) -> None:
    """Do parts until none is left that no thread has begun."""
    begun: Waiting = []
    while _begin(waiting, begun):
        task, part, done = begun.pop()
        fault: BaseException | None = None
        try:
            task(part)
        except BaseException as raised:  # noqa: BLE001 (it is raised again where the order came from)
            fault = raised
        # Nothing of the task is kept alive once its caller goes on.
        del task
        done.put(fault)
        del done, fault


def _begin(waiting: Waiting, begun: Waiting, most: int = 1) -> bool:
    """Move parts that no thread has begun to those that this thread has; return whether there were any.

    It is one call, so that neither another thread nor Ctrl-C can come between taking a part and noting it.
    """
    before = len(begun)
    with suppress(IndexError):
        begun.extend(islice(iter(waiting.pop, None), most))
    return len(begun) > before


def each_piece(
    workers: Workers, task: Callable[..., None], pieces: Sequence[Sequence[Sequence[Any]]]
) -> None:
    """Call a task for each piece of a block; worker by worker, each has pieces with scratch of its own."""

    def work(worker: int) -> None:
        for piece in pieces[worker]:
            task(*piece)

    workers.run(work, len(pieces))


def each_share(
    workers: Workers, tasks: Sequence[Callable[..., tuple[float, ...]]], *numbers: float
) -> tuple[float, ...]:
    """Call each worker's task with the same numbers; return the sums of what they give, in the workers' order."""
    found: list[tuple[float, ...]] = [()] * len(tasks)

    def work(worker: int) -> None:
        found[worker] = tasks[worker](*numbers)

    workers.run(work, len(tasks))
    first, *others = found
    for more in others:
        first = tuple([a + b for a, b in zip(first, more, strict=True)])
    return first


def add_shares(workers: Workers, parts: Sequence[Sequence[Any]]) -> None:
    """Add up arrays: each worker a part of them, for which it has the result and the terms, in order."""

    def work(part: int) -> None:
        out, first, *others = parts[part]
        if not others:
            np.copyto(out, first)
        for number, more in enumerate(others):
            np.add(out if number else first, more, out)

    workers.run(work, len(parts))


def shared_dot(workers: Workers, a: Any, b: Any, out: Any) -> None:
    """Write the product of two matrices into `out`, by parts of its rows or columns, whichever there are more of."""
    by_rows = len(out) >= out.shape[1]
    shares = workers.shares(max(out.shape))

    def work(worker: int) -> None:
        start, stop = shares[worker]
        # Unlike np.dot, it takes parts of matrices without a copy.
        if by_rows:
            np.matmul(a[start:stop], b, out[start:stop])
        else:
            np.matmul(a, b[:, start:stop], out[:, start:stop])

    workers.run(work, len(shares))
