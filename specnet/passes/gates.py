"""Compute the sigmoids of a loop's gates by tanh, whose argument is halved before the loop.

A sigmoid is four calls of NumPy, and sigmoid(x) = tanh(x / 2) / 2 + 1 / 2 three where x / 2 costs none. The sums that
gates are made of are a slice of what is known for all steps, plus a product with a matrix that stays the same: halving
that matrix, and the kernel and bias that the slices are made with, halves the sums. Calls are what counts in a loop:
its workers wait for the interpreter's lock where they make more of them than the products between them take.
"""

from __future__ import annotations

from collections.abc import Mapping

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Region, Value
from specnet.graph.ops.scan import SCAN, ScanAttributes
from specnet.passes.drives import DrivenSum, driven_sums
from specnet.passes.rewriting import Replaced, Rewriting, readers_of, wanted_indices

HALF = 0.5


def halve_gates(graph: Graph) -> Graph:
    """Return a graph with the same results in which loops compute sigmoids of sums by tanh, wherever that is free.

    The result is the sigmoid's to rounding, of numbers near 1: below about 1e-7 in float32 and 1e-16 in float64, it may
    be 0, as it is already 1 where it comes that near to 1.
    """
    return _Halving(graph).run()


class _Halving(Rewriting):
    def visit(self, node: Node) -> Replaced:
        if node.op is not SCAN:
            return self.copy(node)
        loop = SCAN.of(node)
        body = loop.body
        sums = _sums(loop)
        if not sums:
            return self.copy(node)
        inputs = [self.of(value) for value in node.inputs]
        place = {value.index: number for number, value in enumerate(body.arguments)}
        for total, halved in sums.values():
            drive, kernel = place[total.drive.index], place[total.kernel.index]
            inputs[drive] = self._halved(node.inputs[drive], halved, 1)
            inputs[kernel] = self._halved(node.inputs[kernel], halved, 0)
        made = _HalvedBody(body, {index: halved for index, (_, halved) in sums.items()}).run()
        return self.target.apply(SCAN, inputs, loop.with_regions((made,)))  # type: ignore[arg-type]

    def _halved(self, value: Value, gates: tuple[bool, ...], axis: int) -> Value:
        """Return a value of the graph around a loop with the parts of some gates halved, which an axis has.

        Whatever is smallest is halved: the kernel and the bias that a value is made with.
        """
        if value.op is ops.transpose:
            axes = ops.transpose.of(value).axes
            return ops.transpose(self._halved(value.inputs[0], gates, axes[axis]), axes=axes)
        first = axis == 0 and all(part.shape[:1] == value.shape[:1] for part in value.inputs)
        if value.op is ops.reshape and first:
            return ops.reshape(self._halved(value.inputs[0], gates, 0), shape=value.shape)
        if value.op is ops.expand and first and value.inputs[0].rank == value.rank:
            return ops.expand(self._halved(value.inputs[0], gates, 0), shape=value.shape)
        if value.op is ops.add and first and all(part.rank == value.rank for part in value.inputs):
            a, b = (self._halved(part, gates, 0) for part in value.inputs)
            return a + b
        if value.op is ops.MATMUL and axis == 0 and value.inputs[1].rank == value.rank == 3:
            a, b = value.inputs
            if a.rank == 2:
                return self.target.apply(
                    ops.MATMUL, (self.of(a), self._halved(b, gates, 0)), value.attributes
                )[0]
        shape = tuple(len(gates) if place == axis else 1 for place in range(value.rank))
        factors = ops.fixed(self.target, [HALF if halved else 1.0 for halved in gates], value.dtype)
        return self.of(value) * ops.reshape(factors, shape=shape)


def _sums(loop: ScanAttributes) -> dict[int, tuple[DrivenSum, tuple[bool, ...]]]:
    """Return the sums in the body of a loop that can be halved before it, by index, and for which gates they can."""
    readers, wanted = readers_of(loop.body), wanted_indices(loop.body)
    found = {}
    for total in driven_sums(loop):
        halved = _halved_gates(total.total, readers, wanted)
        if any(halved):
            found[total.total.index] = total, halved
    return found


def _halved_gates(total: Value, readers: Mapping[int, list[Node]], wanted: set[int]) -> tuple[bool, ...]:
    """Return for each gate whether a sigmoid reads it, and nothing else; none are where what is read overlaps."""
    (gates, *_) = total.shape
    assert isinstance(gates, int)
    halved: list[bool | None] = [None] * gates
    for node in readers.get(total.index, ()):
        if node.op is ops.sigmoid:
            start, stop, sole = 0, gates, True
        elif node.op is ops.part:
            own = readers.get(node.value.index, ())
            start, stop = ops.part.of(node).start, ops.part.of(node).stop
            sole = len(own) == 1 and own[0].op is ops.sigmoid and node.value.index not in wanted
        else:
            return (False,) * gates
        if any(each is not None for each in halved[start:stop]):
            return (False,) * gates
        halved[start:stop] = [sole] * (stop - start)
    return tuple(map(bool, halved))


class _HalvedBody(Rewriting):
    """The body of a loop in which some gates arrive halved."""

    def __init__(self, body: Region, halved: Mapping[int, tuple[bool, ...]]) -> None:
        super().__init__(body)
        self.halved = halved

    def visit(self, node: Node) -> Replaced:
        if node.op is ops.sigmoid:
            read = node.inputs[0]
            start = ops.part.of(read).start if read.op is ops.part else 0
            total = read.inputs[0] if read.op is ops.part else read
            if total.index in self.halved and self.halved[total.index][start]:
                return (ops.tanh(self.of(read)) * HALF + HALF,)
        return self.copy(node)

    def within(self, region: Region) -> Region:
        return halve_gates(region)  # type: ignore[return-value]
