"""Where arrays that are needed at different times share one block of memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ARENA = "arena"
"""The memory that all passing values share."""

ONCE = "once"
"""The memory of what is computed when a plan is bound to a batch size, and never changes."""

ALIGNMENT = 64


@dataclass(slots=True, eq=False)
class Storage:
    """A range of memory, and from which group to which it is needed."""

    size: int
    memory: str = ARENA
    offset: int = 0
    birth: int = 0
    death: int = 0
    within: Storage | None = None
    """The scratch that it is a part of, of a group's workers or of a loop; then the times are those in it."""

    @property
    def start(self) -> int:
        """Bytes from the start of the memory."""
        return self.offset + (0 if self.within is None else self.within.start)


def aligned(size: int) -> int:
    """Return a size rounded up to whole cache lines."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def lay_out(storages: Iterable[Storage]) -> int:
    """Give each storage an offset; return the bytes needed (greedy by size: Pisarchyk and Lee, 2020).

    The largest come first, each at the lowest offset that is free from its birth to its death.
    """
    ordered = sorted(storages, key=lambda s: -s.size)
    schedule = _TakenMemory(time for s in ordered for time in (s.birth, s.death))
    total = 0
    for storage in ordered:
        storage.offset = schedule.place(storage)
        total = max(total, aligned(storage.offset + storage.size))
    return total


class _TakenMemory:
    """What memory is taken at which times, as a segment tree over the times.

    Every span of time is the union of a few nodes, at most two a level. Each node knows the memory that is taken by
    storages of which it is such a node, and the memory that is taken anywhere below it. To find what is free in a span,
    only the span's nodes and those above them are asked. Memory that is taken side by side is one range, of which
    there are few: the greedy order leaves few gaps.
    """

    def __init__(self, times: Iterable[int]) -> None:
        self._tick = {time: tick for tick, time in enumerate(sorted(set(times)))}
        self._leaves = 1 << max(len(self._tick) - 1, 0).bit_length()
        self._throughout: defaultdict[int, _Taken] = defaultdict(_Taken)
        """What is taken throughout a node's time, by storages of which it is one of the nodes."""
        self._sometime: defaultdict[int, _Taken] = defaultdict(_Taken)
        """What is taken at some of a node's time, by storages whose nodes are this one or lie below it."""

    def place(self, storage: Storage) -> int:
        """Take the lowest offset that is free while a storage is needed, and return it."""
        nodes = list(self._nodes(self._tick[storage.birth], self._tick[storage.death]))
        above = _above(nodes)
        offset = self._free(storage.size, nodes, above)
        if storage.size:
            end = offset + aligned(storage.size)
            for node in nodes:
                self._throughout[node].add(offset, end)
            for node in above.union(nodes):
                self._sometime[node].add(offset, end)
        return offset

    def _free(self, size: int, nodes: Iterable[int], above: Iterable[int]) -> int:
        taken = [self._sometime[node] for node in nodes if node in self._sometime]
        taken += [self._throughout[node] for node in above if node in self._throughout]
        offset = before = 0
        while True:
            for each in taken:
                offset = each.past(offset, size)
            if offset == before:
                return offset
            before = offset

    def _nodes(self, first: int, last: int) -> Iterator[int]:
        """Yield the largest nodes whose times together are those from the first tick to the last."""
        low, high = first + self._leaves, last + self._leaves + 1
        while low < high:
            if low & 1:
                yield low
                low += 1
            if high & 1:
                high -= 1
                yield high
            low, high = low >> 1, high >> 1


def _above(nodes: Iterable[int]) -> set[int]:
    """Return the nodes that these lie below."""
    found: set[int] = set()
    for node in nodes:
        parent = node >> 1
        while parent and parent not in found:
            found.add(parent)
            parent >>= 1
    return found


class _Taken:
    """Ranges of memory in order, with gaps between them."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Take a range, and merge it with all that it touches."""
        first, last = bisect_left(self.ends, start), bisect_right(self.starts, end)
        if first < last:
            start, end = min(start, self.starts[first]), max(end, self.ends[last - 1])
        self.starts[first:last], self.ends[first:last] = [start], [end]

    def past(self, offset: int, size: int) -> int:
        """Return the lowest offset, this one or above, at which so many bytes are in nobody's way."""
        place = bisect_right(self.ends, offset)
        while place < len(self.ends) and self.starts[place] < offset + size:
            offset = self.ends[place]
            place += 1
        return offset
