"""Lay hidden activations out feature by feature where that lets biases join their matrix products.

A dense layer is y = x·W + b. Kernel and bias lie one after the other in the parameter vector, so both are one
matrix [W; b], and y = [x, 1]·[W; b] is one product instead of a product and a sum; likewise the gradients
of both are one product [x, 1]ᵀ·g. The ones cost nothing if x is kept transposed, (features, batch): its rows,
and a last row of ones below them, are then one piece of memory, and element-wise ops on x itself still run over
contiguous memory. Matrix products take either layout at no cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Region, Value
from specnet.graph.leaves import given, leaf, name_of, role_of
from specnet.graph.sizes import BATCH
from specnet.passes.pruning import prune
from specnet.passes.rewriting import Rewriting, readers_of, wanted_indices
from specnet.passes.simplify import Simplifier

_Readers = dict[int, list[Node]]


@dataclass(slots=True)
class _Decision:
    """What is transposed and what is joined, by index of the values."""

    joined: dict[int, tuple[Value, Value, Value]] = field(default_factory=dict)
    """Sums x·W + b that become one product: (x, W, b)."""
    transposed: set[int] = field(default_factory=set)


def join_biases(graph: Graph, *, fixed_inputs: bool) -> Graph:
    """Return a graph with the same results in which biases are joined to products wherever that is free.

    With `fixed_inputs`, the inputs are the same arrays at every step (a full batch), and a column of ones is
    put beside them once.
    """
    decision = _decide(graph, fixed_inputs=fixed_inputs)
    return prune(_Joining(graph, decision).run()) if decision.joined else graph


def _decide(graph: Graph, *, fixed_inputs: bool) -> _Decision:
    readers = readers_of(graph)
    family = _families(graph)
    fit = _transposable(graph, family, readers)
    decision = _Decision()
    for value in graph.values:
        parts = _affine(value, readers)
        if parts is None:
            continue
        x = parts[0]
        root = family(x.index)
        if (fixed_inputs and role_of(x) == "input") or root in fit:
            decision.joined[value.index] = parts
            if root in fit:
                decision.transposed |= fit[root]
    return decision


def _affine(value: Value, readers: _Readers) -> tuple[Value, Value, Value] | None:
    """Return x, W and b where a value is x·W + b for a kernel W and the bias b that follows it."""
    if value.op is not ops.add or value.inputs[0].op is not ops.MATMUL:
        return None
    y, b = value.inputs
    x, w = y.inputs
    plain = ops.MATMUL.of(y) == ops.MatmulAttributes()
    bias = given(b)
    if bias is None or not (role_of(w) == bias.role == "parameter" and plain):
        return None
    if not (b.rank == 1 and w.rank == 2 and len(readers[y.index]) == 1 and w.shape[1:] == b.shape):
        return None
    return (x, w, b) if bias.after == name_of(w) else None


def _is_matrix(value: Value) -> bool:
    return value.rank == 2 and value.shape[0] == BATCH


def _families(graph: Graph) -> Callable[[int], int]:
    """Join matrices that element-wise ops tie together: they can only change their layout together."""
    parent = list(range(len(graph.values)))

    def find(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for value in graph.values:
        if value.op.elementwise and _is_matrix(value):
            for source in value.inputs:
                if source.shape == value.shape:
                    parent[find(source.index)] = find(value.index)
    return find


def _transposable(graph: Graph, family: Callable[[int], int], readers: _Readers) -> dict[int, set[int]]:
    """Return the families of which nothing but products, sums over rows and each other know the layout."""
    members: dict[int, set[int]] = {}
    for value in graph.values:
        if _is_matrix(value):
            members.setdefault(family(value.index), set()).add(value.index)
    wanted = wanted_indices(graph)

    def free(value: Value) -> bool:
        made = value.op is ops.MATMUL or (
            value.op.elementwise and value.op is not ops.expand and _movable(value)
        )
        return made and value.index not in wanted and all(map(_takes_either, readers.get(value.index, ())))

    def _movable(value: Value) -> bool:
        return all(i.rank == 0 or i.shape == value.shape or i.shape == value.shape[1:] for i in value.inputs)

    def _takes_either(reader: Node) -> bool:
        if reader.op is ops.MATMUL:
            return reader.value.rank == 2
        if reader.op.elementwise:
            return reader.op is not ops.expand and _is_matrix(reader.value) and _movable(reader.value)
        return _is_row_sum(reader)

    return {root: own for root, own in members.items() if all(free(graph.values[i]) for i in own)}


class _Joining(Rewriting):
    def __init__(self, graph: Graph, decision: _Decision) -> None:
        super().__init__(graph, Simplifier())
        self.decision = decision
        self.with_ones: dict[int, Value] = {}

    def within(self, region: Region) -> Region:
        # The parameters lie outside of all regions, and it is their place in memory that lets biases be joined.
        return region

    def visit(self, node: Node) -> Sequence[Value]:
        return (self._rewrite(node.value),) if len(node.results) == 1 else self.copy(node)

    def _rewrite(self, value: Value) -> Value:
        turned = self._turned(value)
        if value.index in self.decision.joined:
            x, w, b = self.decision.joined[value.index]
            rows, units = w.shape
            assert isinstance(rows, int)
            both = leaf(self.target, f"{name_of(w)}+{name_of(b)}", "parameter", (rows + 1, units))
            return self._product(self._ones(x), both, self._turned(x), False, turned)
        inputs = [self.of(i) for i in value.inputs]
        if value.op is ops.MATMUL and value.rank == 2:
            a, b = value.inputs
            settings = ops.MATMUL.of(value)
            a_t, b_t = settings.a_t != self._turned(a), settings.b_t != self._turned(b)
            return self._product(inputs[0], inputs[1], a_t, b_t, turned)
        if value.op is ops.reduce_sum and self._turned(value.inputs[0]):
            return ops.reduce_sum(inputs[0], axes=(1,))
        if value.op is ops.pack:
            return ops.pack(*self._joined_gradients(value.inputs, inputs))
        if turned:
            # A vector that is the same for every row of the batch stands as a column beside what is transposed.
            inputs = [ops.reshape(i, shape=(*i.shape, 1)) if i.rank == 1 else i for i in inputs]
            return self.target.apply(value.op, inputs, value.attributes)[0]
        return self.copy(value.node)[0]

    def _turned(self, value: Value) -> bool:
        return value.index in self.decision.transposed

    def _product(self, a: Value, b: Value, a_t: bool, b_t: bool, turned: bool) -> Value:
        if turned:
            return ops.MATMUL(b, a, a_t=not b_t, b_t=not a_t)
        return ops.MATMUL(a, b, a_t=a_t, b_t=b_t)

    def _ones(self, x: Value) -> Value:
        """Return x with ones: a last row where x is transposed, else a last column."""
        if x.index not in self.with_ones:
            op = ops.append_ones_row if self._turned(x) else ops.append_ones_column
            self.with_ones[x.index] = op(self.of(x))
        return self.with_ones[x.index]

    def _joined_gradients(self, old: tuple[Value, ...], new: list[Value]) -> list[Value]:
        """Replace the gradients of a kernel and the bias after it, [xᵀ·g, sum of g], by one product."""
        parts: list[Value] = []
        for number, (value, part) in enumerate(zip(old, new, strict=True)):
            before = old[number - 1] if number else None
            if before is not None and _is_row_sum(value.node) and before.op is ops.MATMUL:
                x, g = before.inputs
                plain = ops.MATMUL.of(before) == ops.MatmulAttributes(a_t=True)
                if plain and g is value.inputs[0] and x.index in self.with_ones:
                    a_t = not self._turned(x)
                    parts[-1] = ops.MATMUL(self.with_ones[x.index], self.of(g), a_t=a_t, b_t=self._turned(g))
                    continue
            parts.append(part)
        return parts


def _is_row_sum(node: Node) -> bool:
    return node.op is ops.reduce_sum and ops.reduce_sum.of(node).axes == (0,)
