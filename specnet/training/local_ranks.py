"""Processes of one machine that train together, and exchange what they compute through memory that they share."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from mmap import mmap
from select import POLLIN, poll

import numpy as np

from specnet.engines.ranks import Array

LINE = 128
"""Bytes from a number that one process writes to the next: two cache lines, which processors fetch in pairs."""

PART = 1 << 20
"""Bytes of an array that are written before they are read. With fewer, processes wait for each other more often."""

SPINS = 2_000
"""Looks at what another process writes before this one lets others have its core: about 0.1 ms."""

AWAKE = 0.002
"""Seconds before it sleeps until it is woken."""

NAP = 100
"""Milliseconds after which a process that sleeps looks whether all others are still there."""

_STEP = 1 << 20
"""By how much the number of a message exceeds that of the one before; in between are those of its parts."""


def memory_size(size: int) -> int:
    """Return how many bytes so many processes share."""
    return size * (4 * LINE + 4 * PART)


class LocalRanks:
    """Processes that share memory; see `specnet.engines.ranks.Ranks`.

    The memory begins as zeros. Each process has a place in it for what it sends, and numbers that the others read: how
    many parts of how many messages it has written, how many it has read, and whether it sleeps. Two messages, and two
    parts of one, take turns in a process's place: it writes once the others have read what was there before. `pipes`
    are the ends of one for each process, to be read and to be written to, by which the others wake it. `check` is
    called at intervals while this process sleeps, and raises what ends the wait.
    """

    led = True

    def __init__(
        self,
        rank: int,
        memory: mmap,
        pipes: Sequence[tuple[int, int]],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        size = len(pipes)
        self.rank, self.size, self.machine = rank, size, self
        self._pipes = pipes
        self._woken = poll()
        self._woken.register(pipes[rank][0], POLLIN)
        self.together = False
        self._check = check
        self._message = 0
        self._others = [other for other in range(size) if other != rank]
        each = LINE // 8
        self._numbers = memoryview(memory)[: 3 * size * LINE].cast("q")
        self._written = [3 * each * other for other in range(size)]
        self._read = [3 * each * other + each for other in range(size)]
        self._asleep = [3 * each * other + 2 * each for other in range(size)]
        raw = np.frombuffer(memory, np.uint8)
        numbers = raw[3 * size * LINE : 4 * size * LINE].view(np.float64).reshape(size, 2, -1)
        self._scalars: list[list[memoryview[float]]] = [
            [memoryview(numbers[other, turn]) for other in range(size)] for turn in range(2)
        ]
        arrays = raw[4 * size * LINE :].reshape(size, 2, 2, PART)
        self._parts = [[list(arrays[other, turn]) for other in range(size)] for turn in range(2)]
        # Whoever gives a lock back, and takes it again, has written all before that, and reads all after it later,
        # for other cores, too: a processor may otherwise do so in another order.
        self._lock = threading.Lock()
        self._lock.acquire()

    def add(self, own: Array, out: Array) -> None:
        """Write the sum of what all processes have to `out`; the order of the terms is that of the processes."""
        own, out = own.reshape(-1), out.reshape(-1)
        dtype, length = own.dtype, PART // own.itemsize
        self._begin()
        places = self._parts[self._turn]
        for part, start in enumerate(range(0, own.size, length)):
            total = out[start : start + length]
            self._write(own[start : start + length].view(np.uint8), part, self._others)
            terms = [place[part % 2].view(dtype)[: total.size] for place in places]
            for other in self._others:
                self._await(self._written[other], part + 1)
            self._fence()
            np.add(terms[0], terms[1], total)
            for term in terms[2:]:
                np.add(total, term, total)
            self._have_read(part)
        self._end()

    def total(self, own: float) -> float:
        """Return the sum of what all processes have."""
        return sum([numbers[0] for numbers in self._told([own])])

    def largest(self, numbers: Array) -> None:
        """Put the largest in the place of each number, of what all processes have."""
        told = self._told(numbers.tolist())
        for place in range(len(numbers)):
            numbers[place] = max([each[place] for each in told])

    def gather(self, own: Array, out: Array, counts: list[int]) -> None:
        """Write what all processes have to `out`, one after the other."""
        ends = np.cumsum(counts).tolist()
        received = [(other, out[ends[other] - counts[other] : ends[other]]) for other in self._others]
        self._exchange(own, self._others, received)
        np.copyto(out[ends[self.rank] - counts[self.rank] : ends[self.rank]], own)

    def pass_on(self, sent: Array, to: int, received: Array, source: int) -> None:
        """Send an array to one process, and receive one from another, which sends it at the same time."""
        self._exchange(sent, [to], [(source, received)])

    def pass_and_add(
        self, sent: Array, to: int, own: Array, out: Array, received: Array, source: int
    ) -> None:
        """Do the same, and write the sum of `own` and what is received to `out`; `received` is scratch."""
        self._exchange(sent, [to], [(source, out)], own)

    def exchange(self, message: bytes) -> list[bytes]:
        """Return the messages of all processes."""
        counts = np.empty(self.size, np.int64)
        self.gather(np.array([len(message)], np.int64), counts, [1] * self.size)
        out = np.empty(int(counts.sum()), np.uint8)
        self.gather(np.frombuffer(message, np.uint8), out, counts.tolist())
        ends = np.cumsum(counts).tolist()
        return [out[end - count : end].tobytes() for end, count in zip(ends, counts.tolist(), strict=True)]

    def _told(self, numbers: list[float]) -> list[list[float]]:
        """Return the numbers of all processes."""
        self._begin()
        places = self._scalars[self._turn]
        own = places[self.rank]
        for place, number in enumerate(numbers):
            own[place] = number
        self._have_written(0)
        for other in self._others:
            self._await(self._written[other], 1)
        self._fence()
        told = [[*place[: len(numbers)]] for place in places]
        self._end()
        return told

    def _exchange(
        self,
        sent: Array,
        readers: Sequence[int],
        received: Sequence[tuple[int, Array]],
        own: Array | None = None,
    ) -> None:
        """Send a vector to some processes, and receive one from each of some, to which `own` is added where given.

        All have numbers of one type.
        """
        self._begin()
        places, dtype, length = self._parts[self._turn], sent.dtype, PART // sent.itemsize
        most = max(sent.size, *[array.size for _, array in received])
        for part, start in enumerate(range(0, most, length)):
            if start < sent.size:
                self._write(sent[start : start + length].view(np.uint8), part, readers)
            for source, array in received:
                piece = array[start : start + length]
                if not piece.size:
                    continue
                self._await(self._written[source], part + 1)
                self._fence()
                found = places[source][part % 2].view(dtype)[: piece.size]
                if own is None:
                    np.copyto(piece, found)
                else:
                    np.add(own[start : start + length], found, piece)
            self._have_read(part)
        self._end()

    def _begin(self) -> None:
        """Begin with a message, once all processes have read the one before the last, which lay in its place."""
        self._message += 1
        self._turn = self._message % 2
        self._first = self._message * _STEP
        for other in self._others:
            self._await(self._read[other], -_STEP)

    def _write(self, piece: Array, part: int, readers: Sequence[int]) -> None:
        """Write a part of a message, once the part before the last has been read."""
        if part > 1:
            for reader in readers:
                self._await(self._read[reader], part - 1)
        np.copyto(self._parts[self._turn][self.rank][part % 2][: piece.size], piece)
        self._have_written(part)

    def _have_written(self, part: int) -> None:
        self._tell(self._written[self.rank], part)

    def _have_read(self, part: int) -> None:
        self._tell(self._read[self.rank], part)

    def _tell(self, place: int, part: int) -> None:
        """Let the others know, and wake those that sleep."""
        self._fence()
        numbers, asleep = self._numbers, self._asleep
        numbers[place] = self._first + part + 1
        self._fence()
        for other in self._others:
            if numbers[asleep[other]]:
                with suppress(BlockingIOError):  # it has been woken many times
                    os.write(self._pipes[other][1], b"!")

    def _end(self) -> None:
        """Have the others know that this process has read the whole message."""
        self._have_read(_STEP - 1)

    def _fence(self) -> None:
        self._lock.release()
        self._lock.acquire()

    def _await(self, place: int, parts: int) -> None:
        """Wait until a number says that so many parts of this message are written or read."""
        numbers, least = self._numbers, self._first + parts
        for _ in range(SPINS):
            if numbers[place] >= least:
                return
        until = time.perf_counter() + AWAKE
        while numbers[place] < least:
            if time.perf_counter() < until:
                _let_others_run()
            else:
                self._sleep(place, least)
                self._check()

    def _sleep(self, place: int, least: int) -> None:
        """Sleep until another process has written or read something."""
        own = self._asleep[self.rank]
        self._numbers[own] = 1
        self._fence()
        try:
            if self._numbers[place] < least and self._woken.poll(NAP):
                os.read(self._pipes[self.rank][0], 1 << 12)
        finally:
            self._numbers[own] = 0


def _let_others_run() -> None:
    if hasattr(os, "sched_yield"):
        os.sched_yield()
    else:
        time.sleep(0)
