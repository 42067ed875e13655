"""Rules of ops that change the shape of an array, the order of its axes, or which part of it is seen."""

from __future__ import annotations

from typing import Any

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import Size
from specnet.passes.rules import rule


@rule("pad")
def pad(x: Value, margins: ops.Margins) -> Value | None:
    """No margin adds nothing."""
    return None if any(map(any, margins)) else x


@rule("part")
def part(x: Value, start: int, stop: int) -> Value | None:
    """The whole is no part."""
    return x if (start, stop) == (0, x.shape[0]) else None


@rule("reshape")
def reshape(x: Value, shape: Any) -> Value | None:
    """A reshape to the same shape is nothing, one of a reshape is one, one of a stretched scalar is stretched."""
    if x.shape == shape:
        return x
    if x.op is ops.reshape:
        return ops.reshape(x.inputs[0], shape=shape)
    if x.op is ops.expand and not x.inputs[0].rank:
        return ops.expand(x.inputs[0], shape=shape)
    return None


@rule("expand")
def expand(x: Value, shape: Any) -> Value | None:
    """A value that has the shape is not stretched; one stretched twice is stretched once."""
    if x.shape == shape:
        return x
    return ops.expand(x.inputs[0], shape=shape) if x.op is ops.expand else None


@rule("crop")
def crop(x: Value, margins: ops.Margins) -> Value | None:
    """No margin cuts nothing off; of values side by side, what lies within one of them is cut out of that one."""
    if not any(map(any, margins)):
        return x
    if x.op is not ops.CONCAT:
        return _neighbours(x, margins)
    axis = ops.CONCAT.of(x).axis
    sizes = [x.shape[axis], *margins[axis], *(part.shape[axis] for part in x.inputs)]
    if any(isinstance(size, Size) for size in sizes):
        return None
    whole, before, after, *parts = (size for size in sizes if isinstance(size, int))
    first, end, start = before, whole - after, 0
    for part, size in zip(x.inputs, parts, strict=True):
        if start <= first and end <= start + size:
            inner = (*margins[:axis], (first - start, start + size - end), *margins[axis + 1 :])
            return ops.crop(part, margins=inner)
        start += size
    return None


def _neighbours(x: Value, margins: ops.Margins) -> Value | None:
    """Return what is left as a part that stays where it is, if only neighbours on the first axis are."""
    size, (before, after) = x.shape[0], margins[0]
    if (
        any(map(any, margins[1:]))
        or isinstance(size, Size)
        or isinstance(before, Size)
        or isinstance(after, Size)
    ):
        return None
    return ops.part(x, start=before, stop=size - after)


@rule("transpose")
def transpose(x: Value, axes: tuple[int, ...]) -> Value | None:
    """Axes in their own order stay; two orders are one."""
    if axes == tuple(range(x.rank)):
        return x
    if x.op is ops.transpose:
        before = ops.transpose.of(x).axes
        return ops.transpose(x.inputs[0], axes=tuple(before[axis] for axis in axes))
    return None
