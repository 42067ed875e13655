"""Ops that put arrays together, and take parts of them."""

from __future__ import annotations

from typing import Any

from specnet.graph.graph import ShapeFault, Value
from specnet.graph.op import Op
from specnet.runtime.shapes import Count, DType, Shape, show

Margins = tuple[tuple[int, int], ...]
"""For each axis how many places before the first that is meant, and after the last."""

MOST = 8
"""How many arrays one application of `concat` joins."""


def _nothing(_: Value) -> Count:
    return Count(0)


def _sizes(values: tuple[Value, ...], axis: int) -> list[int]:
    sizes = [value.shape[axis] for value in values]
    assert all(isinstance(size, int) for size in sizes), "the batch is not joined"
    return sizes  # type: ignore[return-value]


def _infer_concat(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    axis: int = attributes["axis"]
    first = inputs[0]
    for value in inputs[1:]:
        others = [s.shape[:axis] + s.shape[axis + 1 :] for s in (first, value)]
        if value.rank != first.rank or others[0] != others[1]:
            message = f"{show(first.shape)} and {show(value.shape)} differ in more than axis {axis}"
            raise ShapeFault(message, blame=value)
    joined = sum(_sizes(inputs, axis))
    return (*first.shape[:axis], joined, *first.shape[axis + 1 :]), first.dtype


def _concat_kernel(value: Value) -> str:
    axis: int = value.attributes["axis"]
    lines, start = [], 0
    for letter, size in zip("abcdefgh", _sizes(value.inputs, axis), strict=False):
        lines.append(f"copyto({{o}}[{':, ' * axis}{start}:{start + size}], {{{letter}}})")
        start += size
    return "\n".join(lines)


def _concat_pullback(g: Value, y: Value, *inputs: Value, axis: int) -> list[Value]:
    parts, start, whole = [], 0, _sizes((y,), axis)[0]
    for size in _sizes(inputs, axis):
        margins = [(0, 0)] * y.rank
        margins[axis] = (start, whole - start - size)
        parts.append(crop(g, margins=tuple(margins)))
        start += size
    return parts


concat = Op("concat", _infer_concat, _concat_kernel, _concat_pullback, flops=_nothing)
"""At most eight arrays side by side along one axis."""


def beside(*values: Value, axis: int) -> Value:
    """Return any number of arrays that differ in one axis alone, side by side along it."""
    while len(values) > 1:
        values = tuple(
            concat(*part, axis=axis) if len(part) > 1 else part[0]
            for part in (values[i : i + MOST] for i in range(0, len(values), MOST))
        )
    return values[0]


def _inner(margins: Margins) -> str:
    """Return the index of what lies between the margins, as Python writes it."""
    return ", ".join(f"{before or ''}:{-after if after else ''}" for before, after in margins)


def _infer_crop(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    (x,) = inputs
    shape = list(x.shape)
    for axis, (before, after) in enumerate(attributes["margins"]):
        size = shape[axis]
        if not before and not after:
            continue
        assert isinstance(size, int), "the batch is not cut"
        if size <= before + after:
            raise ShapeFault(
                f"{before + after} of {size} places are cut off {show(x.shape)}: none is left", x
            )
        shape[axis] = size - before - after
    return tuple(shape), x.dtype


crop: Op = Op(
    "crop",
    _infer_crop,
    lambda value: f"copyto({{o}}, {{a}}[{_inner(value.attributes['margins'])}])",
    lambda g, y, x, margins: (pad(g, margins=margins),),
    flops=_nothing,
)
"""What is left of an array without `margins`, (before, after) for each axis, the batch's included."""


def _infer_pad(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    (x,) = inputs
    shape = list(x.shape)
    for axis, (before, after) in enumerate(attributes["margins"]):
        size = shape[axis]
        if before or after:
            assert isinstance(size, int), "no rows are added to a batch"
            shape[axis] = size + before + after
    return tuple(shape), x.dtype


pad: Op = Op(
    "pad",
    _infer_pad,
    lambda value: f"{{o}}.fill(0.0)\ncopyto({{o}}[{_inner(value.attributes['margins'])}], {{a}})",
    lambda g, y, x, margins: (crop(g, margins=margins),),
    flops=_nothing,
)
"""An array with `margins` of zeros around it, (before, after) for each axis, the batch's included."""
