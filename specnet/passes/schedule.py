"""What a plan does, one thing after the other: its instructions, and how they are made of groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from specnet.graph.graph import Graph, Node, Value
from specnet.graph.ops.scan import SCAN
from specnet.graph.ops.shard import SHARD
from specnet.passes.aliases import unreshaped
from specnet.passes.allocations import Allocations, LoopAllocations, ShardAllocations
from specnet.passes.groups import Group


@dataclass(frozen=True, slots=True)
class Compute:
    """Apply one op."""

    value: Value
    """Its first result."""
    prologue: bool = False
    """Whether that is done when the plan is bound, since the result never changes."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Copy an array to where it must be: what a leaf becomes, or what goes into and comes out of a loop.

    `number` is that of a loop's state or output. Where it is given, one end of the copy is what the loop's step returns
    under it: `value` of the step's body goes there at its end, or the loop's result `value` comes from the last step.
    """

    value: Value
    source: Value | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Pieces:
    """Apply a chain of ops piece by piece, so that what passes between them stays in cache."""

    name: str
    group: Group
    scratch: int
    """Bytes that each worker has of its own."""
    workers: int
    """How many workers share the pieces; 0 within a loop, where the calling thread has them all."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """Run the body of a loop once a step."""

    name: str
    node: Node
    allocations: LoopAllocations
    before: tuple[Copy, ...]
    """The states that are computed over the old ones begin where the loop's results are."""
    first: tuple[Copy, ...]
    """The states before the first step that outputs keep, by number of the output."""
    body: tuple[Instruction, ...]
    returned: tuple[Copy, ...]
    """What is not computed where the step returns it."""
    after: tuple[Copy, ...]
    """The last states that are found in an output."""


@dataclass(frozen=True, slots=True)
class Distribute:
    """Have each worker run a body on its rows of the batch, and add up the sums that they find."""

    name: str
    node: Node
    allocations: ShardAllocations
    workers: int
    body: tuple[Instruction, ...]
    returned: tuple[Copy, ...]
    """The rows that are not computed where the result is."""
    sums: tuple[int, ...]
    """The arrays among the sums, by number of the result."""


Instruction = Compute | Copy | Pieces | Repeat | Distribute


def scheduled(
    graph: Graph, groups: Iterable[Group], allocations: Allocations, workers: int
) -> tuple[Instruction, ...]:
    """Return what a plan does, given its groups in order and the places of their arrays."""
    copies = (Copy(leaf, value) for leaf, value in allocations.copies)
    return (*_Instructions(workers).of(graph, groups, allocations), *copies)


class _Instructions:
    """Makes instructions of groups, and gives blocks and loops their names."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.blocks = self.loops = self.shards = 0

    def of(
        self, graph: Graph, groups: Iterable[Group], allocations: Allocations, *, within: bool = False
    ) -> Iterator[Instruction]:
        """Yield what a graph does; `within` a loop, no workers meet."""
        read: set[int] | None = None
        for number, group in enumerate(groups):
            first = group.values[0]
            if first.op is SCAN:
                if read is None:
                    read = {v.index for node in graph for v in node.inputs} | {v.index for v in graph.wanted}
                yield self._repeat(first.node, group, allocations.loops[first.node.index], read)
            elif first.op is SHARD:
                yield self._distribute(first.node, group, allocations.shards[first.node.index])
            elif group.rows:
                name = f"block_{self.blocks}"
                self.blocks += 1
                shared = group.workers if self.workers and not within else 0
                yield Pieces(name, group, allocations.scratch_sizes[number], shared)
            else:
                yield from (Compute(value, group.prologue) for value in group.values)

    def _distribute(self, node: Node, group: Group, made: ShardAllocations) -> Distribute:
        settings, name = SHARD.of(node), f"shard_{self.shards}"
        self.shards += 1
        returns = settings.body.returns
        body = tuple(self.of(settings.body, group.body, made.body, within=True))
        returned = tuple(
            Copy(value, number=number)
            for number, value in enumerate(returns[: settings.rows])
            if made.slots.get(unreshaped(value).index) != number
        )
        sums = tuple(n for n in range(settings.rows, len(returns)) if returns[n].shape)
        return Distribute(name, node, made, group.workers, body, returned, sums)

    def _repeat(self, node: Node, group: Group, made: LoopAllocations, read: set[int]) -> Repeat:
        loop, name = SCAN.of(node), f"loop_{self.loops}"
        self.loops += 1
        before = tuple(Copy(node.results[n], node.inputs[n]) for n in sorted(made.over))
        first = tuple(Copy(node.results[m], node.inputs[n], number=m) for n, m in sorted(made.ahead.items()))
        body = tuple(self.of(loop.body, group.body, made.body, within=True))
        returned, after = [], []
        for number, value in enumerate(loop.body.returns):
            slot = made.slots.get(unreshaped(value).index)
            if number in made.over or number in made.ahead.values() or slot == number:
                continue
            if number >= loop.states or number in made.turns:
                returned.append(Copy(value, number=number))
            elif node.results[number].index in read:
                after.append(Copy(node.results[number], number=number))
        return Repeat(name, node, made, before, first, body, tuple(returned), tuple(after))
