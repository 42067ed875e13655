"""Giving every array its memory before the first step."""

from __future__ import annotations

from math import prod

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Value
from specnet.graph.ops.scan import SCAN
from specnet.graph.ops.shard import SHARD
from specnet.graph.sizes import ITEM_BYTES, DType, Shape, Sizes, at, part_sizes
from specnet.passes.aliases import root, unreshaped
from specnet.passes.allocations import (
    AROUND,
    Allocation,
    Allocations,
    LoopAllocations,
    ShardAllocations,
    bytes_of,
    piece,
)
from specnet.passes.arena import ARENA, Storage, lay_out
from specnet.passes.groups import Group, is_looped
from specnet.passes.outside import OutsideAllocator
from specnet.passes.row_chains import is_sum


def allocate(graph: Graph, groups: list[Group], sizes: Sizes) -> Allocations:
    """Give every array its memory before the first step.

    New values of leaves are computed in the leaves' memory where nobody reads the old value afterwards, parts
    of a packed vector in their place in it, and element-wise results over an input that is not read again. What is
    left shares one arena: the largest first, each at the lowest offset that is free while it is needed.
    """
    return _Allocator(graph, groups, sizes).run()


class _Allocator(OutsideAllocator):
    """Places all values: what has no place yet lies in the arena, or over an input that is not read again."""

    def __init__(self, graph: Graph, groups: list[Group], sizes: Sizes, prologue: int = 0) -> None:
        super().__init__(graph, groups, sizes, prologue)
        self.given_out = {v.index for v in graph.outputs.values()}
        self.own: list[Storage] = []

    def run(self) -> Allocations:
        self.place_outside()
        for number, group in enumerate(self.groups):
            self.own = []
            for value in group.values:
                self._value(number, group, value)
            if group.rows:
                self._room(number, group)
        self._deaths()
        self.out.arena = lay_out(self.storages)
        return self.out

    def _value(self, number: int, group: Group, value: Value) -> None:
        when = self.times.position[value.index]
        looped = group.compiled and is_looped(value)
        for shape, dtype in () if looped else value.op.scratch(value):
            place = self._passing(number, group, when, shape, dtype)
            self.out.scratch.setdefault(value.index, []).append((place, piece(shape, group), dtype))
        if value.op.sums(value) and (group.rows or value.op.calls):
            self.out.more[value.index] = self._passing(number, group, when, value.shape, value.dtype)
        if group.rows and is_sum(value) and group.workers > 1:
            place = self.out.partial[value.index] = self._passing(
                number, group, when, value.shape, value.dtype
            )
            ends = (self.times.position[v.index] for v in (group.values[0], group.values[-1]))
            place.storage.birth, place.storage.death = ends
        if value.op is ops.SCAN:
            self._loop(number, group, value.node)
            return
        if value.op is SHARD:
            self._shard(number, group, value.node)
            return
        if not value.shape or value.index in self.out.places or value.index in group.registers:
            return
        if group.prologue:
            self.out.places[value.index] = self.kept(value)
            return
        over = self._reused(group, value)
        if over is not None:
            self.out.places[value.index] = over
        elif value.index in group.inner:
            self.out.places[value.index] = self._passing(number, group, when, value.shape, value.dtype)
        else:
            size = bytes_of(value.shape, value.dtype, self.sizes)
            self.out.places[value.index] = Allocation(self.new(size, number))

    def _loop(self, number: int, group: Group, node: Node) -> None:
        """Place a loop's results, and what passes within a step in scratch that is needed while the loop runs."""
        self._results(number, node)
        placer = _LoopAllocator(node, group.body, self.sizes, self.out.prologue)
        made = self.out.loops[node.index] = placer.loop()
        self.out.prologue = made.body.prologue
        self.storages += [made.scratch, *(place.storage for place in made.turns.values())]
        for storage in (made.scratch, *(place.storage for place in made.turns.values())):
            storage.birth = storage.death = number

    def _shard(self, number: int, group: Group, node: Node) -> None:
        """Place the results of what workers share, and what each has of its own while they run."""
        self._results(number, node)
        sizes = part_sizes(self.sizes, group.workers)
        made = self.out.shards[node.index] = _ShardAllocator(node, group.body, sizes, 0).shard()
        made.scratch.size = made.each * group.workers
        made.scratch.birth = made.scratch.death = number
        self.storages.append(made.scratch)

    def _results(self, number: int, node: Node) -> None:
        """Place the results of an op with a body."""
        for result in node.results:
            if result.shape and result.index not in self.out.places:
                size = bytes_of(result.shape, result.dtype, self.sizes)
                self.out.places[result.index] = Allocation(self.new(size, number))

    def _passing(self, number: int, group: Group, when: int, shape: Shape, dtype: DType) -> Allocation:
        """Return a place for what passes within a group: for one piece, in the scratch of a worker, if it is cut."""
        if not group.rows:
            return Allocation(self.new(bytes_of(shape, dtype, self.sizes), number))
        storage = Storage(self._piece_bytes(shape, dtype, group), birth=when, death=when)
        self.own.append(storage)
        return Allocation(storage)

    def _room(self, number: int, group: Group) -> None:
        """Lay out what a worker needs of its own while it takes one piece after another through a group."""
        for value in group.values:
            place = self.out.places.get(value.index)
            if value.index in group.inner and place is not None:
                last = max(self.times.last_read.get(value.index, 0), self.times.position[value.index])
                place.storage.death = max(place.storage.death, last)
        for run in group.runs if group.compiled else ():
            # A compiled loop is done with its first element before it reads its last: all that it reads and writes
            # must be there from its beginning to its end.
            first, last = self.times.position[run[0].index], self.times.position[run[-1].index]
            for storage in self.own:
                storage.birth = first if first <= storage.birth <= last else storage.birth
                storage.death = last if first <= storage.death <= last else storage.death
        size = self.out.scratch_sizes[number] = lay_out(self.own)
        scratch = self.new(size * group.workers, number)
        for storage in self.own:
            storage.within = scratch

    def _reused(self, group: Group, value: Value) -> Allocation | None:
        """Return the place of an input that this op may overwrite."""
        if not (value.op.elementwise and value.op.in_place(value)):
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
                and self.times.last_read[made.index] == self.times.position[value.index]
                and made.index not in self.given_out
                and place.delta == 0
                and self.read_in_parts.get(made.index, 0) <= self.times.position[value.index]
                and place.storage.size == self._size(group, value)
            ):
                return place
        return None

    def _piece_bytes(self, shape: Shape, dtype: DType, group: Group) -> int:
        shape = piece(shape, group)
        return prod(at(shape[:1], group.rows) + at(shape[1:], self.sizes)) * ITEM_BYTES[dtype]

    def _size(self, group: Group, value: Value) -> int:
        if value.index in group.inner:
            return self._piece_bytes(value.shape, value.dtype, group)
        return bytes_of(value.shape, value.dtype, self.sizes)

    def _deaths(self) -> None:
        end = len(self.groups)
        order = self.times.order
        for value in order:
            for result in value.node.results:
                place = self.out.places.get(result.index)
                if place is not None and place.storage.within is None:
                    last = self.times.last_read.get(result.index, self.times.position[result.index])
                    group = self.times.group_of[order[last].index] if last < len(order) else end
                    place.storage.death = max(place.storage.death, group, self.times.group_of[result.index])


