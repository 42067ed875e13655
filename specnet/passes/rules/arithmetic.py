"""Rules of sums, products and functions of numbers."""

from __future__ import annotations

from typing import Any

from specnet.graph import ops
from specnet.graph.graph import Op, Value
from specnet.graph.leaves import constant, scalar_of
from specnet.graph.ops.joining import MAXIMUM
from specnet.graph.sizes import added, broadcast, inverse, times
from specnet.passes.rules import rule


def _is(x: Value, factor: float) -> bool:
    return scalar_of(x) == (factor, ())


@rule("add")
def add(a: Value, b: Value) -> Value | None:
    """x + 0 = x;  x + (-y) = x - y;  a stretched scalar is added as a scalar; constants are summed."""
    m, n = scalar_of(a), scalar_of(b)
    if m is not None and n is not None:
        return constant(a.graph, m[0] + n[0], m[1]) if m[1] == n[1] else None
    if _is(b, 0.0):
        return a
    if _is(a, 0.0):
        return b
    if b.op is ops.negative and b.shape == a.shape:
        return a - b.inputs[0]
    if a.op is ops.negative and b.shape == a.shape:
        return b - a.inputs[0]
    return _side_by_side(a, b) or _unstretched(ops.add, a, b)


def _side_by_side(a: Value, b: Value) -> Value | None:
    """Return the sum of two arrays with zeros around them that are neighbours along one axis, as one array."""
    if a.op is not ops.pad or b.op is not ops.pad or a.shape != b.shape:
        return None
    first, second = ops.pad.of(a).margins, ops.pad.of(b).margins
    axes = [axis for axis in range(a.rank) if first[axis] != second[axis]]
    if len(axes) != 1:
        return None
    (axis,) = axes
    for one, other, (before, _), (_, after) in (
        (a, b, first[axis], second[axis]),
        (b, a, second[axis], first[axis]),
    ):
        parts = one.inputs[0], other.inputs[0]
        if added((before, *(part.shape[axis] for part in parts), after)) == a.shape[axis]:
            around = (*first[:axis], (before, after), *first[axis + 1 :])
            return ops.pad(_joined(*parts, axis), margins=around)
    return None


def _joined(a: Value, b: Value, axis: int) -> Value:
    """Return two arrays side by side, as neighbours of what they are made of where there is room for that."""
    parts = [
        part
        for value in (a, b)
        for part in (
            value.inputs if value.op is ops.CONCAT and ops.CONCAT.of(value).axis == axis else (value,)
        )
    ]
    return ops.CONCAT(*(parts if len(parts) <= MAXIMUM else (a, b)), axis=axis)


@rule("subtract")
def subtract(a: Value, b: Value) -> Value | None:
    """x - 0 = x;  x - (-y) = x + y;  a stretched scalar is subtracted as a scalar; constants are folded."""
    m, n = scalar_of(a), scalar_of(b)
    if m is not None and n is not None:
        return constant(a.graph, m[0] - n[0], m[1]) if m[1] == n[1] else None
    if _is(b, 0.0):
        return a
    if b.op is ops.negative and b.shape == a.shape:
        return a + b.inputs[0]
    return _unstretched(ops.subtract, a, b)


@rule("multiply")
def multiply(a: Value, b: Value) -> Value | None:
    """x * 1 = x;  (x * c) * d = x * (c d);  a stretched scalar multiplies as one.

    Scalars of an update, such as the learning rate, keep their rounding: there is nothing to gain.
    """
    m, n = scalar_of(a), scalar_of(b)
    if m is not None and n is not None:
        return constant(a.graph, m[0] * n[0], times(m[1], n[1]))
    if m is not None:
        return b * a  # constants stand on the right, where the other rules look for them
    if _is(b, 1.0) and a.dtype != "bool":
        return a
    if _is(b, -1.0):
        return -a
    if n is not None and _is_scaled(a) and (a.shape or a.phase != "update"):
        return a.inputs[0] * (a.inputs[1] * b)
    if n is not None and a.op is ops.negative:
        return a.inputs[0] * -b
    if a.op is ops.negative and b.op is ops.negative:
        return a.inputs[0] * b.inputs[0]
    return _unstretched(ops.multiply, a, b)


@rule("divide")
def divide(a: Value, b: Value) -> Value | None:
    """x / 1 = x; constants are folded; a stretched scalar divides as one."""
    m, n = scalar_of(a), scalar_of(b)
    if m is not None and n is not None and n[0] != 0.0:
        return constant(a.graph, m[0] / n[0], times(m[1], inverse(n[1])))
    if _is(b, 1.0):
        return a
    return _unstretched(ops.divide, a, b)


def _chooses(x: Value) -> bool:
    """Whether a product has a factor that is true or false, which is no number yet."""
    return any(factor.dtype == "bool" for factor in x.inputs)


def _is_scaled(x: Value) -> bool:
    """Whether a value is numbers times a constant."""
    return x.op is ops.multiply and scalar_of(x.inputs[1]) is not None and not _chooses(x)


def _unstretched(op: Op[Any], a: Value, b: Value) -> Value | None:
    """Apply to what was stretched instead, where the other operand has the full shape anyway."""
    full = broadcast(a.shape, b.shape)
    small_a = a.inputs[0] if a.op is ops.expand else a
    small_b = b.inputs[0] if b.op is ops.expand else b
    if full is not None and not small_a.rank and not small_b.rank and full:
        return ops.expand(op(small_a, small_b), shape=full)
    if a.op is ops.expand and b.shape == full:
        return op(small_a, b)
    if b.op is ops.expand and a.shape == full:
        return op(a, small_b)
    return None


@rule("negative")
def negative(x: Value) -> Value | None:
    """-(-x) = x;  -(c) is a constant;  -(x * c) = x * (-c)."""
    known = scalar_of(x)
    if known is not None:
        return constant(x.graph, -known[0], known[1])
    if x.op is ops.negative:
        return x.inputs[0]
    if _is_scaled(x):
        return x.inputs[0] * -x.inputs[1]
    if x.op is ops.expand:
        return ops.expand(-x.inputs[0], shape=x.shape)
    return None


@rule("reduce_sum")
def reduce_sum(x: Value, axes: tuple[int, ...]) -> Value | None:
    """The sum of all squares or products is an inner product; the sum of a stretched scalar is a product."""
    if not axes:
        return x
    if len(axes) == x.rank:
        if x.op is ops.square:
            return ops.inner(x.inputs[0], x.inputs[0])
        if x.op is ops.multiply and x.inputs[0].shape == x.inputs[1].shape and not _chooses(x):
            return ops.inner(*x.inputs)
        if x.op is ops.expand and not x.inputs[0].rank:
            return x.inputs[0] * constant(x.graph, x.count.each, x.count.powers)
        if x.op is ops.negative:
            return -ops.reduce_sum(x.inputs[0], axes=axes)
        if _is_scaled(x):
            return ops.reduce_sum(x.inputs[0], axes=axes) * x.inputs[1]
    if x.op is ops.put_along_axis and axes == (x.rank - 1,):
        return x.inputs[0]
    return None


@rule("inner")
def inner(a: Value, b: Value) -> Value | None:
    """(c x)·y = c (x·y)."""
    if _is_scaled(a):
        return ops.inner(a.inputs[0], b) * a.inputs[1]
    if _is_scaled(b):
        return ops.inner(a, b.inputs[0]) * b.inputs[1]
    return None


@rule("log")
def log(x: Value) -> Value | None:
    """log(softmax(x)) and log(sigmoid(x)) are taken from x."""
    return ops.log_of(x) if x.op is ops.softmax or x.op is ops.sigmoid else None
