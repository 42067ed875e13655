"""Values that are computed where they are needed: in memory given from outside, in packed vectors, in joined arrays."""

from __future__ import annotations

from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.sizes import ITEM_BYTES, Sizes
from specnet.passes.aliases import root, starts_of_parts, unreshaped
from specnet.passes.allocations import Allocation, Allocations, bytes_of, in_order, memory_of, memory_read
from specnet.passes.arena import ONCE, Storage, aligned
from specnet.passes.groups import Group
from specnet.passes.lifetimes import Lifetimes
from specnet.passes.row_chains import is_sum


class OutsideAllocator:
    """Places the values of a graph that lie neither in the arena on their own nor over what is read for them."""

    def __init__(self, graph: Graph, groups: list[Group], sizes: Sizes, prologue: int = 0) -> None:
        self.graph, self.groups, self.sizes = graph, groups, sizes
        self.out = Allocations(prologue=prologue)
        self.times = Lifetimes(graph, groups)
        self.read_in_parts: dict[int, int] = {}
        """When the parts of a joined array are last read by themselves, by its index."""
        self.storages: list[Storage] = []

    def place_outside(self) -> None:
        """Place leaves, and what is computed in their memory, in packed vectors and in joined arrays."""
        for value in self.graph.values:
            if value.op.leaf and value.shape:
                self.out.places[value.index] = Allocation(Storage(0, memory=memory_of(value)))
        self._assigned()
        self._packed()
        self._joined()
        self._extended()

    # What is computed in memory that is given from outside

    def _assigned(self) -> None:
        for leaf, value in self.graph.assignments:
            made = unreshaped(value)
            if self._can_overwrite(leaf, made):
                self.out.places[made.index] = self.out.places[leaf.index]
                if made.op is ops.join_portions:
                    self._portion(leaf, made)
                self._on_the_way(leaf, made)
            else:
                self.out.copies.append((leaf, value))
        self.out.copies = in_order(self.out.copies)

    def _portion(self, leaf: Value, joined: Value) -> None:
        """Have a process's portion of what a leaf becomes be computed where it lies in the leaf."""
        own, portion = unreshaped(joined.inputs[0]), ops.join_portions.of(joined).portion
        if self._can_overwrite(leaf, own, joined.inputs[0]):
            place = self.out.places[leaf.index]
            delta = portion.start * ITEM_BYTES[own.dtype]
            self.out.places[own.index] = Allocation(place.storage, place.delta + delta)

    def _on_the_way(self, leaf: Value, made: Value) -> None:
        """Have what a leaf's new value is computed from be computed over the old value, if it is the last to read that.

        So the decay of a slot, to which a gradient is then added, takes no memory of its own, which would need cache as
        well: Adam takes an eighth less time. Compiled loops keep it in a register.
        """
        group = self.groups[self.times.group_of[made.index]]
        if group.compiled or not (made.op.elementwise and made.op.in_place(made)):
            return
        when, memory = self.times.position, memory_read(leaf)
        for value in made.inputs:
            if (
                self.free(value)
                and self.times.group_of[value.index] == self.times.group_of[made.index]
                and value.op.elementwise
                and value.op.in_place(value)
                and leaf in value.inputs
                and (value.count, value.dtype) == (leaf.count, leaf.dtype)
                and self.times.memory_last_read.get(memory) == when[value.index]
                and self.times.last_read[value.index] == when[made.index]
            ):
                self.out.places[value.index] = self.out.places[leaf.index]
                group.inner.discard(value.index)
                return

    def _can_overwrite(self, leaf: Value, made: Value, part: Value | None = None) -> bool:
        """Return whether a value can be computed in a leaf's memory, or where a part of it lies there."""
        if not self.free(made) or not made.shape:
            return False
        group = self.groups[self.times.group_of[made.index]]
        if group.prologue or made.count != (part or leaf).count or (group.rows and is_sum(made)):
            return False
        memory, when = memory_read(leaf), self.times.position[made.index]
        own = any(memory_read(root(i)) == memory for i in made.inputs if i.shape)
        return self.times.memory_last_read.get(memory, when) <= when and (
            not own or (made.op.elementwise and made.op.in_place(made))
        )

    def _packed(self) -> None:
        for value in self.graph.values:
            if value.op is not ops.pack:
                continue
            storage = self.new(
                value.count.at(self.sizes) * ITEM_BYTES[value.dtype], self.times.group_of[value.index]
            )
            self.out.places.setdefault(value.index, Allocation(storage))
            whole = self.out.places[value.index]
            delta = 0
            for position, part in enumerate(value.inputs):
                made = unreshaped(part)
                if self.free(made):
                    self.out.places[made.index] = Allocation(whole.storage, whole.delta + delta)
                    self.out.packed.add((value.index, position))
                    storage.birth = min(storage.birth, self.times.group_of[made.index])
                delta += part.count.at(self.sizes) * ITEM_BYTES[part.dtype]

    def _joined(self) -> None:
        """Have arrays that are joined along the first axis be computed in their places in what they make up."""
        # From the last: what is itself a part of another array is computed in that one.
        for value in reversed(self.graph.values):
            if (
                value.op is not ops.CONCAT
                or ops.CONCAT.of(value).axis != 0
                or value.index not in self.times.group_of
            ):
                continue
            number = self.times.group_of[value.index]
            if self.groups[number].prologue:
                continue
            if value.index not in self.out.places:
                size = bytes_of(value.shape, value.dtype, self.sizes)
                self.out.places[value.index] = Allocation(self.new(size, number))
            place = self.out.places[value.index]
            for position, (part, start) in enumerate(starts_of_parts(value)):
                made = unreshaped(part)
                if self.free(made):
                    self.out.places[made.index] = place
                    self.out.joined[made.index] = (value, start)
                    self.out.packed.add((value.index, position))
                    self.read_in_parts[value.index] = max(
                        self.read_in_parts.get(value.index, 0), self.times.last_read[made.index]
                    )
                    place.storage.birth = min(place.storage.birth, self.times.group_of[made.index])

    def _extended(self) -> None:
        """Have what stands above a row of ones be computed there, in memory where the ones outlast the step."""
        for value in self.graph.values:
            if value.op is ops.append_ones_row and not self.groups[self.times.group_of[value.index]].prologue:
                place = self.out.places[value.index] = self.kept(value)
                made = unreshaped(value.inputs[0])
                if self.free(made):
                    self.out.places[made.index] = place
                    self.out.packed.add((value.index, 0))
                    place.storage.birth = min(place.storage.birth, self.times.group_of[made.index])

    def free(self, made: Value) -> bool:
        """Say whether a value is computed at every step, and has no place yet."""
        known = made.op.leaf or made.index in self.out.places or made.index not in self.times.group_of
        return not known and not self.groups[self.times.group_of[made.index]].prologue

    def kept(self, value: Value) -> Allocation:
        """Return a place that no other value ever shares."""
        size = bytes_of(value.shape, value.dtype, self.sizes)
        place = Allocation(Storage(size, ONCE, self.out.prologue))
        self.out.prologue += aligned(size)
        return place

    def new(self, size: int, birth: int) -> Storage:
        """Return memory of the arena that is needed from a group on."""
        storage = Storage(size, birth=birth, death=birth)
        self.storages.append(storage)
        return storage
