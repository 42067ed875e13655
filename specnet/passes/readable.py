"""Formulas as a textbook writes them, where the graph of a run has a form that takes fewer operations."""

from __future__ import annotations

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Value
from specnet.graph.leaves import constant, scalar_of
from specnet.graph.sizes import Powers
from specnet.passes.pruning import prune
from specnet.passes.rewriting import Replaced, Rewriting


def readable(graph: Graph) -> Graph:
    """Return a graph with the same outputs, within rounding, whose formulas read more easily.

    Two terms that are both divided by the number of rows become a difference that is: the gradient of a
    cross-entropy is `(probabilities - one_hot) / rows`.
    """
    return prune(_Readable(graph).run())


class _Readable(Rewriting):
    def visit(self, node: Node) -> Replaced:
        if node.op in (ops.add, ops.subtract):
            a, b = (self.new[value.index] for value in node.inputs)
            found = _difference(a, b, 1.0 if node.op is ops.add else -1.0)
            if found is not None:
                return (found,)
        return self.copy(node)


def _difference(a: Value, b: Value, sign: float) -> Value | None:
    """Return c / rows * (x - y) for a + sign * b where that is the same; None where it is not."""
    first, second = _factor(a), _factor(b)
    if first is None or second is None or not first[1] or first[1] != second[1]:
        return None
    if a.shape != b.shape or not first[0] or first[0] != -sign * second[0]:
        return None
    x, y, factor = (a, b, first[0]) if first[0] > 0.0 else (b, a, -first[0])
    return (_without(x) - _without(y)) * constant(a.graph, factor, first[1])


def _factor(x: Value) -> tuple[float, Powers] | None:
    """Return the constant that an array is multiplied by."""
    if x.op is ops.multiply:
        return scalar_of(x.inputs[1])
    placed = x.inputs[0] if x.op is ops.put_along_axis else None
    return scalar_of(placed.inputs[0]) if placed is not None and placed.op is ops.expand else None


def _without(x: Value) -> Value:
    """Return an array without the constant that it is multiplied by."""
    if x.op is ops.multiply:
        return x.inputs[0]
    return ops.one_hot(x.inputs[1], classes=ops.put_along_axis.of(x).classes)
