"""Lay hidden activations out feature by feature where that lets biases join their matrix products.

A dense layer is y = x·W + b. Kernel and bias lie one after the other in the parameter vector, so both are one
matrix [W; b], and y = [x, 1]·[W; b] is one product instead of a product and a sum; likewise the gradients
of both are one product [x, 1]ᵀ·g. The ones cost nothing if x is kept transposed, (features, batch): its rows,
and a last row of ones below them, are then one piece of memory, and element-wise ops on x itself still run over
contiguous memory. Matrix products take either layout at no cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from specnet.compiler.simplify import Simplifier, prune
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.op import leaf
from specnet.runtime.shapes import BATCH


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
    return _Rewriter(graph, decision).run() if decision.joined else graph


def _decide(graph: Graph, *, fixed_inputs: bool) -> _Decision:
    readers: dict[int, list[Value]] = {}
    for value in graph:
        for source in value.inputs:
            readers.setdefault(source.index, []).append(value)
    family = _families(graph)
    fit = _transposable(graph, family, readers)
    decision = _Decision()
    for value in graph:
        parts = _affine(value, readers)
        if parts is None:
            continue
        x = parts[0]
        root = family(x.index)
        if (fixed_inputs and x.op.leaf and x.attributes["role"] == "input") or root in fit:
            decision.joined[value.index] = parts
            if root in fit:
                decision.transposed |= fit[root]
    return decision


def _affine(value: Value, readers: dict[int, list[Value]]) -> tuple[Value, Value, Value] | None:
    """Return x, W and b where a value is x·W + b for a kernel W and the bias b that follows it."""
    if value.op is not ops.add or value.inputs[0].op is not ops.product:
        return None
    y, b = value.inputs
    x, w = y.inputs
    plain = not (y.attributes["a_t"] or y.attributes["b_t"])
    both = all(v.op.leaf and v.attributes["role"] == "parameter" for v in (w, b))
    if not (plain and both and b.rank == 1 and len(readers[y.index]) == 1 and w.shape[1:] == b.shape):
        return None
    return (x, w, b) if b.attributes.get("after") == w.attributes["name"] else None


def _is_matrix(value: Value) -> bool:
    return value.rank == 2 and value.shape[0] == BATCH


def _families(graph: Graph) -> Callable[[int], int]:
    """Join matrices that element-wise ops tie together: they can only change their layout together."""
    parent = list(range(len(graph)))

    def find(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for value in graph:
        if value.op.elementwise and _is_matrix(value):
            for source in value.inputs:
                if source.shape == value.shape:
                    parent[find(source.index)] = find(value.index)
    return find


def _transposable(
    graph: Graph, family: Callable[[int], int], readers: dict[int, list[Value]]
) -> dict[int, set[int]]:
    """Return the families of which nothing but products, sums over rows and each other know the layout."""
    members: dict[int, set[int]] = {}
    for value in graph:
        if _is_matrix(value):
            members.setdefault(family(value.index), set()).add(value.index)
    wanted = {v.index for v in graph.outputs.values()} | {v.index for _, v in graph.assignments}

    def free(value: Value) -> bool:
        made = value.op is ops.product or (
            value.op.elementwise and value.op is not ops.expand and _movable(value)
        )
        return made and value.index not in wanted and all(map(_takes_either, readers.get(value.index, ())))

    def _movable(value: Value) -> bool:
        return all(i.rank == 0 or i.shape == value.shape or i.shape == value.shape[1:] for i in value.inputs)

    def _takes_either(reader: Value) -> bool:
        if reader.op is ops.product:
            return True
        if reader.op.elementwise:
            return reader.op is not ops.expand and _is_matrix(reader) and _movable(reader)
        return reader.op is ops.total and reader.attributes["axes"] == (0,)

    return {root: own for root, own in members.items() if all(free(graph.values[i]) for i in own)}


class _Rewriter:
    def __init__(self, graph: Graph, decision: _Decision) -> None:
        self.graph, self.decision = graph, decision
        self.target = Simplifier(graph)
        self.new: dict[int, Value] = {}
        self.with_ones: dict[int, Value] = {}

    def run(self) -> Graph:
        for value in self.graph:
            self.target.origin, self.target.phase = value.origin, value.phase
            self.new[value.index] = self._rewrite(value)
        self.target.outputs = {name: self.new[v.index] for name, v in self.graph.outputs.items()}
        self.target.assignments = [(self.new[a.index], self.new[b.index]) for a, b in self.graph.assignments]
        return prune(self.target)

    def _rewrite(self, value: Value) -> Value:
        turned = value.index in self.decision.transposed
        if value.index in self.decision.joined:
            x, w, b = self.decision.joined[value.index]
            rows, units = w.shape
            assert isinstance(rows, int)
            name = f"{w.attributes['name']}+{b.attributes['name']}"
            both = leaf(self.target, name, "parameter", (rows + 1, units))
            return self._product(self._ones(x), both, self._turned(x), False, turned)
        inputs = [self.new[i.index] for i in value.inputs]
        if value.op is ops.product:
            a, b = value.inputs
            a_t = value.attributes["a_t"] != self._turned(a)
            b_t = value.attributes["b_t"] != self._turned(b)
            return self._product(inputs[0], inputs[1], a_t, b_t, turned)
        if value.op is ops.total and self._turned(value.inputs[0]):
            return ops.total(inputs[0], axes=(1,))
        if value.op is ops.pack:
            return ops.pack(*self._joined_gradients(value.inputs, inputs))
        if turned:
            # A vector that is the same for every row of the batch stands as a column beside what is transposed.
            inputs = [ops.reshape(i, shape=(*i.shape, 1)) if i.rank == 1 else i for i in inputs]
        return self.target.apply(value.op, inputs, value.attributes)

    def _turned(self, value: Value) -> bool:
        return value.index in self.decision.transposed

    def _product(self, a: Value, b: Value, a_t: bool, b_t: bool, turned: bool) -> Value:
        if turned:
            return ops.product(b, a, a_t=not b_t, b_t=not a_t)
        return ops.product(a, b, a_t=a_t, b_t=b_t)

    def _ones(self, x: Value) -> Value:
        """Return x with ones: a last row where x is transposed, else a last column."""
        if x.index not in self.with_ones:
            op = ops.ones_below if self._turned(x) else ops.ones_beside
            self.with_ones[x.index] = op(self.new[x.index])
        return self.with_ones[x.index]

    def _joined_gradients(self, old: tuple[Value, ...], new: list[Value]) -> list[Value]:
        """Replace the gradients of a kernel and the bias after it, [xᵀ·g, sum of g], by one product."""
        parts: list[Value] = []
        for number, (value, part) in enumerate(zip(old, new, strict=True)):
            before = old[number - 1] if number else None
            if before is not None and _is_row_sum(value) and before.op is ops.product:
                x, g = before.inputs
                if (
                    before.attributes == {"a_t": True, "b_t": False}
                    and g is value.inputs[0]
                    and x.index in self.with_ones
                ):
                    a_t = not self._turned(x)
                    parts[-1] = ops.product(
                        self.with_ones[x.index], self.new[g.index], a_t=a_t, b_t=self._turned(g)
                    )
                    continue
            parts.append(part)
        return parts


def _is_row_sum(value: Value) -> bool:
    return value.op is ops.total and value.attributes["axes"] == (0,)
