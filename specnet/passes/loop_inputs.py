"""Multiply the input and the state of a recurrent layer by their kernels at once, at every step.

What the input comes to is x·W + b, for all steps, and h·R is added at each. As one product, [h, x, 1]·[R; W; b], that
needs neither arrays of all steps, which are four times as long as the states of an LSTM and do not stay in cache, nor a
sum at every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Region, Value
from specnet.graph.leaves import argument, constant
from specnet.graph.ops.scan import SCAN
from specnet.graph.sizes import Shape, Sizes, at
from specnet.passes.drives import DrivenSum, driven_sums
from specnet.passes.loop_products import LEAST_STEPS
from specnet.passes.rewriting import Replaced, Rewriting, readers_of, wanted_indices

G = TypeVar("G", bound=Graph)


def join_inputs(graph: G, sizes: Sizes) -> G:
    """Return a graph with the same results in which long loops multiply inputs and states at once.

    That is done where an input has at most as many features as the state. Wider ones are multiplied for all steps
    together, where a matrix library packs their kernel once, and not at every step.
    """
    return _JoiningInputs(graph, sizes).run()  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class _Affine:
    """What an array of all steps is made of: x·W + b."""

    x: Value
    """(steps * rows, features)"""
    kernel: Value
    """(gates, features, units)"""
    bias: Value | None
    """(gates, 1, units)"""


class _JoiningInputs(Rewriting):
    def __init__(self, graph: Graph, sizes: Sizes) -> None:
        super().__init__(graph)
        self.sizes = sizes
        self.readers, self.kept = readers_of(graph), wanted_indices(graph)

    def visit(self, node: Node) -> Replaced:
        if node.op is not SCAN:
            return self.copy(node)
        loop = SCAN.of(node)
        place = {value.index: number for number, value in enumerate(loop.body.arguments)}
        (steps,) = at((loop.length,), self.sizes)
        sums: dict[int, DrivenSum] = {}
        shapes: dict[int, Shape] = {}
        inputs = [self.of(value) for value in node.inputs]
        for found in driven_sums(loop) if steps >= LEAST_STEPS else ():
            drive, kernel = place[found.drive.index], place[found.kernel.index]
            made = self._made_of(node.inputs[drive])
            if made is None or not _is_narrow(found, made):
                continue
            sums[found.total.index] = found
            inputs[drive] = self._with_one(made, node.inputs[drive])
            inputs[kernel] = self._kernels(node.inputs[kernel], made)
            shapes[found.drive.index] = inputs[drive].shape[1:]
            shapes[found.kernel.index] = inputs[kernel].shape
        if not sums:
            return self.copy(node)
        body = _JoinedBody(loop.body, sums, shapes).run()
        return self.target.apply(SCAN, inputs, loop.with_regions((body,)))  # type: ignore[arg-type]

    def within(self, region: Region) -> Region:
        return join_inputs(region, self.sizes)

    def _made_of(self, drive: Value) -> _Affine | None:
        """Return what an array (steps, gates, rows, units) is made of, if nothing else reads it or what leads to it."""
        chain, value = [drive], drive
        for op in (ops.transpose, ops.reshape):
            if value.op is not op:
                return None
            value = value.inputs[0]
            chain.append(value)
        if ops.transpose.of(drive).axes != (1, 0, 2, 3) or value.rank != 3:
            return None
        bias = None
        if value.op is ops.add:
            value, bias = value.inputs
            chain.append(value)
            if bias.op is ops.expand:
                bias = bias.inputs[0]
            if bias.rank != 3 or bias.shape[1] != 1:
                return None
        if value.op is not ops.MATMUL or ops.MATMUL.of(value) != ops.MatmulAttributes():
            return None
        if any(len(self.readers[each.index]) > 1 or each.index in self.kept for each in chain):
            return None
        x, kernel = value.inputs
        return _Affine(x, kernel, bias) if (x.rank, kernel.rank) == (2, 3) else None

    def _with_one(self, made: _Affine, drive: Value) -> Value:
        """Return the input of all steps, (steps, rows, features), with a column of ones where there is a bias."""
        steps, _, rows, _ = drive.shape
        x = ops.reshape(self.of(made.x), shape=(steps, rows, made.x.shape[1]))
        if made.bias is None:
            return x
        ones = ops.expand(constant(self.target, 1.0), shape=(steps, rows, 1))
        return ops.concat(x, ones, axis=2)

    def _kernels(self, recurrent: Value, made: _Affine) -> Value:
        parts = (recurrent, made.kernel) if made.bias is None else (recurrent, made.kernel, made.bias)
        return ops.concat(*map(self.of, parts), axis=1)


def _is_narrow(found: DrivenSum, made: _Affine) -> bool:
    features, units = made.kernel.shape[1], found.kernel.shape[1]
    return isinstance(features, int) and isinstance(units, int) and features <= units


class _JoinedBody(Rewriting):
    """The body of a loop in which sums of a drive and a product are one product."""

    def __init__(self, body: Region, sums: Mapping[int, DrivenSum], shapes: Mapping[int, Shape]) -> None:
        super().__init__(body)
        self.sums, self.shapes = sums, shapes
        self.products = {found.product.index for found in sums.values()}

    def visit(self, node: Node) -> Replaced:
        value = node.results[0]
        if value.index in self.shapes:
            return (argument(self.target, self.shapes[value.index], value.dtype),)  # type: ignore[arg-type]
        if value.index in self.products:
            return (None,)
        if value.index in self.sums:
            found = self.sums[value.index]
            state, x = self.of(found.product.inputs[0]), self.of(found.drive)
            return (ops.MATMUL(ops.concat(state, x, axis=1), self.of(found.kernel)),)
        return self.copy(node)
