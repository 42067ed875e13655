"""Whether the arrays of an allocation are in each other's way, found out from the graph alone."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Any

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.leaves import ARGUMENT, name_of
from specnet.graph.sizes import ITEM_BYTES, at
from specnet.passes import pipeline
from specnet.passes.allocations import AROUND
from specnet.passes.arena import ARENA, ONCE, Storage


@dataclass(frozen=True)
class Claim:
    """Bytes that something needs from one time to another; times are places in the order of the ops."""

    name: str
    memory: str
    start: int
    size: int
    first: int
    last: int
    value: Value | None = None
    made: int = -1
    """When it is written, op by op: a group that runs piece by piece needs its arrays all the time."""
    read: int = -1
    """When it is read for the last time, likewise."""
    room: Storage | None = None
    """The room of a group's workers that it lies in."""
    is_room: Storage | None = None

    @property
    def stop(self) -> int:
        return self.start + self.size


def collisions(graph, groups, allocations, sizes):
    """Return what is wrong with an allocation, as text: pairs of arrays that share memory, and what leaves its room."""
    found = []
    lasting: dict[Storage, Claim] = {}
    _Level(graph, groups, allocations, sizes, None, lasting, found).check()
    found += [
        f"{a.name} and {b.name} share what lasts"
        for a, b in combinations(lasting.values(), 2)
        if a.start < b.stop and b.start < a.stop
    ]
    most = max((claim.stop for claim in lasting.values()), default=0)
    if most > allocations.prologue:
        found.append(f"what lasts has {allocations.prologue} bytes and needs {most}")
    return found


@contextmanager
def allocations(monkeypatch):
    """Note the arguments of `collisions` for every plan that is made, in a list."""
    seen: list[Any] = []
    allocate = pipeline.allocate

    def noting(graph, groups, sizes):
        allocations = allocate(graph, groups, sizes)
        seen.append((graph, groups, allocations, sizes))
        return allocations

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "allocate", noting)
        yield seen


