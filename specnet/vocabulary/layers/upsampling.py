"""Layers that give more places than they get."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import Value
from specnet.graph.sizes import Dim, joined, static
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.layers.margins import places
from specnet.vocabulary.layers.masks import enlarged


def _repeated(x: Value, sizes: tuple[int, ...]) -> Value:
    """Return x with each place repeated: so many times along each axis between the batch and the features."""
    batch, *between, features = x.shape
    is_parallel: list[Dim] = [batch]
    stretched: list[Dim] = [batch]
    joined: list[Dim] = [batch]
    for dim, size in zip(between, sizes, strict=True):
        assert isinstance(dim, int)
        is_parallel += [dim, 1]
        stretched += [dim, size]
        joined.append(dim * size)
    y = ops.reshape(x, shape=(*is_parallel, features))
    y = ops.expand(y, shape=(*stretched, features))
    return ops.reshape(y, shape=(*joined, features))


class UpSampling1D(Layer):
    """Repeat each step `size` times.  x (batch, length, features) -> y (batch, length * size, features)."""

    type: Literal["upsampling1d"] = "upsampling1d"
    size: PositiveInt = 2
    """How many times each step is repeated."""

    masking: ClassVar[MaskUse] = "own"

    def lower(self, build: Builder, x: Value) -> Value:
        places(self, x, 1)
        y, mask = _repeated(x, (self.size,)), build.mask_of(x)
        return y if mask is None else build.mask(y, enlarged(mask, static(y.shape[1]), self.size))


class UpSampling2D(Layer):
    """Enlarge an image.  x (batch, h, w, channels) -> y (batch, h * rows, w * columns, channels).

    `nearest` repeats each pixel. `bilinear` treats pixels as areas: the centre of pixel i of y is at (i + 1/2) /
    size - 1/2 of x, between two pixels that are interpolated linearly, and the outermost pixels extend to the
    border, as in Keras and in PyTorch with `align_corners=False`.
    """

    type: Literal["upsampling2d"] = "upsampling2d"
    size: PositiveInt | tuple[PositiveInt, PositiveInt] = 2
    """The factor of enlargement: a number for both sides, or [rows, columns]."""
    interpolation: Literal["nearest", "bilinear"] = "nearest"
    """How new pixels are computed."""

    def lower(self, build: Builder, x: Value) -> Value:
        places(self, x, 2)
        rows, columns = (self.size, self.size) if isinstance(self.size, int) else self.size
        if self.interpolation == "nearest":
            return _repeated(x, (rows, columns))
        batch, height, width, channels = x.shape
        assert isinstance(height, int)
        assert isinstance(width, int)
        assert isinstance(channels, int)
        y = ops.reshape(x, shape=(batch, height, width * channels))
        y = ops.upsample(y, factor=rows)
        high = height * rows
        y = ops.reshape(y, shape=(joined((batch, high)), width, channels))
        y = ops.upsample(y, factor=columns)
        return ops.reshape(y, shape=(batch, high, width * columns, channels))
