"""Have workers share the rows of a batch through the forward and the backward pass without meeting in between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Phase, Region, Value
from specnet.graph.leaves import CONSTANT, LEAF, argument, role_of
from specnet.graph.ops.fixed import FIXED
from specnet.graph.ops.scan import SCAN
from specnet.graph.ops.shard import SHARD, ShardAttributes
from specnet.graph.sizes import Sizes, grows, named
from specnet.passes.batch_axis import axis_of, is_joined
from specnet.passes.rewriting import Rewriting, apply_again
from specnet.passes.rows import WHOLE, Part, RowPart, part_of

G = TypeVar("G", bound=Graph)

_LIGHT = {FIXED, ops.cast, ops.inner, ops.reduce_max, ops.reduce_sum, ops.reshape}
"""Ops that take little time, beside those that are element by element."""

LEAST_FLOPS = 20_000_000
"""Floating-point operations that are worth handing out."""

DENSE_FLOPS = 200_000_000
"""The same where large products take up the time, which workers could also share one by one."""

SHARE = 0.9
"""How much of all operations workers must do on rows of their own, for not to share large products one by one."""

SUMMED = 500_000
"""Elements of sums over the rows: each worker has its own, and more would leave the caches before they are added."""

FLOPS_PER_SUM = 500
"""Operations for each of them that are worth it: about 80 rows of a network that is trained."""


def shard(graph: G, sizes: Sizes, workers: int, *, dense: bool = True) -> G:
    """Return a graph in which workers run what can be computed row by row, or summed over rows, each on its own rows.

    That is done where sequences take up the time: in loops over steps, and in the many small products and long
    element-wise chains of attention. A step of either is too short for workers to meet at every op. With `dense`, it is
    done for networks of large products, too, where all rows have enough of them.
    """
    if workers < 2 or named(sizes)["batch"] < 2:
        return graph
    split = _Split(graph)
    inside = [node for node in graph if node.index in split.inside]
    made = flops(inside, sizes)
    if of_sequences(inside):
        pays = made >= LEAST_FLOPS
    else:
        summed = sum(value.count.at(sizes) for value in split.leaving() if not _grows(value))
        few = summed <= SUMMED and made >= FLOPS_PER_SUM * summed
        # Divided, since these numbers may be too large for floats.
        pays = dense and few and made >= DENSE_FLOPS and made / flops(graph, sizes) >= SHARE
    if not pays or not split.fits():
        return graph
    return _Sharding(graph, split).run()  # type: ignore[return-value]


def of_sequences(nodes: Iterable[Node]) -> bool:
    """Whether there is a loop, or a product of more than two matrices, as in attention."""
    return any(node.op is SCAN or (node.op is ops.MATMUL and node.value.rank > 2) for node in nodes)


def flops(nodes: Iterable[Node], sizes: Sizes) -> int:
    """Return the floating-point operations of some nodes, of loops those of all steps."""
    total = 0
    for node in nodes:
        total += sum(node.op.count_flops(value).at(sizes) for value in node.results[:1])
        if node.op is SCAN:
            length = SCAN.of(node).length
            steps = length if isinstance(length, int) else length.at(sizes)
            total += steps * flops(SCAN.of(node).body, sizes)
    return total


class _Split:
    """What workers compute each for its rows, what can come before that, and what reads it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.parts: dict[int, Part] = {}
        """What a worker has of each value, by its index."""
        self.inside: set[int] = set()
        self.after: set[int] = set()
        """Nodes, by index; the others read nothing that the workers compute."""
        self._early = self._known_early()
        for node in graph:
            self._place(node)

    def _known_early(self) -> set[int]:
        """Return the nodes of sums over the batch that follow from the data with little work, by index.

        Such as how many steps of all sequences exist: what each step counts follows from that, so that the workers
        would have to meet.
        """
        light: set[int] = set()
        early: set[int] = set()
        for node in self.graph:
            known = all(value.node.index in light or value.op is CONSTANT for value in node.inputs)
            if node.op is LEAF:
                known = role_of(node.value) != "parameter"
            elif not (node.op.elementwise or node.op in _LIGHT):
                continue
            if known:
                light.add(node.index)
                if any(map(_grows, node.inputs)) and not _grows(node.value):
                    early.add(node.index)
        return self._with_sources(early)

    def _place(self, node: Node) -> None:
        if node.op.leaf or node.op is CONSTANT or node.index in self._early or _is_drawn(node):
            self._known_before(node)
            return
        sources = [value.node.index for value in node.inputs]
        if any(index in self.after for index in sources):
            self.after.add(node.index)
            return
        found = part_of(node, [self.parts[value.index] for value in node.inputs])
        within = any(index in self.inside for index in sources)
        if None in found:
            if within:
                self.after.add(node.index)
            else:
                self._known_before(node)
        elif within or any(part != WHOLE for part in found):
            self.inside.add(node.index)
            for value, part in zip(node.results, found, strict=True):
                self.parts[value.index] = part
        else:
            self._known_before(node)

    def _known_before(self, node: Node) -> None:
        for value in node.results:
            known = WHOLE if not _grows(value) else RowPart() if _leads(value) else None
            self.parts[value.index] = known

    def before(self) -> set[int]:
        """Return the nodes that the workers need to be done, by index."""
        return self._with_sources({value.node.index for value in self.entering()})

    def _with_sources(self, nodes: set[int]) -> set[int]:
        """Return nodes with all that they follow from, by index."""
        needed = set(nodes)
        for node in reversed(self.graph.nodes):
            if node.index in needed and not _is_drawn(node):
                needed.update(value.node.index for value in node.inputs)
        return needed

    def entering(self) -> list[Value]:
        """Return what the workers read of what comes before, in order."""
        read = {
            value.index: value
            for node in self.graph
            if node.index in self.inside
            for value in node.inputs
            if value.node.index not in self.inside and value.op is not CONSTANT
        }
        return [read[index] for index in sorted(read)]

    def leaving(self) -> list[Value]:
        """Return what is read of what the workers compute, in order."""
        read = {
            value.index: value
            for node in self.graph
            if node.index not in self.inside and not _is_drawn(node)
            for value in node.inputs
            if value.node.index in self.inside
        }
        read |= {value.index: value for value in self.graph.wanted if value.node.index in self.inside}
        return [read[index] for index in sorted(read)]

    def fits(self) -> bool:
        """Whether all rows that enter and leave lie together in memory."""
        rows = [v for v in (*self.entering(), *self.leaving()) if isinstance(self.parts[v.index], RowPart)]
        return all(_leads(value) and self.parts[value.index] in (RowPart(1), RowPart(None)) for value in rows)


