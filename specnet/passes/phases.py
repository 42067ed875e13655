"""Have convolutions lay out what a pooling behind them compares in contiguous memory.

A pooling of 2 x 2 windows compares places that are neighbours: over an image as it lies, that is a loop over its
channels at a time. Where a convolution writes the first places of all windows, then the second ones and so on, the
same comparisons, forward and back, run over a whole image. Places that no window sees are not even computed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TypeVar

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Region, Value
from specnet.graph.sizes import Size
from specnet.graph.windows import Strided
from specnet.passes.pruning import prune
from specnet.passes.rewriting import Replaced, Rewriting, readers_of, wanted_indices
from specnet.passes.simplify import Simplifier

G = TypeVar("G", bound=Graph)
_Readers = dict[int, list[Node]]


@dataclass(frozen=True, slots=True)
class _Pooled:
    """A convolution, the pooling of its columns and then of its rows, and what flows back through both."""

    y: Value
    across: Value
    down: Value
    back: tuple[Value, Value] | None
    phases: tuple[int, int]


def lay_out_phases(graph: G) -> G:
    """Return a graph with the same results in which convolutions lie phase by phase where only a pooling reads them."""
    readers, wanted = readers_of(graph), wanted_indices(graph)
    found = [each for value in graph.values if (each := _pooled(value, readers, wanted)) is not None]
    if not found and not any(node.regions for node in graph):
        return graph
    return prune(_Phasing(graph, found).run())  # type: ignore[return-value]


def _pooled(y: Value, readers: _Readers, wanted: set[int]) -> _Pooled | None:
    if y.op is not ops.conv2d or not isinstance(y.shape[0], Size):
        return None
    across = _only(readers.get(y.index, []), ops.max_pool)
    down = None if across is None else _only(readers.get(across.index, []), ops.max_pool)
    if across is None or down is None or ops.max_pool.of(across).floor:
        return None
    if (ops.max_pool.of(across).axis, ops.max_pool.of(down).axis) != (2, 1):
        return None
    phases = _phases(down, y.shape[1]), _phases(across, y.shape[2])
    passing, used = [y, across], [across.node, down.node]
    unpooled = _only(readers[y.index], ops.max_unpool)
    back = None
    if unpooled is not None:
        first = unpooled.inputs[0]
        if (
            first.op is not ops.max_unpool
            or first.inputs[1:] != (across, down)
            or unpooled.inputs[1:] != (y, across)
        ):
            return None
        back = first, unpooled
        passing += back
        used += [first.node, unpooled.node, *readers.get(unpooled.index, [])]
        if not all(_goes_on(reader, y) for reader in readers.get(unpooled.index, [])):
            return None
    alone = all(reader in used for value in passing for reader in readers.get(value.index, []))
    if not (alone and all(phases)) or wanted & {value.index for value in passing}:
        return None
    return _Pooled(y, across, down, back, phases) if _fits(y, phases) else None


def _only(readers: list[Node], op: object) -> Value | None:
    """Return the result of the one reader that is of an op, if there is one and no other."""
    own = [reader.value for reader in readers if reader.op is op]
    return own[0] if len(own) == 1 else None


def _phases(pool: Value, size: object) -> int:
    """Return how many places each window sees, where one follows the other from the first place on; else 0."""
    windows = ops.max_pool.of(pool).windows
    if not isinstance(windows, Strided) or not isinstance(size, int):
        return 0
    length = windows.length
    return length if windows == Strided(0, length, length, size // length) else 0


def _goes_on(reader: Node, y: Value) -> bool:
    """Whether what flows back to a convolution is read by what takes it by phases as well."""
    if reader.op is ops.reduce_sum:
        return ops.reduce_sum.of(reader).axes == (0, 1, 2)
    if reader.op is ops.conv2d_input:
        return ops.conv2d_input.of(reader).forward == y.attributes and reader.inputs[1] is y.inputs[1]
    if reader.op is ops.conv2d_kernel:
        return ops.conv2d_kernel.of(reader).forward == y.attributes and reader.inputs[0] is y.inputs[0]
    return False


def _fits(y: Value, phases: tuple[int, int]) -> bool:
    how = ops.geometry_of(y, phases)
    return not how.depthwise and how.tile[1] == how.spread_tile[1] == how.out[0]


class _Phasing(Rewriting):
    def __init__(self, graph: Graph, found: list[_Pooled]) -> None:
        super().__init__(graph, Simplifier())
        self.convolved = {each.y.index: each for each in found}
        self.skipped = {v.index for each in found for v in (each.across, *(each.back or ())[:1])}
        self.pooled = {each.down.index: each for each in found}
        self.unpooled = {each.back[1].index: each for each in found if each.back is not None}
        self.phased: dict[int, tuple[int, int]] = {}

    def within(self, region: Region) -> Region:
        return lay_out_phases(region)

    def visit(self, node: Node) -> Replaced:
        if len(node.results) != 1:
            return self.copy(node)
        index = node.value.index
        if index in self.skipped:
            return (None,)
        if index in self.convolved:
            settings = replace(ops.conv2d.of(node), phases=self.convolved[index].phases)
            return self.copy(node, settings)
        if index in self.pooled:
            return (_pool(self.pooled[index], self.new),)
        if index in self.unpooled:
            each = self.unpooled[index]
            self.phased[index] = each.phases
            return (_unpool(each, self.new),)
        phases = next((self.phased[i.index] for i in node.inputs if i.index in self.phased), None)
        if phases is None:
            return self.copy(node)
        if node.op is ops.reduce_sum:
            return (ops.reduce_sum(self.of(node.inputs[0]), axes=(0, 1, 2, 3)),)
        assert isinstance(node.attributes, ops.ConvolutionAttributes)
        return self.copy(node, replace(node.attributes, phases=phases))


def _pool(each: _Pooled, new: dict[int, Value]) -> Value:
    floor, count = ops.max_pool.of(each.down).floor, prod(each.phases)
    y = ops.max_pool(new[each.y.index], axis=1, windows=Strided(0, count, count, 1), floor=floor)
    return ops.reshape(y, shape=each.down.shape)


def _unpool(each: _Pooled, new: dict[int, Value]) -> Value:
    assert each.back is not None
    y, count = new[each.y.index], prod(each.phases)
    shape = (y.shape[0], 1, *y.shape[2:])
    g, largest = (ops.reshape(new[v.index], shape=shape) for v in (each.back[0].inputs[0], each.down))
    return ops.max_unpool(g, y, largest, axis=1, windows=Strided(0, count, count, 1), size=count)
