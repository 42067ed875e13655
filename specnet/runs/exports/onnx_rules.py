"""What each op is in ONNX's operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from specnet.diagnostics import RunError
from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import Dim, Size
from specnet.runs.exports import onnx_images
from specnet.runtime.preparing import mixture

if TYPE_CHECKING:
    from specnet.runs.exports.onnx_file import Writer

ONE = {
    "absolute": "Abs",
    "add": "Add",
    "cos": "Cos",
    "divide": "Div",
    "equal": "Equal",
    "erf": "Erf",
    "exp": "Exp",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "log": "Log",
    "maximum": "Max",
    "minimum": "Min",
    "negative": "Neg",
    "power": "Pow",
    "relu": "Relu",
    "where": "Where",
    "sigmoid": "Sigmoid",
    "sign": "Sign",
    "sin": "Sin",
    "sqrt": "Sqrt",
    "subtract": "Sub",
    "tanh": "Tanh",
}
"""The ops that are one operator of ONNX."""


Rule = Callable[["Writer", Value, list[str]], str]


def _product(w: Writer, value: Value, inputs: list[str]) -> str:
    settings = ops.MATMUL.of(value)
    sides = [
        w.node("Transpose", [x], perm=[*range(i.rank - 2), i.rank - 1, i.rank - 2]) if turned else x
        for x, i, turned in zip(inputs, value.inputs, (settings.a_t, settings.b_t), strict=True)
    ]
    return w.node("MatMul", sides)


def _reshape(w: Writer, value: Value, inputs: list[str]) -> str:
    sizes = [-1 if isinstance(dim, Size) else dim for dim in value.shape]
    return w.node("Reshape", [inputs[0], w.hold(sizes, np.int64)])


def _total(w: Writer, value: Value, inputs: list[str]) -> str:
    x = w.cast(inputs[0], w.dtype) if value.inputs[0].dtype == "bool" else inputs[0]
    return w.node("ReduceSum", [x, w.hold(list(ops.reduce_sum.of(value).axes), np.int64)], keepdims=0)


def _softplus(w: Writer, value: Value, inputs: list[str]) -> str:
    del value
    (x,) = inputs
    one, zero = w.hold(1.0), w.hold(0.0)
    small = w.node("Log", [w.node("Add", [w.node("Exp", [w.node("Neg", [w.node("Abs", [x])])]), one])])
    return w.node("Add", [w.node("Max", [x, zero]), small])


def _expm1(w: Writer, value: Value, inputs: list[str]) -> str:
    del value
    return w.node("Sub", [w.node("Exp", [inputs[0]]), w.hold(1.0)])


def _log1p(w: Writer, value: Value, inputs: list[str]) -> str:
    del value
    return w.node("Log", [w.node("Add", [inputs[0], w.hold(1.0)])])


def _elu(w: Writer, value: Value, inputs: list[str]) -> str:
    (x,) = inputs
    zero = w.hold(0.0)
    below = w.node("Sub", [w.node("Exp", [w.node("Min", [x, zero])]), w.hold(1.0)])
    return w.node("Add", [w.node("Max", [x, zero]), w.node("Mul", [below, w.hold(ops.elu.of(value).alpha)])])


def _leaky_relu(w: Writer, value: Value, inputs: list[str]) -> str:
    (x,) = inputs
    slope = w.node("Mul", [x, w.hold(ops.leaky_relu.of(value).slope)])
    return w.node("Where", [w.node("Greater", [x, w.hold(0.0)]), x, slope])


def _clip(w: Writer, value: Value, inputs: list[str]) -> str:
    low, high = w.hold(ops.clip.of(value).low), w.hold(ops.clip.of(value).high)
    return w.node("Min", [w.node("Max", [inputs[0], low]), high])


def _softsign(w: Writer, value: Value, inputs: list[str]) -> str:
    del value
    return w.node("Div", [inputs[0], w.node("Add", [w.node("Abs", inputs), w.hold(1.0)])])


def _softmax(w: Writer, value: Value, inputs: list[str]) -> str:
    if value.op is ops.softmax:
        return w.node("Softmax", inputs, axis=ops.softmax.of(value).axis)
    return w.node("LogSoftmax", inputs, axis=ops.log_softmax.of(value).axis)


def _multiply(w: Writer, value: Value, inputs: list[str]) -> str:
    numbers = [
        w.node("Where", [x, w.hold(1.0), w.hold(0.0)]) if i.dtype == "bool" else x
        for x, i in zip(inputs, value.inputs, strict=True)
    ]
    return w.node("Mul", numbers)


def _concat(w: Writer, value: Value, inputs: list[str]) -> str:
    return w.node("Concat", inputs, axis=ops.CONCAT.of(value).axis)


def _crop(w: Writer, value: Value, inputs: list[str]) -> str:
    margins = ops.crop.of(value).margins
    if any(isinstance(edge, Size) for pair in margins for edge in pair):
        raise RunError("a part of an axis of unknown size cannot be exported to ONNX")
    starts = w.hold([before for before, _ in margins], np.int64)
    ends = w.hold([-int(after) if after else np.iinfo(np.int64).max for _, after in margins], np.int64)  # type: ignore[arg-type]
    return w.node("Slice", [*inputs, starts, ends])


def _pad(w: Writer, value: Value, inputs: list[str]) -> str:
    before, after = zip(*ops.pad.of(value).margins, strict=True)
    return w.node("Pad", [*inputs, w.hold([*before, *after], np.int64)])


def _expand(w: Writer, value: Value, inputs: list[str]) -> str:
    # An axis of size 1 takes on the size that the operand has along it: that of the batch, for one.
    (x,) = value.inputs
    known = [x.rank > i and x.shape[i - value.rank] == dim for i, dim in enumerate(value.shape)]
    parts = [_size(w, 1 if same else dim) for dim, same in zip(value.shape, known, strict=True)]
    return w.node("Expand", [*inputs, w.node("Concat", parts, axis=0) if len(parts) > 1 else parts[0]])


def _size(w: Writer, dim: Dim) -> str:
    """Write a dimension as a vector of one number."""
    if not isinstance(dim, Size):
        return w.hold([dim], np.int64)
    if dim.names != ("batch",):
        raise RunError(f"an axis of {dim} places cannot be exported to ONNX")
    return w.rows() if dim.times == 1 else w.node("Mul", [w.rows(), w.hold([dim.times], np.int64)])


def _row_normal(w: Writer, value: Value, inputs: list[str]) -> str:
    (x,) = inputs
    last = w.hold([1], np.int64)
    settings = ops.layer_norm.of(value)
    if settings.center:
        x = w.node("Sub", [x, w.node("ReduceMean", [x, last], keepdims=1)])
    spread = w.node("ReduceMean", [w.node("Mul", [x, x]), last], keepdims=1)
    root = w.node("Sqrt", [w.node("Add", [spread, w.hold(settings.epsilon)])])
    return w.node("Div", [x, root])


def _group_normal(w: Writer, value: Value, inputs: list[str]) -> str:
    _, places, features = value.shape
    assert isinstance(features, int)
    groups = ops.group_norm.of(value).groups
    apart = w.node("Reshape", [*inputs, w.hold([-1, places, groups, features // groups], np.int64)])
    over = w.hold([1, 3], np.int64)
    centered = w.node("Sub", [apart, w.node("ReduceMean", [apart, over], keepdims=1)])
    spread = w.node("ReduceMean", [w.node("Mul", [centered, centered]), over], keepdims=1)
    root = w.node("Sqrt", [w.node("Add", [spread, w.hold(ops.group_norm.of(value).epsilon)])])
    return w.node("Reshape", [w.node("Div", [centered, root]), w.hold([-1, places, features], np.int64)])


def _resample(w: Writer, value: Value, inputs: list[str]) -> str:
    size = value.inputs[0].shape[1]
    assert isinstance(size, int)
    return w.node("MatMul", [w.hold(mixture(size, ops.upsample.of(value).factor, value.dtype)), *inputs])


RULES: dict[str, Rule] = {
    "conv2d": onnx_images.conv2d,
    "conv2d_input": onnx_images.conv2d_input,
    "max_pool": onnx_images.pool,
    "window_sum": onnx_images.pool,
    "cast": lambda w, value, inputs: w.cast(inputs[0], value.dtype),
    "clip": _clip,
    "concat": _concat,
    "crop": _crop,
    "elu": _elu,
    "expand": _expand,
    "expm1": _expm1,
    "fixed": lambda w, value, _: w.hold(ops.FIXED.of(value).values, value.dtype),
    "group_norm": _group_normal,
    "indices": lambda w, _, inputs: w.cast(inputs[0], np.int64),
    "reduce_max": lambda w, value, inputs: w.node(
        "ReduceMax", [*inputs, w.hold([ops.reduce_max.of(value).axis], np.int64)], keepdims=1
    ),
    "leaky_relu": _leaky_relu,
    "log1p": _log1p,
    "log_softmax": _softmax,
    "gather": lambda w, _, inputs: w.node("Gather", inputs, axis=0),
    "multiply": _multiply,
    "pad": _pad,
    "matmul": _product,
    "upsample": _resample,
    "reshape": _reshape,
    "layer_norm": _row_normal,
    "softmax": _softmax,
    "softplus": _softplus,
    "softsign": _softsign,
    "square": lambda w, _, inputs: w.node("Mul", [inputs[0], inputs[0]]),
    "reduce_sum": _total,
    "transpose": lambda w, value, inputs: w.node(
        "Transpose", inputs, perm=list(ops.transpose.of(value).axes)
    ),
}
