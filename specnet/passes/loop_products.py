"""Lay out once what the products of a loop would read transposed at every step."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Region, Value
from specnet.graph.ops.scan import SCAN, ScanAttributes
from specnet.graph.sizes import Sizes, at
from specnet.passes.rewriting import Replaced, Rewriting

G = TypeVar("G", bound=Graph)

LEAST_STEPS = 16
"""Steps from which on a transposed copy is worth its time, whatever the size of the matrix."""


def transpose_constants(graph: G, sizes: Sizes) -> G:
    """Return a graph in which long loops transpose what is the same at every step before they multiply by it.

    Matrix libraries multiply small matrices as they lie in memory, without packing them first, and then take up to
    twice as long if the second one is transposed (32 rows by 128 x 128 in float32: 18.7 µs instead of 9.8). The
    transpose does not depend on the step, so `hoist` moves it out of the loop.
    """
    return _Transposing(graph, sizes).run()  # type: ignore[return-value]


class _Transposing(Rewriting):
    """Goes through a graph, or through the body of a loop whose `constants` are given by index."""

    def __init__(self, graph: Graph, sizes: Sizes, constants: Collection[int] = ()) -> None:
        super().__init__(graph)
        self.sizes, self.constants = sizes, constants
        self.transposed: dict[int, Value] = {}

    def visit(self, node: Node) -> Replaced:
        if node.op is SCAN:
            loop = SCAN.of(node)
            body = _Transposing(loop.body, self.sizes, self._constants(loop)).run()
            inputs = [self.of(value) for value in node.inputs]
            return self.target.apply(SCAN, inputs, loop.with_regions((body,)))  # type: ignore[arg-type]
        if node.op is ops.MATMUL and self._is_slow(node):
            a, b = node.inputs
            return (ops.MATMUL(self.of(a), self._transpose(b), a_t=ops.MATMUL.of(node).a_t),)
        return self.copy(node)

    def within(self, region: Region) -> Region:
        return transpose_constants(region, self.sizes)

    def _constants(self, loop: ScanAttributes) -> Collection[int]:
        """Return which arguments of a body are worth transposing, by index."""
        (steps,) = at((loop.length,), self.sizes)
        given = loop.body.arguments[loop.states + loop.arrays :]
        return {value.index for value in given} if steps >= LEAST_STEPS else ()

    def _is_slow(self, node: Node) -> bool:
        """Whether a product reads a transposed constant, and has more rows than one, which is a product of a vector."""
        (rows,) = at(node.value.shape[-2:-1], self.sizes)
        return ops.MATMUL.of(node).b_t and node.inputs[1].index in self.constants and rows > 1

    def _transpose(self, value: Value) -> Value:
        if value.index not in self.transposed:
            axes = (*range(value.rank - 2), value.rank - 1, value.rank - 2)
            self.transposed[value.index] = ops.transpose(self.of(value), axes=axes)
        return self.transposed[value.index]