class _Level:
    """One graph: the outermost, or a loop's body whose arrays lie in a room."""

    def __init__(self, graph, groups, allocations, sizes, room, lasting, found):
        self.graph, self.groups, self.allocations, self.sizes = graph, groups, allocations, sizes
        self.room, self.lasting, self.found = room, lasting, found
        self.claims: list[Claim] = []
        self.order = [value for group in groups for value in group.values]
        self.end = len(self.order)
        self.made: dict[int, int] = {}
        self.span: list[tuple[int, int]] = []
        """For each op the first and the last one that run at the same time, piece by piece."""
        for group in groups:
            first = len(self.span)
            for value in group.values:
                self.made |= {result.index: len(self.span) for result in value.node.results}
                last = first + len(group.values) - 1
                self.span.append((first, last) if group.rows else (len(self.span),) * 2)
        self.read: dict[int, int] = {}
        self.needed: dict[int, int] = {}
        for time, value in enumerate(self.order):
            for source in value.inputs:
                root = _root(source).index
                self.read[root] = time
                self.needed[root] = max(self.needed.get(root, 0), self.span[time][1])
        for value in graph.wanted:
            self.read[_root(value).index] = self.needed[_root(value).index] = self.end

    def check(self):
        for value in self.graph.values:
            if value.op.leaf and value.shape and value.op is not ARGUMENT:
                self._claim(value, name_of(value), 0, self._bytes(value.shape, value.dtype), -1)
        for number, group in enumerate(self.groups):
            if group.rows:
                self._room(number, group)
            for value in group.values:
                self._applied(group, value)
        for a, b in combinations(self.claims, 2):
            if _meet(a, b) and not (self._overwrites(a, b) or self._overwrites(b, a) or self._packed(a, b)):
                self.found.append(f"{a.name} [{a.first}, {a.last}] and {b.name} [{b.first}, {b.last}] meet")
        start, size = (0, self.allocations.arena) if self.room is None else (self.room.start, self.room.size)
        self.found += [
            f"{claim.name} leaves the arena, or the room of its loop"
            for claim in self.claims
            if claim.memory == ARENA and not (start <= claim.start and claim.stop <= start + size)
        ]

    def _applied(self, group, value):
        for result in value.node.results:
            self._result(group, result)
        self._scratch(group, value)
        if value.op is ops.SCAN:
            self._loop(group, value)

    def _claim(self, value, memory, start, size, first, room=None):
        made = self.made.get(value.index, -1)
        read = max(self.read.get(value.index, made), made)
        # What passes within a group is needed for one piece, op by op.
        last = (
            read
            if room is not None
            else max(self.needed.get(value.index, made), self.span[made][1] if made >= 0 else -1)
        )
        name = f"{value}: {value.op}"
        self.claims.append(Claim(name, memory, start, size, first, last, value, made, read, room))

    def _result(self, group, value):
        place = self.allocations.places.get(value.index)
        if place is None or place.storage.memory == AROUND:
            return
        inner = value.index in group.inner
        size = self._piece(value, group) if inner else self._bytes(value.shape, value.dtype)
        time = self.made[value.index]
        if place.storage.memory == ONCE:
            self.lasting.setdefault(
                place.storage,
                Claim(f"{value}: {value.op}", ONCE, place.offset, place.storage.size, -1, self.end),
            )
        if group.prologue:
            return
        room = place.storage.within if inner else None
        if inner and room is None:
            self.found.append(f"{value} stays in a group and has no room there")
        start = self._start(value)
        if place.delta + start + size > place.storage.size and place.storage.memory == ARENA:
            self.found.append(f"{value} needs {size} bytes of {place.storage.size}")
        first = time if inner else self.span[time][0]
        self._claim(value, place.storage.memory, place.offset + start, size, first, room)

    def _start(self, value):
        """Return how many bytes from the start of its place a value lies that is computed as a part of another."""
        start, made = 0, value
        while made.index in self.allocations.joined:
            made, counts = self.allocations.joined[made.index]
            start += sum(count.at(self.sizes) for count in counts)
        return start * ITEM_BYTES[value.dtype]

    def _scratch(self, group, value):
        time = self.made[value.index]
        own = [place for place, _, _ in self.allocations.scratch.get(value.index, [])]
        own += [self.allocations.more[value.index]] if value.index in self.allocations.more else []
        for number, place in enumerate(own):
            room = place.storage.within if group.rows else None
            self._own(f"scratch {number} of {value}: {value.op}", place.storage, time, time, room)
        if value.index in self.allocations.partial:
            storage = self.allocations.partial[value.index].storage
            self._own(f"part of {value}", storage, *self.span[time], storage.within)

    def _own(self, name, storage, first, last, room=None, is_room=None):
        self.claims.append(
            Claim(name, storage.memory, storage.start, storage.size, first, last, room=room, is_room=is_room)
        )

    def _room(self, number, group):
        """Claim the room of a group's workers, which what passes within the group shares."""
        places = [self.allocations.places.get(index) for index in group.inner]
        places += [place for v in group.values for place, _, _ in self.allocations.scratch.get(v.index, [])]
        rooms = {place.storage.within for place in places if place is not None} - {None}
        for room in rooms:
            first = self.made[group.values[0].index]
            self._own("the room of a group", room, first, first + len(group.values) - 1, is_room=room)
            if room.size < group.workers * self.allocations.scratch_sizes[number]:
                self.found.append("a room is too small for all of its workers")
        for place in places:
            if (
                place is not None
                and place.storage.offset + place.storage.size > self.allocations.scratch_sizes[number]
            ):
                self.found.append("what passes within a group leaves a worker's room")

    def _loop(self, group, value):
        time = self.made[value.index]
        loop = self.allocations.loops[value.node.index]
        self._own(f"the room of {value.node}", loop.scratch, time, time)
        for number, place in loop.turns.items():
            self._own(f"state {number} of {value.node} in turns", place.storage, time, time)
        body = ops.SCAN.of(value).body
        _Level(body, group.body, loop.body, self.sizes, loop.scratch, self.lasting, self.found).check()

    def _overwrites(self, old, new):
        """Whether one is computed over the other, which nobody reads any more, by an op that can."""
        if old.value is None or new.value is None or not new.value.op.elementwise:
            return False
        same = (old.start, old.size) == (new.start, new.size) and old.value.dtype == new.value.dtype
        if same and old.read < new.made and self._cut_alike(old.value, new.value):
            return True
        if not new.value.op.in_place(new.value):
            return False
        ranges = [
            (claim.start, claim.size)
            for source in new.value.inputs
            for claim in self.claims
            if claim.value is _root(source) and claim.memory == new.memory
        ]
        return same and old.made < new.made and old.read <= new.made and (new.start, new.size) in ranges

    def _cut_alike(self, old, new):
        """Whether all that read one piece by piece together with the other's op read the rows that this writes."""
        group = next(group for group in self.groups if new in group.values)
        readers = [(v, i) for v in group.values for i in v.inputs if _root(i) is old]
        return bool(group.rows) and all(
            v.op.elementwise and i.shape == v.shape == new.shape for v, i in readers
        )

    def _packed(self, a, b):
        """Whether one is a part of the other, where it is computed."""
        for whole, part in ((a, b), (b, a)):
            inputs = whole.value.inputs if whole.value is not None else ()
            for position, source in enumerate(inputs):
                if (
                    (whole.value.index, position) in self.allocations.packed
                    and _root(source) is part.value
                    and whole.start <= part.start
                    and part.stop <= whole.stop
                ):
                    return True
        return False

    def _bytes(self, shape, dtype):
        return prod(at(shape, self.sizes)) * ITEM_BYTES[dtype]

    def _piece(self, value, group):
        """Return the bytes of what one piece has of a value."""
        first, *others = value.shape
        rows = group.rows if first == group.leading else first.times * group.rows
        return rows * self._bytes(others, value.dtype)


def _root(value):
    while value.op.alias:
        value = value.inputs[0]
    return value


def _meet(a, b):
    """Whether two share bytes and time; a room shares its bytes with what lies in it."""
    if a.memory != b.memory or (a.is_room is not None and a.is_room in (b.room, b.is_room)):
        return False
    if b.is_room is not None and b.is_room is a.room:
        return False
    return a.start < b.stop and b.start < a.stop and a.first <= b.last and b.first <= a.last
