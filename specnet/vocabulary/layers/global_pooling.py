from __future__ import annotations

from math import isqrt
from typing import ClassVar, Literal

from specnet.graph import ops
from specnet.graph.builder import Builder, LengthUse, MaskUse
from specnet.graph.graph import Value
from specnet.graph.windows import Strided
from specnet.vocabulary.layers import Layer, images
from specnet.vocabulary.layers.masks import beside

LOWEST = -3e38
"""What steps that are padding count as where the largest is taken."""


class GlobalPooling(Layer):
    """Base of layers that reduce each channel to one number; steps that are padding do not count."""

    keepdims: bool = False
    """Whether to keep the pooled axes, with size 1."""

    masking: ClassVar[MaskUse] = "own"

    def shaped(self, y: Value, x: Value) -> Value:
        """Return (batch, channels) in the shape that is wanted."""
        return ops.reshape(y, shape=(x.shape[0], *(1,) * (x.rank - 2), x.shape[-1])) if self.keepdims else y


def largest(x: Value) -> Value:
    """Return the largest of each channel: (batch, ..., channels) to (batch, channels).

    All places are one axis, which is pooled in two goes of about the root of its length: the first of equals is
    still the first in memory.
    """
    places = 1
    for size in images.places(x):
        places *= size
    y = ops.reshape(x, shape=(x.shape[0], places, x.shape[-1]))
    step = isqrt(places - 1) + 1 if places > 1 else 1
    y = ops.largest_of_windows(y, [Strided(0, step, step, -(-places // step))])
    y = ops.largest_of_windows(y, [Strided(0, -(-places // step), 1, 1)])
    return ops.reshape(y, shape=(x.shape[0], x.shape[-1]))


def largest_of_all(build: Builder, x: Value) -> Value:
    """Return the largest of each channel, (batch, channels), without steps that are padding."""
    there = build.mask_of(x)
    shown = x if there is None else ops.where(ops.greater(beside(there, x), 0.0), x, LOWEST)
    if isinstance(x.shape[1], int):
        found = largest(shown)
    else:
        turned = ops.transpose(shown, axes=(0, 2, 1))
        found = ops.take_along_axis(turned, ops.argmax(turned))
    return found if there is None else found * ops.reduce_max(there, axis=-1)  # 0 of no steps


def mean_of_all(build: Builder, x: Value) -> Value:
    """Return the mean of each channel, (batch, channels), without steps that are padding."""
    there, axes = build.mask_of(x), tuple(range(1, x.rank - 1))
    if there is None:
        return ops.mean(x, axes=axes)
    each = x if x.rank == 3 else ops.mean(x, axes=axes[1:])
    count = ops.reshape(ops.reduce_sum(there, axes=(1,)), shape=(x.shape[0], 1))
    return ops.reduce_sum(each * beside(there, each), axes=(1,)) / ops.maximum(count, 1.0)


class GlobalMaxPooling1D(GlobalPooling):
    """Take the maximum of each channel over all steps.  x (batch, steps, channels) -> y (batch, channels).

    Steps that are padding do not count. Among equal values the first gets the gradient, as in PyTorch's
    `AdaptiveMaxPool1d(1)`.
    """

    type: Literal["global_max_pooling1d"] = "global_max_pooling1d"
    lengths: ClassVar[LengthUse | None] = "masked"

    def lower(self, build: Builder, x: Value) -> Value:
        images.rows(self.type, x)
        return self.shaped(largest_of_all(build, x), x)


class GlobalMaxPooling2D(GlobalPooling):
    """Take the maximum of each channel over the image.  x (batch, height, width, channels) -> y (batch, channels).

    Among equal values the first, row by row, gets the gradient, as in PyTorch's `AdaptiveMaxPool2d(1)`.
    """

    type: Literal["global_max_pooling2d"] = "global_max_pooling2d"

    def lower(self, build: Builder, x: Value) -> Value:
        return self.shaped(largest_of_all(build, images.images(self.type, x)), x)


class GlobalAveragePooling1D(GlobalPooling):
    """Take the mean of each channel over all steps.  x (batch, steps, channels) -> y (batch, channels).

    Steps that are padding do not count.
    """

    type: Literal["global_average_pooling1d"] = "global_average_pooling1d"
    lengths: ClassVar[LengthUse | None] = "masked"

    def lower(self, build: Builder, x: Value) -> Value:
        images.rows(self.type, x)
        return self.shaped(mean_of_all(build, x), x)


class GlobalAveragePooling2D(GlobalPooling):
    """Take the mean of each channel over the image.  x (batch, height, width, channels) -> y (batch, channels).

    Lin et al. (2014) use it instead of dense layers at the end of a convolutional network.
    """

    type: Literal["global_average_pooling2d"] = "global_average_pooling2d"

    def lower(self, build: Builder, x: Value) -> Value:
        return self.shaped(mean_of_all(build, images.images(self.type, x)), x)
