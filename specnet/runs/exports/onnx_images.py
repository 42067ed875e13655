"""Convolution and pooling as operators of ONNX, which has channels before height and width."""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.ops.pooling import WindowsAttributes
from specnet.graph.sizes import at
from specnet.graph.windows import Span

FIRST, LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def conv2d(w: Any, value: Value, inputs: list[str]) -> str:
    """Write a convolution: channels first, then the operator, then channels last again."""
    settings = ops.conv2d.of(value)
    (top, bottom), (left, right) = settings.padding
    x = w.node("Transpose", [inputs[0]], perm=FIRST)
    kernel = w.node("Transpose", [inputs[1]], perm=[3, 2, 0, 1])
    y = _single(
        w,
        "Conv",
        [x, kernel, *inputs[2:]],
        strides=list(settings.strides),
        dilations=list(settings.dilation),
        pads=[top, left, bottom, right],
        group=settings.groups,
    )
    return str(w.node("Transpose", [y], perm=LAST))


def conv2d_input(w: Any, value: Value, inputs: list[str]) -> str:
    """Write a transposed convolution without padding; then zeros behind, and what is cut off."""
    settings = ops.conv2d_input.of(value)
    x = w.node("Transpose", [inputs[0]], perm=FIRST)
    kernel = w.node("Transpose", [inputs[1]], perm=[3, 2, 0, 1])
    strides, dilation, size = settings.strides, settings.dilation, settings.size
    there, window = (at(shape, 1) for shape in (value.inputs[0].shape[1:3], value.inputs[1].shape[:2]))
    made = [
        (n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(there, strides, window, dilation, strict=True)
    ]
    y = _single(
        w,
        "ConvTranspose",
        [x, kernel],
        strides=list(strides),
        dilations=list(dilation),
        group=settings.groups,
    )
    before = [-around[0] for around in settings.padding]
    behind = [n + around[0] - m for n, m, around in zip(size, made, settings.padding, strict=True)]
    if any(before + behind):
        # Negative padding cuts off.
        pads = w.hold([0, 0, *before, 0, 0, *behind], np.int64)
        y = w.node("Pad", [y, pads])
    return str(w.node("Transpose", [y], perm=LAST))


def _single(w: Any, operator: str, inputs: list[str], **attributes: Any) -> str:
    """Write an operator that the widespread runtime knows in single precision alone."""
    if w.dtype == np.float32:
        return str(w.node(operator, inputs, **attributes))
    single = [w.cast(x, np.float32) for x in inputs]
    return str(w.cast(w.node(operator, single, **attributes), w.dtype))


def pool(w: Any, value: Value, inputs: list[str]) -> str:
    """Write a pooling along one axis: a reduction of each window's slice, side by side."""
    y = _pooled(w, value, inputs)
    return str(w.node("Relu", [y])) if value.op is ops.max_pool and ops.max_pool.of(value).floor else y


def _pooled(w: Any, value: Value, inputs: list[str]) -> str:
    operator = {"max_pool": "ReduceMax", "window_sum": "ReduceSum"}[value.op.name]
    settings = value.attributes
    assert isinstance(settings, WindowsAttributes)
    axis, windows = settings.axis, settings.windows
    size = value.inputs[0].shape[axis]
    assert isinstance(size, int)
    axes = w.hold([axis], np.int64)
    if operator == "ReduceMax" and _regular(windows, size) and value.rank == 4 and axis in (1, 2):
        return _strided(w, axis, windows, inputs[0])
    parts = []
    for start, stop in windows:
        ends = [w.hold([max(start, 0)], np.int64), w.hold([min(stop, size)], np.int64)]
        part = w.node("Slice", [inputs[0], *ends, axes])
        parts.append(w.node(operator, [part, axes], keepdims=1))
    return str(w.node("Concat", parts, axis=axis))


def _regular(windows: tuple[Span, ...], size: Any) -> bool:
    """Whether windows of one size follow each other at one distance, all within the axis."""
    first, stop = windows[0]
    step = windows[1][0] - first if len(windows) > 1 else 1
    rule = tuple((first + i * step, stop + i * step) for i in range(len(windows)))
    return first == 0 and step > 0 and windows == rule and windows[-1][1] <= size < windows[-1][1] + step


def _strided(w: Any, axis: int, windows: tuple[Span, ...], x: str) -> str:
    kernel, strides = [1, 1], [1, 1]
    kernel[axis - 1] = windows[0][1]
    strides[axis - 1] = windows[1][0] if len(windows) > 1 else 1
    x = w.node("Transpose", [x], perm=FIRST)
    y = w.node("MaxPool", [x], kernel_shape=kernel, strides=strides)
    return str(w.node("Transpose", [y], perm=LAST))