class _LoopAllocator(_Allocator):
    """Places the arrays of a loop's body."""

    def __init__(self, node: Node, groups: list[Group], sizes: Sizes, prologue: int) -> None:
        self.settings = SCAN.of(node)
        super().__init__(self.settings.body, groups, sizes, prologue)

    def loop(self) -> LoopAllocations:
        """Return where the arrays lie: first those that are computed where the step returns them."""
        body, states = self.settings.body, self.settings.states
        made = LoopAllocations(self.out, Storage(0))
        for number, value in enumerate(body.returns[states:], states):
            self._slot(made, number, unreshaped(value))
        for number, value in enumerate(body.returns[:states]):
            if unreshaped(value).index in made.slots:
                continue
            if self._over(body.arguments[number], unreshaped(value)):
                made.over.add(number)
                self.out.places[unreshaped(value).index] = Allocation(Storage(0, memory=AROUND))
                continue
            self._slot(made, number, unreshaped(value))
            if (
                made.slots.get(unreshaped(value).index) == number
                and body.arguments[number] in body.returns[states:]
            ):
                made.ahead[number] = body.returns.index(body.arguments[number], states)
                continue
            made.turns[number] = Allocation(Storage(bytes_of(value.shape, value.dtype, self.sizes)))
        self.run()
        made.scratch.size = self.out.arena
        for storage in self.storages:
            storage.within = made.scratch
        return made

    def _slot(self, made: LoopAllocations, number: int, value: Value) -> None:
        """Have a value be computed where the step returns it, if it is computed at every step, and nowhere else."""
        if self.free(value):
            made.slots[value.index] = number
            self.out.places[value.index] = Allocation(Storage(0, memory=AROUND))

    def _over(self, before: Value, after: Value) -> bool:
        """Whether a state's new value can be computed over the old one."""
        returns = [unreshaped(value) for value in self.settings.body.returns]
        return (
            self.free(after)
            and after.op.elementwise
            and after.op.in_place(after)
            and any(value is before for value in after.inputs)
            and self.times.last_read[before.index] == self.times.position[after.index]
            and returns.count(after) == 1
            and before not in returns
        )


class _ShardAllocator(_Allocator):
    """Places the arrays of a body that each worker runs on its rows: as many rows as any of them has."""

    def __init__(self, node: Node, groups: list[Group], sizes: Sizes, prologue: int) -> None:
        self.settings = SHARD.of(node)
        super().__init__(self.settings.body, groups, sizes, prologue)

    def shard(self) -> ShardAllocations:
        """Return where the arrays lie: first those that are computed in the rows of a result."""
        made = ShardAllocations(self.out, Storage(0))
        for number, value in enumerate(self.settings.body.returns[: self.settings.rows]):
            if self.free(unreshaped(value)):
                made.slots[unreshaped(value).index] = number
                self.out.places[unreshaped(value).index] = Allocation(Storage(0, memory=AROUND))
        self.run()
        assert not self.out.prologue, "workers share nothing that is computed once"
        for storage in self.storages:
            storage.within = made.scratch
        return made

    def kept(self, value: Value) -> Allocation:
        """Return a place in the arena: workers have none of their own that outlasts a step."""
        size = bytes_of(value.shape, value.dtype, self.sizes)
        return Allocation(self.new(size, self.times.group_of[value.index]))
