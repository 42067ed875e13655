"""What values are to one of several workers that each run a graph on rows of its own of the batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from specnet.graph import ops
from specnet.graph.graph import Node, Op, Value
from specnet.graph.leaves import ARGUMENT, CONSTANT
from specnet.graph.ops.scan import SCAN
from specnet.graph.sizes import BATCH, Count, count, grows
from specnet.passes.batch_axis import axis_of, is_joined, places_ahead


@dataclass(frozen=True, slots=True)
class RowPart:
    """A worker has its rows of the value: they lie along the one axis that grows with the batch.

    Where that axis holds more than the batch, `outer` places of it lie outside of the batch: 1 where all that belongs
    to a row lies together, or a count that holds other named sizes. None stands for a value that is the same for every
    row, which fits any order.
    """

    outer: int | Count | None = 1


WHOLE = "whole"
"""Every worker has the whole value."""

SUM = "sum"
"""Every worker has a part, and the value is the sum of these."""

Part = RowPart | str | None
"""What a worker has of a value; None where the value cannot be computed in parts."""

Parts = Sequence[Part]


def part_of(node: Node, parts: Parts, *, joined: bool = False) -> list[Part]:
    """Return what a worker has of each result, given what it has of the inputs.

    With `joined`, rows may lie along an axis that holds other named sizes as well, such as all steps of all rows.
    """
    if node.op is SCAN:
        return _loop(node, parts, joined=joined)
    if node.op.random or node.op.shared:
        return [None] * len(node.results)
    return [_part(node, value, parts, joined=joined) for value in node.results]


def _part(node: Node, value: Value, parts: Parts, *, joined: bool) -> Part:
    if None in parts:
        return None
    growing = any(map(grows, value.shape))
    if growing and axis_of(value.shape) is None:
        return None
    if growing and not joined and (is_joined(value.shape) or _is_behind(node, value)):
        return None
    if all(part == WHOLE for part in parts):
        if not growing:
            return WHOLE
        return RowPart(1 if BATCH in value.shape else None) if node.op is ops.expand else None
    if SUM in parts:
        return SUM if not growing and _linear(node, parts) else None
    rule = _RULES.get(node.op, _elementwise if node.op.elementwise else _none)
    part = rule(node, value, parts)
    return None if isinstance(part, RowPart) and not growing else part


def _linear(node: Node, parts: Parts) -> bool:
    """Whether the sum of a result over all workers is the result for sums of the inputs."""
    summed = [part == SUM for part in parts]
    if node.op in _LINEAR:
        return all(summed)
    if node.op in (ops.multiply, ops.MATMUL, ops.inner):
        return sum(summed) == 1 and WHOLE in parts
    return node.op is ops.divide and summed == [True, False] and parts[1] == WHOLE


def _same_rows(inputs: Sequence[Value], parts: Parts, rank: int) -> RowPart | None:
    """Return the rows of arrays that are matched from their last axes on, where these are the same in all."""
    axes = set()
    outers = set()
    for value, part in zip(inputs, parts, strict=True):
        if isinstance(part, RowPart):
            axis = axis_of(value.shape)
            assert axis is not None
            axes.add(rank - value.rank + axis)
            if part.outer is not None:
                outers.add(part.outer)
    if len(axes) != 1 or len(outers) > 1:
        return None
    return RowPart(outers.pop() if outers else None)


def _none(node: Node, value: Value, parts: Parts) -> Part:
    return None


def _elementwise(node: Node, value: Value, parts: Parts) -> Part:
    return _same_rows(node.inputs, parts, value.rank)


def _reshape(node: Node, value: Value, parts: Parts) -> Part:
    (source,), (part,) = node.inputs, parts
    assert isinstance(part, RowPart)
    axis = axis_of(value.shape)
    assert axis is not None
    if part.outer is None:
        return None
    before = places_ahead(source.shape) * (Count(part.outer) if isinstance(part.outer, int) else part.outer)
    outer = _quotient(before, places_ahead(value.shape))
    if outer is None or _quotient(count(value.shape[axis : axis + 1]), outer * count((BATCH,))) is None:
        return None
    return RowPart(outer if outer.powers else outer.each)


def _quotient(a: Count, b: Count) -> Count | None:
    """Return a / b, or None where it is no count."""
    found = a // b
    return found if a.each % b.each == 0 and all(power > 0 for _, power in found.powers) else None


def _is_behind(node: Node, value: Value) -> bool:
    """Whether the rows of what is given another shape lie behind an axis of a named size."""
    shapes = (node.inputs[0].shape, value.shape) if node.op is ops.reshape else ()
    return any(places_ahead(shape).powers for shape in shapes)


def _transpose(node: Node, value: Value, parts: Parts) -> Part:
    return parts[0]


def _margins(node: Node, value: Value, parts: Parts) -> Part:
    axis = axis_of(node.inputs[0].shape)
    assert axis is not None
    return None if any(node.attributes.named()["margins"][axis]) else parts[0]


def _first_axis(node: Node, value: Value, parts: Parts) -> Part:
    return None if axis_of(value.shape) == 0 else parts[0]


def _concat(node: Node, value: Value, parts: Parts) -> Part:
    if WHOLE in parts or ops.CONCAT.of(node).axis == axis_of(value.shape):
        return None
    return _same_rows(node.inputs, parts, value.rank)


def _reduce_sum(node: Node, value: Value, parts: Parts) -> Part:
    if axis_of(node.inputs[0].shape) in ops.reduce_sum.of(node).axes:
        return SUM
    return parts[0]


def _along(node: Node, value: Value, parts: Parts) -> Part:
    """Ops along an axis, whose first operand has it."""
    source = node.inputs[0]
    axis = node.attributes.named().get("axis", -1) % source.rank
    if axis_of(source.shape) == axis or not all(isinstance(part, RowPart) for part in parts):
        return None
    return _same_rows(node.inputs, parts, source.rank)


def _by_first_axis(node: Node, value: Value, parts: Parts) -> Part:
    """Ops on each place of the first axis by itself."""
    rows = [(v, part) for v, part in zip(node.inputs, parts, strict=True) if isinstance(part, RowPart)]
    if any(axis_of(v.shape) != 0 for v, _ in rows) or WHOLE in parts:
        return None
    return _same_rows(node.inputs, parts, max(v.rank for v in node.inputs))


def _matmul(node: Node, value: Value, parts: Parts) -> Part:
    settings = ops.MATMUL.of(node)
    a, b = node.inputs
    axes = [axis_of(v.shape) if isinstance(p, RowPart) else None for v, p in zip((a, b), parts, strict=True)]
    contracted = [
        axis is not None and axis == v.rank - (1 if last else 2)
        for axis, v, last in zip(axes, (a, b), (not settings.a_t, settings.b_t), strict=True)
    ]
    rows = [part for part in parts if isinstance(part, RowPart)]
    if len(rows) == 1:
        return rows[0] if not any(contracted) else None
    if all(contracted):
        outers = {part.outer for part in rows if part.outer is not None}
        return SUM if len(outers) == 1 else None
    if any(contracted) or any(ax is None or ax >= v.rank - 2 for ax, v in zip(axes, (a, b), strict=True)):
        return None
    return _same_rows((a, b), parts, value.rank)


def _gather(node: Node, value: Value, parts: Parts) -> Part:
    return parts[1] if parts[0] == WHOLE else None


def _scatter(node: Node, value: Value, parts: Parts) -> Part:
    x, index = node.inputs
    if not all(isinstance(part, RowPart) for part in parts) or axis_of(x.shape) != axis_of(index.shape):
        return None
    return SUM if _same_rows((index, index), parts, index.rank) is not None else None


def _pick(node: Node, value: Value, parts: Parts) -> Part:
    """Return the rows of an element, or of rows with one element, at the last axis."""
    index, wide = node.inputs[1], node.inputs[0] if node.op is ops.take_along_axis else value
    if not isinstance(parts[1], RowPart) or axis_of(wide.shape) == wide.rank - 1:
        return None
    first = parts[0]
    if isinstance(first, RowPart):
        return _same_rows((index, index), parts, index.rank)
    return parts[1] if not node.inputs[0].shape else None


def _inner(node: Node, value: Value, parts: Parts) -> Part:
    return SUM if _same_rows(node.inputs, parts, node.inputs[0].rank) is not None else None


def _first(node: Node, value: Value, parts: Parts) -> Part:
    return parts[0]


def _loop(node: Node, parts: Parts, *, joined: bool) -> list[Part]:
    """Return what a worker has of a loop's results: rows, where all in its body is rows or whole."""
    loop, body = SCAN.of(node), SCAN.of(node).body
    none: list[Part] = [None] * len(node.results)
    if None in parts or SUM in parts or grows(loop.length):
        return none
    first, last = loop.states, loop.states + loop.arrays
    for value, part in zip(node.inputs[first:last], parts[first:last], strict=True):
        if isinstance(part, RowPart) and axis_of(value.shape) == 0:
            return none
    known: dict[int, Part] = dict(zip((v.index for v in body.arguments), parts, strict=True))
    for inner in body.nodes:
        if inner.op is ARGUMENT:
            continue
        if inner.op is CONSTANT:
            known[inner.value.index] = WHOLE
            continue
        for value, part in zip(
            inner.results,
            part_of(inner, [known[v.index] for v in inner.inputs], joined=joined),
            strict=True,
        ):
            if part is None or part == SUM:
                return none
            known[value.index] = part
    returned = [known[value.index] for value in body.returns]
    return returned if returned[: loop.states] == list(parts[: loop.states]) else none


