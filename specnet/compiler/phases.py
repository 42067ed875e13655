"""Have convolutions lay out what a pooling behind them compares in long stretches of memory.

A pooling of 2 x 2 windows compares places that are neighbours: over an image as it lies, that is a loop over its
channels at a time. Where a convolution writes the first places of all windows, then the second ones and so on, the
same comparisons, forward and back, run over a whole image. Places that no window sees are not even computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from specnet.compiler.simplify import Simplifier, prune
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.runtime.shapes import Batch


@dataclass(frozen=True, slots=True)
class _Pooled:
    """A convolution, the pooling of its columns and then of its rows, and what flows back through both."""

    y: Value
    across: Value
    down: Value
    back: tuple[Value, Value] | None
    phases: tuple[int, int]


def lay_out_phases(graph: Graph) -> Graph:
    """Return a graph with the same results in which convolutions lie phase by phase where only a pooling reads them."""
    readers: dict[int, list[Value]] = {}
    for value in graph:
        for source in value.inputs:
            readers.setdefault(source.index, []).append(value)
    wanted = {v.index for v in (*graph.outputs.values(), *(v for _, v in graph.assignments))}
    found = [each for value in graph if (each := _pooled(value, readers, wanted)) is not None]
    return _rewritten(graph, found) if found else graph


def _pooled(y: Value, readers: dict[int, list[Value]], wanted: set[int]) -> _Pooled | None:
    if y.op is not ops.conv2d or y.rank != 4 or not isinstance(y.shape[0], Batch):
        return None
    across = _only(readers[y.index], ops.max_pool) if y.index in readers else None
    down = (
        _only(readers[across.index], ops.max_pool) if across is not None and across.index in readers else None
    )
    if across is None or down is None or across.attributes["floor"]:
        return None
    if (across.attributes["axis"], down.attributes["axis"]) != (2, 1):
        return None
    phases = _phases(down, y.shape[1]), _phases(across, y.shape[2])
    passing, used = [y, across], [across, down]
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
        used += [*back, *readers.get(unpooled.index, [])]
        if not all(_goes_on(reader, y) for reader in readers.get(unpooled.index, [])):
            return None
    alone = all(reader in used for value in passing for reader in readers.get(value.index, []))
    if not (alone and all(phases)) or wanted & {value.index for value in passing}:
        return None
    return _Pooled(y, across, down, back, phases) if _fits(y, phases) else None


def _only(readers: list[Value], op: object) -> Value | None:
    """Return the one reader that is of an op, if there is one and no other."""
    own = [reader for reader in readers if reader.op is op]
    return own[0] if len(own) == 1 else None


def _phases(pool: Value, size: object) -> int:
    """Return how many places each window sees, where one follows the other from the first place on; else 0."""
    windows = pool.attributes["windows"]
    length = windows[0][1] - windows[0][0]
    even = all(window == (i * length, (i + 1) * length) for i, window in enumerate(windows))
    return length if even and isinstance(size, int) and len(windows) == size // length else 0


def _goes_on(reader: Value, y: Value) -> bool:
    """Whether what flows back to a convolution is read by what takes it by phases as well."""
    if reader.op is ops.total:
        return bool(reader.attributes["axes"] == (0, 1, 2))
    own = {name: value for name, value in reader.attributes.items() if name != "size"}
    if reader.op is ops.conv2d_input:
        return own == y.attributes and reader.inputs[1] is y.inputs[1]
    return reader.op is ops.conv2d_kernel and own == y.attributes and reader.inputs[0] is y.inputs[0]


def _fits(y: Value, phases: tuple[int, int]) -> bool:
    how = ops.geometry_of(y, phases)
    return not how.depthwise and how.tile[1] == how.spread_tile[1] == how.out[0]


def _rewritten(graph: Graph, found: list[_Pooled]) -> Graph:
    target = Simplifier(graph)
    new: dict[int, Value] = {}
    convolved = {each.y.index: each for each in found}
    skipped = {v.index for each in found for v in (each.across, *(each.back or ())[:1])}
    pooled = {each.down.index: each for each in found}
    unpooled = {each.back[1].index: each for each in found if each.back is not None}
    phased: dict[int, tuple[int, int]] = {}
    for value in graph:
        target.origin, target.phase = value.origin, value.phase
        inputs = [new[i.index] for i in value.inputs if i.index in new]
        if value.index in skipped:
            continue
        if value.index in convolved:
            phases = convolved[value.index].phases
            new[value.index] = target.apply(value.op, inputs, {**value.attributes, "phases": phases})
        elif value.index in pooled:
            new[value.index] = _pool(pooled[value.index], new)
        elif value.index in unpooled:
            each = unpooled[value.index]
            phased[value.index] = each.phases
            new[value.index] = _unpool(each, new)
        else:
            attributes = value.attributes
            phases = next((phased[i.index] for i in value.inputs if i.index in phased), (1, 1))
            if phases != (1, 1):
                more = {"axes": (0, 1, 2, 3)} if value.op is ops.total else {"phases": phases}
                attributes = {**attributes, **more}
            new[value.index] = target.apply(value.op, inputs, attributes)
    target.outputs = {name: new[v.index] for name, v in graph.outputs.items()}
    target.assignments = [(new[a.index], new[b.index]) for a, b in graph.assignments]
    return prune(target)


def _pool(each: _Pooled, new: dict[int, Value]) -> Value:
    floor, count = each.down.attributes["floor"], prod(each.phases)
    y = ops.max_pool(new[each.y.index], axis=1, windows=((0, count),), floor=floor)
    return ops.reshape(y, shape=each.down.shape)


def _unpool(each: _Pooled, new: dict[int, Value]) -> Value:
    assert each.back is not None
    y, count = new[each.y.index], prod(each.phases)
    shape = (y.shape[0], 1, *y.shape[2:])
    g, largest = (ops.reshape(new[v.index], shape=shape) for v in (each.back[0].inputs[0], each.down))
    return ops.max_unpool(g, y, largest, axis=1, windows=((0, count),), size=count)
