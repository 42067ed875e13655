from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.windows import Spans, Strided
from specnet.vocabulary.layers import Layer, images
from specnet.vocabulary.layers.images import Length, Lengths, Padding, Pair, along, pair
from specnet.vocabulary.layers.masks import beside, windowed

Pool = Callable[[Value, Sequence[Spans]], Value]


def _strided(
    x: Value, size: Pair, strides: Pair | None, padding: str, *, steps: bool = False
) -> list[Strided]:
    """Return the windows of each axis of images; raise ShapeFault where there are none."""
    strides = size if strides is None else strides
    there = images.size_of(x)
    around = images.padded(padding, there, size, strides, (1, 1))
    if any(s + sum(p) < k for s, p, k in zip(there, around, size, strict=True)):
        raise ShapeFault(
            f"a window of {images.extent(size, steps=steps)} is larger than the inputs of "
            f"{images.extent(there, steps=steps)}",
            x,
            help='a smaller pool_size, or padding = "same"',
        )
    return [
        Strided(-before, k, step, (before + s + behind - k) // step + 1)
        for s, k, step, (before, behind) in zip(there, size, strides, around, strict=True)
    ]


LOWEST = -3e38
"""What steps that are padding count as where the largest is taken."""


def largest_that_exist(build: Builder, x: Value, windows: Sequence[Strided], *, whole: bool) -> Value:
    """Return the largest element of each window over the axes from 1 on, without steps that are padding."""
    mask = build.mask_of(x)
    if mask is None:
        return ops.largest_of_windows(x, windows)
    there = _existing(mask, windows[0], whole=whole)
    shown = ops.where(ops.greater(beside(mask, x), 0.0), x, LOWEST)
    y = ops.largest_of_windows(shown, windows)
    return build.mask(ops.where(ops.greater(beside(there, y), 0.0), y, 0.0), there)


def mean_that_exist(build: Builder, x: Value, windows: Sequence[Strided], *, whole: bool) -> Value:
    """Return the mean of each window over the axes from 1 on, without steps that are padding."""
    mask = build.mask_of(x)
    if mask is None:
        return ops.mean_of_windows(x, windows)
    y, steps = ops.mean_of_windows(build.without_padding(x), windows), windows[0]
    part = ops.mean_of_windows(beside(mask, x), [steps])
    return build.mask(y / ops.maximum(part, 1.0 / steps.length), _existing(mask, steps, whole=whole))


def _existing(mask: Value, windows: Strided, *, whole: bool) -> Value:
    """Return which windows exist, given which steps do."""
    return windowed(mask, windows.number, windows.step, windows.length, whole=whole)


class Pooling1D(Layer):
    """Base of layers that pool steps; those that are padding do not count."""

    pool_size: Length = 2
    """The size of the window in steps."""
    strides: Length | None = None
    """How many steps the window moves each time; by default `pool_size`."""
    padding: Padding = "valid"
    """Padding: "valid" uses only whole windows; "same" uses ceil(steps / strides) windows that extend beyond both ends,
    with the odd step at the end, as in Keras."""

    masking: ClassVar[MaskUse] = "own"

    def windows(self, x: Value) -> Strided:
        """Return the windows along the steps of x."""
        rows = images.rows(self.type, x)
        strides = None if self.strides is None else along(self.strides)
        return _strided(rows, along(self.pool_size), strides, self.padding, steps=True)[1]


class Pooling2D(Layer):
    """Base of layers that pool images; of those that are sequences of rows, rows that are padding do not count."""

    pool_size: Lengths = 2
    """Height and width of the window."""
    strides: Lengths | None = None
    """How far the window moves each time, down and to the right; by default `pool_size`."""
    padding: Padding = "valid"
    """Padding: "valid" uses only whole windows; "same" uses ceil(size / strides) windows that extend beyond all edges,
    with the odd row or column at the bottom or right, as in Keras."""

    masking: ClassVar[MaskUse] = "own"

    def windows(self, x: Value) -> list[Strided]:
        """Return the windows of each axis of x."""
        strides = None if self.strides is None else pair(self.strides)
        return _strided(images.images(self.type, x), pair(self.pool_size), strides, self.padding)


class MaxPooling1D(Pooling1D):
    """Take the maximum of each window of steps.  x (batch, steps, channels) -> y (batch, new_steps, channels).

    new_steps is the number of whole windows with "valid", ceil(steps / strides) with "same". Steps outside
    count as -inf. Among equal values the first gets the gradient, as in PyTorch.
    """

    type: Literal["max_pooling1d"] = "max_pooling1d"

    def lower(self, build: Builder, x: Value) -> Value:
        return largest_that_exist(build, x, [self.windows(x)], whole=self.padding == "valid")


class MaxPooling2D(Pooling2D):
    """Take the maximum of each window of an image.

    x (batch, height, width, channels) -> y (batch, new_height, new_width, channels). A new size is the number of whole
    windows with "valid", ceil(size / strides) with "same". Pixels outside count as -inf. Among equal values the first,
    row by row, gets the gradient, as in PyTorch.
    """

    type: Literal["max_pooling2d"] = "max_pooling2d"

    def lower(self, build: Builder, x: Value) -> Value:
        return largest_that_exist(build, x, self.windows(x), whole=self.padding == "valid")


class AveragePooling1D(Pooling1D):
    """Take the mean of each window of steps.  x (batch, steps, channels) -> y (batch, new_steps, channels).

    new_steps is the number of whole windows with "valid", ceil(steps / strides) with "same". Steps outside do
    not count, as in Keras; PyTorch's `AvgPool1d` counts its padding as zeros unless `count_include_pad` is false.
    """

    type: Literal["average_pooling1d"] = "average_pooling1d"

    def lower(self, build: Builder, x: Value) -> Value:
        return mean_that_exist(build, x, [self.windows(x)], whole=self.padding == "valid")


class AveragePooling2D(Pooling2D):
    """Take the mean of each window of an image.

    x (batch, height, width, channels) -> y (batch, new_height, new_width, channels). A new size is the number of whole
    windows with "valid", ceil(size / strides) with "same". Pixels outside do not count, as in Keras; PyTorch's
    `AvgPool2d` counts its padding as zeros unless `count_include_pad` is false.
    """

    type: Literal["average_pooling2d"] = "average_pooling2d"

    def lower(self, build: Builder, x: Value) -> Value:
        return mean_that_exist(build, x, self.windows(x), whole=self.padding == "valid")