Rule = Callable[[Node, Value, Parts], Part]

_LINEAR = {
    ops.reshape,
    ops.transpose,
    ops.crop,
    ops.pad,
    ops.part,
    ops.CONCAT,
    ops.pack,
    ops.negative,
    ops.add,
    ops.subtract,
    ops.expand,
    ops.reduce_sum,
}

_RULES: dict[Op[Any], Rule] = {
    ops.reshape: _reshape,
    ops.transpose: _transpose,
    ops.crop: _margins,
    ops.pad: _margins,
    ops.part: _first_axis,
    ops.CONCAT: _concat,
    ops.reduce_sum: _reduce_sum,
    ops.reduce_max: _along,
    ops.argmax: _along,
    ops.softmax: _along,
    ops.log_softmax: _along,
    ops.layer_norm: _by_first_axis,
    ops.layer_norm_grad: _by_first_axis,
    ops.group_moments: _by_first_axis,
    ops.group_norm: _by_first_axis,
    ops.group_norm_grad: _by_first_axis,
    ops.MATMUL: _matmul,
    ops.gather: _gather,
    ops.scatter_add: _scatter,
    ops.take_along_axis: _pick,
    ops.put_along_axis: _pick,
    ops.one_hot: _first,
    ops.append_ones_row: _first,
    ops.append_ones_column: _first,
    ops.cast: _first,
    ops.indices: _first,
    ops.inner: _inner,
}
"""What a worker has of the result of ops that are not element by element, where it has rows of some input."""
