"""Ops that sum or compare along axes."""

from __future__ import annotations

from typing import Any

from specnet.graph.graph import ShapeFault, Value
from specnet.graph.op import Op, constant
from specnet.graph.ops.elementwise import equal, exp, log, masked
from specnet.graph.ops.indexing import cast
from specnet.graph.ops.shaping import expand, reshape
from specnet.runtime.shapes import Count, DType, Shape, show


def _infer_total(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    (x,) = inputs
    axes: tuple[int, ...] = attributes["axes"]
    shape = tuple(dim for i, dim in enumerate(x.shape) if i not in axes)
    return shape, x.graph.dtype if x.dtype == "bool" else x.dtype


def _read(value: Value) -> Count:
    """Count one operation for each element read."""
    return value.inputs[0].count


def _stretch(g: Value, x: Value, axes: tuple[int, ...]) -> Value:
    """Lay a reduced value along the axes that it was reduced over."""
    kept = tuple(1 if i in axes else dim for i, dim in enumerate(x.shape))
    return expand(reshape(g, shape=kept) if g.rank else g, shape=x.shape)


def _of_columns(value: Value) -> bool:
    """Whether all axes but the last are summed over, of floats."""
    (x,) = value.inputs
    return bool(value.shape) and value.attributes["axes"] == tuple(range(x.rank - 1)) and x.dtype != "bool"


def _total_kernel(value: Value) -> str:
    (x,) = value.inputs
    if not value.shape:
        return "{o} = count_nonzero({a})" if x.dtype == "bool" else "{o} = float(add_reduce({a:flat}))"
    if _of_columns(value):
        # A product with a vector of ones sums the rows of a matrix two to three times as fast as a reduction.
        return "dot({ones}, {a:rows}, {o})"
    return "add_reduce({a}, {axes}, None, {o})"


def _total_ones(value: Value, batch: int) -> dict[str, Any]:
    import numpy as np

    (x,) = value.inputs
    return (
        {"ones": np.ones(x.count.at(batch) // value.count.at(batch), x.dtype)} if _of_columns(value) else {}
    )


def _total_by_rows(value: Value) -> str:
    return "sum_rows({a}, {ones}, {more}, {anew}, {o})" if _of_columns(value) else ""


total = Op(
    "total",
    _infer_total,
    _total_kernel,
    lambda g, y, x, axes: (_stretch(g, x, axes),),
    flops=_read,
    prepare=_total_ones,
    sums=_total_by_rows,
)
"""The sum over some axes, which it drops."""


def _infer_inner(inputs: tuple[Value, ...], _: dict[str, Any]) -> tuple[Shape, DType]:
    a, b = inputs
    if a.shape != b.shape:
        raise ShapeFault(f"{show(a.shape)} and {show(b.shape)} have no inner product", b)
    return (), a.dtype


inner = Op(
    "inner",
    _infer_inner,
    "{o} = float(dot({a:flat}, {b:flat}))",
    lambda g, y, a, b: (g * b, g * a),
    flops=lambda value: value.inputs[0].count * Count(2),
)
"""The sum of all products of two arrays' elements."""


def _infer_last(inputs: tuple[Value, ...], _: dict[str, Any]) -> tuple[Shape, DType]:
    (x,) = inputs
    return (*x.shape[:-1], 1), x.dtype


largest = Op(
    "largest",
    _infer_last,
    "maximum_reduce({a}, -1, None, {o}, True)",
    lambda g, y, x: (_share(g, y, x),),
    flops=_read,
)
"""The largest element along the last axis, which stays with size 1; ties share the gradient equally."""


def _share(g: Value, y: Value, x: Value) -> Value:
    among = equal(x, y)
    # Truth values are summed along an axis through a buffer that NumPy allocates.
    ties = total_last(cast(among, to=x.dtype))
    return masked(expand(g / ties, shape=x.shape), among)


def _infer_argmax(inputs: tuple[Value, ...], _: dict[str, Any]) -> tuple[Shape, DType]:
    (x,) = inputs
    return x.shape[:-1], "int64"


argmax = Op("argmax", _infer_argmax, "argmax({a}, -1, {o})", lambda *_: (None,), flops=_read)
"""The index of the largest element along the last axis; the first of equals."""


def _same(inputs: tuple[Value, ...], _: dict[str, Any]) -> tuple[Shape, DType]:
    return inputs[0].shape, inputs[0].dtype


def _column(value: Value) -> Shape:
    return (*value.shape[:-1], 1)


softmax = Op(
    "softmax",
    _same,
    "maximum_reduce({a}, -1, None, {s}, True)\ncopyto({o}, {s})\nsubtract({a}, {o}, {o})\nexp({o}, {o})\n"
    "add_reduce({o}, -1, None, {s}, True)\ncopyto({s2}, {s})\ndivide({o}, {s2}, {o})",
    lambda g, y, x: (y * (g - total_last(g * y)),),
    flops=lambda value: value.count * Count(5),
    scratch=lambda value: [(_column(value), value.dtype), (value.shape, value.dtype)],
)
"""exp(x) / sum(exp(x)) along the last axis, shifted by the largest so that nothing overflows."""

log_softmax = Op(
    "log_softmax",
    _same,
    "maximum_reduce({a}, -1, None, {s}, True)\ncopyto({o}, {s})\nsubtract({a}, {o}, {o})\nexp({o}, {s2})\n"
    "add_reduce({s2}, -1, None, {s}, True)\nlog({s}, {s})\ncopyto({s2}, {s})\nsubtract({o}, {s2}, {o})",
    lambda g, y, x: (g - exp(y) * total_last(g),),
    flops=lambda value: value.count * Count(5),
    scratch=lambda value: [(_column(value), value.dtype), (value.shape, value.dtype)],
)
"""x - log(sum(exp(x))) along the last axis, shifted by the largest so that nothing overflows."""


def total_last(x: Value) -> Value:
    """Sum along the last axis, which stays with size 1."""
    return reshape(total(x, axes=(x.rank - 1,)), shape=(*x.shape[:-1], 1))


def total_all(x: Value) -> Value:
    """Sum all elements into a scalar."""
    return total(x, axes=tuple(range(x.rank))) if x.rank else x


def mean_all(x: Value) -> Value:
    """Return the mean of all elements as a scalar."""
    size = x.count
    return total_all(x) * constant(x.graph, 1.0 / size.each, -size.power)


def mean(x: Value, axes: tuple[int, ...]) -> Value:
    """Return the mean over some axes, which it drops."""
    summed = total(x, axes=axes)
    each, power = x.count.each // summed.count.each, x.count.power - summed.count.power
    return summed * constant(x.graph, 1.0 / each, -power)


def log_of(p: Value) -> Value:
    """Return log(p), taken from the values below where p is a softmax or a sigmoid: exact where p is near 0.

    log(softmax(x)) is log_softmax(x), and log(sigmoid(x)) is -softplus(-x).
    """
    from specnet.graph.ops.elementwise import sigmoid, softplus

    if p.op is softmax:
        return log_softmax(p.inputs[0])
    if p.op is sigmoid:
        return -softplus(-p.inputs[0])
    return log(p)