def _is_drawn(node: Node) -> bool:
    """Whether a node takes nothing but the shape of its input: all rows are drawn before, in one stream."""
    return node.op is ops.dropout_mask


def _grows(value: Value) -> bool:
    return any(map(grows, value.shape))


def _leads(value: Value) -> bool:
    """Whether the batch is the first axis."""
    return axis_of(value.shape) == 0 and not is_joined(value.shape)


class _Sharding(Rewriting):
    """Puts what the workers compute in one op, before which and after which the rest is."""

    def __init__(self, graph: Graph, split: _Split) -> None:
        super().__init__(graph)
        self.split = split

    def run(self) -> Graph:
        """Return the new graph."""
        split, target = self.split, self.target
        before = split.before()
        # A step is guarded against a loss that is not finite where the backward pass begins, and the loss comes of the
        # workers: what they need of the backward pass is computed before it.
        for node in self.graph:
            if node.index in before:
                self._again(node, "forward")
        target.key_path, target.phase = (), "forward"
        leaving = split.leaving()
        rows = [value for value in leaving if isinstance(split.parts[value.index], RowPart)]
        sums = [value for value in leaving if value not in rows]
        entering = split.entering()
        arrays = [value for value in entering if isinstance(split.parts[value.index], RowPart)]
        wholes = [value for value in entering if value not in arrays]
        body = Region(self.graph.dtype)
        new = {value.index: argument(body, value.shape, value.dtype) for value in (*arrays, *wholes)}
        inside = [node for node in self.graph if node.index in split.inside]
        constants = {v.node.index: v.node for node in inside for v in node.inputs if v.op is CONSTANT}
        apply_again([*(constants[index] for index in sorted(constants)), *inside], body, new)
        body.returns = tuple(new[value.index] for value in (*rows, *sums))
        given = [self.of(value) for value in (*arrays, *wholes)]
        results = target.apply(SHARD, given, ShardAttributes(body, len(arrays), len(rows)))
        self.new.update(zip((value.index for value in (*rows, *sums)), results, strict=True))
        for node in self.graph:
            if node.index not in before | split.inside:
                self._again(node, node.phase)
        target.outputs = {name: self.of(value) for name, value in self.graph.outputs.items()}
        target.assignments = [(self.of(leaf), self.of(value)) for leaf, value in self.graph.assignments]
        return target

    def _again(self, node: Node, phase: Phase) -> None:
        """Put a node into the new graph."""
        self.target.key_path, self.target.phase = node.key_path, phase
        if _is_drawn(node):
            settings = replace(ops.dropout_mask.of(node), shape=node.value.shape)
            given = ops.fixed(self.target, [0.0], node.value.dtype)
            (self.new[node.value.index],) = self.target.apply(node.op, (given,), settings)
            return
        for old, new in zip(node.results, self.copy(node), strict=True):
            self.new[old.index] = new
