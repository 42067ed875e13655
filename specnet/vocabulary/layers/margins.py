"""Layers that put zeros around what they get, or cut margins off."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import NonNegativeInt

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import show, static
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.layers.masks import picked

Pair = tuple[NonNegativeInt, NonNegativeInt]
Sides = NonNegativeInt | Pair
Both = NonNegativeInt | tuple[Sides, Sides]


def places(layer: Layer, x: Value, axes: int) -> None:
    """Raise ShapeFault unless x is (batch, places, features), or (batch, height, width, features) for two axes."""
    if x.rank == axes + 2:
        return
    if axes == 1:
        wanted, example = "(batch, length, features)", "[-1, 1]"
    else:
        wanted, example = "(batch, height, width, channels)", "[28, 28, 1]"
    raise ShapeFault(
        f"{layer.type} needs inputs {wanted}, got {show(x.shape)}",
        x,
        help=f'put {{ type = "reshape", shape = {example} }} before it, with the sizes that are meant',
    )


def _pair(sides: Sides) -> tuple[int, int]:
    return (sides, sides) if isinstance(sides, int) else sides


def _margins(both: Both) -> tuple[tuple[int, int], ...]:
    """Return what is meant for height and width, the batch and the channels beside them."""
    height, width = (both, both) if isinstance(both, int) else both
    return (0, 0), _pair(height), _pair(width), (0, 0)


class ZeroPadding1D(Layer):
    """Add zeros before and after a sequence.  x (batch, length, features) -> y (batch, length + padding, features).

    Where steps are padding, the zeros come before and after the others.
    """

    type: Literal["zero_padding1d"] = "zero_padding1d"
    padding: Sides = 1
    """How many steps to add: a number for each end, or [before, after]."""

    masking: ClassVar[MaskUse] = "own"

    def lower(self, build: Builder, x: Value) -> Value:
        places(self, x, 1)
        before, after = _pair(self.padding)
        x = build.without_padding(x)
        y = ops.pad(x, margins=((0, 0), (before, after), (0, 0)))
        mask = build.mask_of(x)
        if mask is None:
            return y
        ends = range(static(x.shape[1]) + before + after)
        last = static(x.shape[1]) - 1
        # Those that are moved, and as many more behind them as zeros are added there.
        moved, grown = (
            picked(mask, [min(max(t - by, 0), last) for t in ends]) for by in (before, before + after)
        )
        return build.mask(y, ops.maximum(moved, grown))


class ZeroPadding2D(Layer):
    """Add zeros around an image.

    x (batch, h, w, channels) -> y (batch, h + top + bottom, w + left + right, channels).
    """

    type: Literal["zero_padding2d"] = "zero_padding2d"
    padding: Both = 1
    """How many pixels to add: a number for all sides, [rows, columns], or [[top, bottom], [left, right]]."""

    def lower(self, build: Builder, x: Value) -> Value:
        places(self, x, 2)
        return ops.pad(x, margins=_margins(self.padding))


class ChannelZeroPadding(Layer):
    """Add features that are 0.  x (batch, ..., features) -> y (batch, ..., features + padding).

    It widens the shortcut of a `residual` without parameters (option A of He et al., 2016).
    """

    type: Literal["channel_zero_padding"] = "channel_zero_padding"
    padding: Sides
    """How many features to add: a number for each end, or [before, after]."""

    def lower(self, build: Builder, x: Value) -> Value:
        self.features(x)
        return ops.pad(x, margins=(*((0, 0) for _ in x.shape[:-1]), _pair(self.padding)))


def _cut(layer: Layer, x: Value, margins: tuple[tuple[int, int], ...]) -> Value:
    for size, (before, after) in zip(x.shape, margins, strict=True):
        if isinstance(size, int) and size <= before + after:
            raise ShapeFault(
                f"{layer.type} cuts {before + after} places off {size} of {show(x.shape)}: none is left",
                x,
                help=f"cut off at most {size - 1}",
            )
    return ops.crop(x, margins=margins)


class Cropping1D(Layer):
    """Cut off both ends of a sequence.  x (batch, length, features) -> y (batch, length - cropping, features).

    Where steps are padding, the ends are those of the others; if nothing is left of these, one step of zeros is.
    """

    type: Literal["cropping1d"] = "cropping1d"
    cropping: Sides
    """How many steps to cut off: a number for each end, or [before, after]."""

    masking: ClassVar[MaskUse] = "own"

    def lower(self, build: Builder, x: Value) -> Value:
        places(self, x, 1)
        before, after = _pair(self.cropping)
        y = _cut(self, build.without_padding(x), ((0, 0), (before, after), (0, 0)))
        mask = build.mask_of(x)
        if mask is None:
            return y
        left = range(1, static(y.shape[1]))
        moved, shrunk = (picked(mask, [0, *(t + by for t in left)]) for by in (before, before + after))
        return build.mask(y, moved * shrunk)


class Cropping2D(Layer):
    """Cut off the margins of an image.

    x (batch, h, w, channels) -> y (batch, h - top - bottom, w - left - right, channels).
    """

    type: Literal["cropping2d"] = "cropping2d"
    cropping: Both
    """How many pixels to cut off: a number for all sides, [rows, columns], or [[top, bottom], [left, right]]."""

    def lower(self, build: Builder, x: Value) -> Value:
        places(self, x, 2)
        return _cut(self, x, _margins(self.cropping))
