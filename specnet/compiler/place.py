from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from specnet.compiler.arena import Storage, aligned, lay_out
from specnet.compiler.fuse import Group, is_sum, root
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.op import CONSTANT, name_of, role_of
from specnet.graph.sizes import BATCH, ITEM_BYTES, DType, Shape, at, count
from specnet.runtime.plan import ARENA, ONCE


@dataclass(frozen=True, slots=True)
class Place:
    """Where an array lies: a storage, and bytes from its start."""

    storage: Storage
    delta: int = 0

    @property
    def offset(self) -> int:
        """Bytes from the start of the memory that the storage is in."""
        room = self.storage.within
        return self.storage.offset + self.delta + (0 if room is None else room.offset)


@dataclass(slots=True)
class Placement:
    """Where every array of a graph lies."""

    places: dict[int, Place] = field(default_factory=dict)
    """By index of the value that computes it; reshapes have none of their own."""
    scratch: dict[int, list[tuple[Place, Shape, DType]]] = field(default_factory=dict)
    more: dict[int, Place] = field(default_factory=dict)
    """Scratch of the size of what is summed over the batch, for what is added to it."""
    partial: dict[int, Place] = field(default_factory=dict)
    """Where each worker but the first sums up."""
    rooms: dict[int, int] = field(default_factory=dict)
    """Bytes that a worker has of its own, by number of the group that runs piece by piece."""
    copies: list[tuple[Value, Value]] = field(default_factory=list)
    """Assignments whose value could not be computed in the leaf's own memory."""
    packed: set[tuple[int, int]] = field(default_factory=set)
    """(pack, position) of what is computed in its place in a packed vector."""
    arena: int = 0
    once: int = 0


def place(graph: Graph, groups: list[Group], batch: int) -> Placement:
    """Give every array its memory before the first step.

    New values of leaves are computed in the leaves' memory where nobody reads the old value afterwards, parts
    of a packed vector in their place in it, and element-wise results over an input that has served. What is
    left shares one arena: the largest first, each at the lowest offset that is free while it is needed.
    """
    return _Placer(graph, groups, batch).run()


