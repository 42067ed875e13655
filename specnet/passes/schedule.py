"""What a plan does, one thing after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from specnet.graph.graph import Graph, Node
from specnet.graph.ops.scan import SCAN
from specnet.graph.ops.shard import SHARD
from specnet.passes.aliases import unreshaped
from specnet.passes.allocations import Allocations, LoopAllocations, ShardAllocations
from specnet.passes.groups import Group
from specnet.passes.plan import Compute, Copy, Distribute, Instruction, Pieces, Repeat


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