class _Placer:
    def __init__(self, graph: Graph, groups: list[Group], batch: int) -> None:
        self.graph, self.groups, self.batch = graph, groups, batch
        self.out = Placement()
        self.group_of = {v.index: n for n, g in enumerate(groups) for v in g.values}
        order = [v for g in groups for v in g.values]
        self.position = {v.index: n for n, v in enumerate(order)}
        self.last_read: dict[int, int] = {}
        self.memory_last_read: dict[str | None, int] = {}
        for value in order:
            for source in value.inputs:
                made = root(source)
                self.last_read[made.index] = self.position[value.index]
                if source.shape:
                    self.memory_last_read[_memory(made)] = self.position[value.index]
        for value in (*graph.outputs.values(), *(v for _, v in graph.assignments)):
            self.last_read[root(value).index] = len(order)
        self.given_out = {v.index for v in graph.outputs.values()}
        self.storages: list[Storage] = []
        self.own: list[Storage] = []

    def run(self) -> Placement:
        for value in self.graph.values:
            if value.op.leaf and value.shape:
                self.out.places[value.index] = Place(Storage(0, memory=name_of(value)))
        self._assigned()
        self._packed()
        self._extended()
        for number, group in enumerate(self.groups):
            self.own = []
            for value in group.values:
                self._value(number, group, value)
            if group.rows:
                self._room(number, group)
        self._deaths()
        self.out.arena = lay_out(self.storages)
        return self.out

    # What is computed in memory that is given from outside

    def _assigned(self) -> None:
        for leaf, value in self.graph.assignments:
            made = root(value)
            if self._can_overwrite(leaf, made):
                self.out.places[made.index] = self.out.places[leaf.index]
            else:
                self.out.copies.append((leaf, value))

    def _can_overwrite(self, leaf: Value, made: Value) -> bool:
        if made.op.leaf or made.op is CONSTANT or made.index in self.out.places or not made.shape:
            return False
        group = self.groups[self.group_of[made.index]]
        if group.once or made.count != leaf.count or (group.rows and is_sum(made)):
            return False
        memory, when = _memory(leaf), self.position[made.index]
        own = any(_memory(root(i)) == memory for i in made.inputs if i.shape)
        return self.memory_last_read.get(memory, when) <= when and (
            not own or (made.op.elementwise and made.op.in_place)
        )

    def _packed(self) -> None:
        for value in self.graph.values:
            if value.op is not ops.pack:
                continue
            storage = self._new(
                value.count.at(self.batch) * ITEM_BYTES[value.dtype], self.group_of[value.index]
            )
            self.out.places.setdefault(value.index, Place(storage))
            whole = self.out.places[value.index]
            delta = 0
            for position, part in enumerate(value.inputs):
                made = root(part)
                if self._free(made):
                    self.out.places[made.index] = Place(whole.storage, whole.delta + delta)
                    self.out.packed.add((value.index, position))
                    storage.birth = min(storage.birth, self.group_of[made.index])
                delta += part.count.at(self.batch) * ITEM_BYTES[part.dtype]

    def _extended(self) -> None:
        """Have what stands above a row of ones be computed there, in memory where the ones outlast the step."""
        for value in self.graph.values:
            if value.op is ops.ones_below and not self.groups[self.group_of[value.index]].once:
                self.out.places[value.index] = self._kept(value)
                made = root(value.inputs[0])
                if self._free(made):
                    self.out.places[made.index] = self.out.places[value.index]
                    self.out.packed.add((value.index, 0))

    def _free(self, made: Value) -> bool:
        """Say whether a value is computed at every step, and has no place yet."""
        known = made.op.leaf or made.index in self.out.places or made.index not in self.group_of
        return not known and not self.groups[self.group_of[made.index]].once

    def _kept(self, value: Value) -> Place:
        """Return a place that no other value ever shares."""
        size = _bytes(value.shape, value.dtype, self.batch)
        place = Place(Storage(size, ONCE, self.out.once))
        self.out.once += aligned(size)
        return place

    # What lies in the arena

    def _value(self, number: int, group: Group, value: Value) -> None:
        when = self.position[value.index]
        for shape, dtype in value.op.scratch(value):
            place = self._passing(number, group, when, shape, dtype)
            self.out.scratch.setdefault(value.index, []).append((place, piece(shape, group), dtype))
        if value.op.sums(value) and (group.rows or value.op.calls):
            self.out.more[value.index] = self._passing(number, group, when, value.shape, value.dtype)
        if group.rows and is_sum(value) and group.workers > 1:
            place = self.out.partial[value.index] = self._passing(
                number, group, when, value.shape, value.dtype
            )
            ends = (self.position[v.index] for v in (group.values[0], group.values[-1]))
            place.storage.birth, place.storage.death = ends
        if not value.shape or value.index in self.out.places:
            return
        if group.once:
            self.out.places[value.index] = self._kept(value)
            return
        over = self._served(group, value)
        if over is not None:
            self.out.places[value.index] = over
        elif value.index in group.inner:
            self.out.places[value.index] = self._passing(number, group, when, value.shape, value.dtype)
        else:
            size = _bytes(value.shape, value.dtype, self.batch)
            self.out.places[value.index] = Place(self._new(size, number))

    def _passing(self, number: int, group: Group, when: int, shape: Shape, dtype: DType) -> Place:
        """Return a place for what passes within a group: for one piece, in the room of a worker, if it is cut."""
        if not group.rows:
            return Place(self._new(_bytes(shape, dtype, self.batch), number))
        storage = Storage(self._piece_bytes(shape, dtype, group), birth=when, death=when)
        self.own.append(storage)
        return Place(storage)

    def _room(self, number: int, group: Group) -> None:
        """Lay out what a worker needs of its own while it takes one piece after another through a group."""
        for value in group.values:
            place = self.out.places.get(value.index)
            if value.index in group.inner and place is not None:
                last = max(self.last_read.get(value.index, 0), self.position[value.index])
                place.storage.death = max(place.storage.death, last)
        size = self.out.rooms[number] = lay_out(self.own)
        room = self._new(size * group.workers, number)
        for storage in self.own:
            storage.within = room

    def _served(self, group: Group, value: Value) -> Place | None:
        """Return the place of an input that this op may overwrite."""
        if not (value.op.elementwise and value.op.in_place):
            return None
        for source in value.inputs:
            made = root(source)
            place = self.out.places.get(made.index)
            if (
                place is not None
                and place.storage.memory == ARENA
                and source.count == value.count
                and source.dtype == value.dtype
                and (made.index in group.inner) == (value.index in group.inner)
                and self.last_read[made.index] == self.position[value.index]
                and made.index not in self.given_out
                and place.delta == 0
                and place.storage.size == self._size(group, value)
            ):
                return place
        return None

    def _piece_bytes(self, shape: Shape, dtype: DType, group: Group) -> int:
        shape = piece(shape, group)
        return prod(at(shape[:1], group.rows) + at(shape[1:], self.batch)) * ITEM_BYTES[dtype]

    def _size(self, group: Group, value: Value) -> int:
        if value.index in group.inner:
            return self._piece_bytes(value.shape, value.dtype, group)
        return _bytes(value.shape, value.dtype, self.batch)

    def _new(self, size: int, birth: int) -> Storage:
        storage = Storage(size, birth=birth, death=birth)
        self.storages.append(storage)
        return storage

    def _deaths(self) -> None:
        end = len(self.groups)
        order = [v for g in self.groups for v in g.values]
        for value in order:
            place = self.out.places.get(value.index)
            if place is not None and place.storage.within is None:
                last = self.last_read.get(value.index, self.position[value.index])
                group = self.group_of[order[last].index] if last < len(order) else end
                place.storage.death = max(place.storage.death, group, self.group_of[value.index])


def piece(shape: Shape, group: Group) -> Shape:
    """Return the shape of a piece of an array in a group, in which the batch stands for the rows of a piece."""
    return (BATCH, *shape[1:]) if group.rows and shape and shape[0] == group.leading else shape


def _memory(value: Value) -> str | None:
    """Return which memory from outside a leaf reads: all parameters share one vector."""
    if not value.op.leaf:
        return None
    return "parameters" if role_of(value) == "parameter" else name_of(value)


def _bytes(shape: Shape, dtype: DType, batch: int) -> int:
    return count(shape).at(batch) * ITEM_BYTES[dtype]
