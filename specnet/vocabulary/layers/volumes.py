"""Layers over volumes, (batch, depth, height, width, channels): images of several slices, or films."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import at, joined, show
from specnet.graph.windows import Strided, cells
from specnet.vocabulary.kind import Words
from specnet.vocabulary.layers import Layer, images
from specnet.vocabulary.layers.convolution import Convolution, masked_windows
from specnet.vocabulary.layers.global_pooling import GlobalPooling, largest_of_all, mean_of_all
from specnet.vocabulary.layers.pooling import Pool, largest_that_exist, mean_that_exist

Sizes = Annotated[
    PositiveInt | tuple[PositiveInt, PositiveInt, PositiveInt],
    Words("a whole number above 0, or an array of three: depth, height and width"),
]
Triple = tuple[int, int, int]
Margins = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


def triple(value: int | Triple) -> Triple:
    """Return depth, height and width of a field; one number is all three."""
    return (value, value, value) if isinstance(value, int) else value


def volumes(kind: str, x: Value) -> Triple:
    """Return the depth, height and width of volumes; raise ShapeFault for any other input."""
    if x.rank != 5:
        wanted, shape = "volumes, (batch, depth, height, width, channels)", at(x.shape[1:], 1)
        help = None
        if len(shape) == 3:
            help = f"a `reshape` transform, or layer, to {[*shape, 1]} gives one channel"
        raise ShapeFault(f"{kind} needs {wanted}, got {show(x.shape)}", x, help=help)
    depth, height, width = images.places(x)
    return depth, height, width


def _around(
    padding: str, x: Value, there: Triple, size: Triple, strides: Triple, dilation: Triple, key: str
) -> Margins:
    """Return the zeros before and behind each axis; raise ShapeFault where no window fits. `key` names the size."""
    nothing = ((0, 0), (0, 0), (0, 0))
    zeros = nothing if padding == "valid" else tuple(map(ops.same_padding, there, size, strides, dilation))
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    if any(k > n + sum(z) for k, n, z in zip(reach, there, zeros, strict=True)):
        written, spread = _times(size), f", dilated to {_times(reach)}," if reach != list(size) else ""
        raise ShapeFault(
            f"a window of {written}{spread} is larger than the inputs of {_times(there)}",
            x,
            help=f'a smaller {key}, or padding = "same"',
        )
    return zeros[0], zeros[1], zeros[2]


def _times(sizes: tuple[int, ...] | list[int]) -> str:
    return " x ".join(map(str, sizes))


class Conv3D(Convolution):
    """y = activation(x * kernel + bias), where * slides a window over volumes.

    x (batch, depth, height, width, channels) -> y (batch, new_depth, new_height, new_width, filters). The kernel is
    (depth, height, width, channels / groups, filters), as in Keras; PyTorch's `Conv3d` has (filters, channels / groups,
    depth, height, width) and channels before depth. As in both, the kernel is not flipped. A new size is the number of
    whole windows with "valid", ceil(size / strides) with "same". It is computed as a `conv2d`
    whose channels are those of all slices in a window, and needs memory for as many copies of x as the window is deep.
    """

    type: Literal["conv3d"] = "conv3d"
    filters: PositiveInt
    kernel_size: Sizes
    """Depth, height and width of the window."""
    strides: Sizes = 1
    """How far the window moves each time along each axis."""
    padding: images.Padding = "valid"
    """Zero padding: "valid" adds none; "same" pads all sides for ceil(size / strides) windows, with the odd zero
    at the end, as in Keras. PyTorch's "same" only allows strides of 1, where both agree."""
    dilation: Sizes = 1
    """The distance between the points of a window along each axis; Keras's `dilation_rate`."""

    masking: ClassVar[MaskUse] = "own"

    def lower(self, build: Builder, x: Value) -> Value:
        return self.masked(build, x, self.activation.lower(self._sums(build, build.without_padding(x))))

    def masked(self, build: Builder, x: Value, y: Value) -> Value:
        """Return y with the mask of its slices if those of x are steps with padding."""
        size, strides, dilation = triple(self.kernel_size), triple(self.strides), triple(self.dilation)
        reach = (size[0] - 1) * dilation[0] + 1
        return masked_windows(build, x, y, strides[0], reach, whole=self.padding == "valid")

    def _sums(self, build: Builder, x: Value) -> Value:
        there = volumes(self.type, x)
        size, strides, dilation = triple(self.kernel_size), triple(self.strides), triple(self.dilation)
        deep, *flat = _around(self.padding, x, there, size, strides, dilation, "kernel_size")
        own = self.own_channels(x)
        kernel = self.kernel(build, *size, own, self.filters)
        taps = size[0]
        if taps > 1:
            kernel = ops.transpose(kernel, axes=(1, 2, 0, 3, 4))
        kernel = ops.reshape(kernel, shape=(*size[1:], taps * own, self.filters))
        slices = self._slices(x, taps, strides[0], dilation[0], deep)
        batch, depth, *plane = slices.shape
        y = ops.conv2d(
            ops.reshape(slices, shape=(joined((batch, depth)), *plane)),
            kernel,
            *self.biases(build, self.filters),
            strides=strides[1:],
            padding=tuple(flat),
            dilation=dilation[1:],
            groups=self.groups,
        )
        return ops.reshape(y, shape=(batch, depth, *y.shape[1:]))

    def _slices(self, x: Value, taps: int, stride: int, dilation: int, deep: tuple[int, int]) -> Value:
        """Return, for each place of a window along the depth, the channels of all slices that it sees.

        (batch, depth, height, width, channels) -> (batch, new_depth, height, width, taps * channels), those of a group
        side by side.
        """
        batch, depth, height, width, channels = x.shape
        assert isinstance(depth, int)
        assert isinstance(channels, int)
        number = (depth + sum(deep) - (taps - 1) * dilation - 1) // stride + 1
        # Each part is as long as all strides together, so that it can be seen stride by stride.
        before, length = deep[0], (taps - 1) * dilation + stride * number
        behind = max(deep[1], length - depth - before)
        if before or behind:
            x = ops.pad(x, margins=((0, 0), (before, behind), (0, 0), (0, 0), (0, 0)))
        padded = depth + before + behind
        seen = []
        for tap in range(taps):
            start = tap * dilation
            margins = (start, padded - start - stride * number)
            part = ops.crop(x, margins=((0, 0), margins, (0, 0), (0, 0), (0, 0))) if any(margins) else x
            if stride > 1:
                part = ops.reshape(part, shape=(batch, number, stride, height, width, channels))
                part = ops.crop(part, margins=((0, 0), (0, 0), (0, stride - 1), (0, 0), (0, 0), (0, 0)))
            grouped = (batch, number, height, width, self.groups, channels // self.groups)
            seen.append(ops.reshape(part, shape=grouped))
        y = seen[0] if taps == 1 else ops.concat(*seen, axis=5)
        return ops.reshape(y, shape=(batch, number, height, width, taps * channels))


class Pooling3D(Layer):
    """Base of layers that pool volumes."""

    pool_size: Sizes = 2
    """Depth, height and width of the window."""
    strides: Sizes | None = None
    """How far the window moves each time along each axis; by default `pool_size`."""
    padding: images.Padding = "valid"
    """Padding: "valid" uses only whole windows; "same" uses ceil(size / strides) windows that extend beyond all sides,
    with the odd one at the end, as in Keras."""

    masking: ClassVar[MaskUse] = "own"

    def windows(self, x: Value) -> list[Strided]:
        """Return the windows of each axis of x."""
        there, size = volumes(self.type, x), triple(self.pool_size)
        strides = size if self.strides is None else triple(self.strides)
        around = _around(self.padding, x, there, size, strides, (1, 1, 1), "pool_size")
        return [
            Strided(-before, k, step, (before + n + behind - k) // step + 1)
            for n, k, step, (before, behind) in zip(there, size, strides, around, strict=True)
        ]


class MaxPooling3D(Pooling3D):
    """Take the maximum of each window of a volume.

    x (batch, depth, height, width, channels) -> y of as many axes. A new size is the number of whole windows with
    "valid", ceil(size / strides) with "same". Places outside count as -inf. Among equal values the first, slice by
    slice and row by row, gets the gradient, as in PyTorch.
    """

    type: Literal["max_pooling3d"] = "max_pooling3d"

    def lower(self, build: Builder, x: Value) -> Value:
        return largest_that_exist(build, x, self.windows(x), whole=self.padding == "valid")


class AveragePooling3D(Pooling3D):
    """Take the mean of each window of a volume.

    x (batch, depth, height, width, channels) -> y of as many axes. A new size is the number of whole windows with
    "valid", ceil(size / strides) with "same". Places outside do not count, as in Keras; PyTorch's `AvgPool3d` counts
    its padding as zeros unless `count_include_pad` is false.
    """

    type: Literal["average_pooling3d"] = "average_pooling3d"

    def lower(self, build: Builder, x: Value) -> Value:
        return mean_that_exist(build, x, self.windows(x), whole=self.padding == "valid")


class GlobalMaxPooling3D(GlobalPooling):
    """Take the maximum of each channel over the volume.

    x (batch, depth, height, width, channels) -> y (batch, channels). Among equal values the first, slice by slice and
    row by row, gets the gradient, as in PyTorch's `AdaptiveMaxPool3d(1)`.
    """

    type: Literal["global_max_pooling3d"] = "global_max_pooling3d"

    def lower(self, build: Builder, x: Value) -> Value:
        volumes(self.type, x)
        return self.shaped(largest_of_all(build, x), x)


class GlobalAveragePooling3D(GlobalPooling):
    """Take the mean of each channel over the volume.

    x (batch, depth, height, width, channels) -> y (batch, channels).
    """

    type: Literal["global_average_pooling3d"] = "global_average_pooling3d"

    def lower(self, build: Builder, x: Value) -> Value:
        volumes(self.type, x)
        return self.shaped(mean_of_all(build, x), x)


class AdaptivePooling3D(Layer):
    """Base of layers that pool the cells of a volume."""

    output_size: Sizes
    """The number of cells that a volume is divided into along each axis."""

    def pooled(self, x: Value, pool: Pool) -> Value:
        """Return volumes with each cell pooled."""
        return pool(x, list(map(cells, volumes(self.type, x), triple(self.output_size))))


class AdaptiveMaxPooling3D(AdaptivePooling3D):
    """Take the maximum of each cell of a volume.

    x (batch, depth, height, width, channels) -> y (batch, *output_size, channels). Along each axis, cell i extends from
    floor(i * size / output_size) to ceil((i + 1) * size / output_size), as in PyTorch.
    """

    type: Literal["adaptive_max_pooling3d"] = "adaptive_max_pooling3d"

    def lower(self, build: Builder, x: Value) -> Value:
        return self.pooled(x, ops.largest_of_windows)


class AdaptiveAveragePooling3D(AdaptivePooling3D):
    """Take the mean of each cell of a volume.

    x (batch, depth, height, width, channels) -> y (batch, *output_size, channels). Along each axis, cell i extends from
    floor(i * size / output_size) to ceil((i + 1) * size / output_size), as in PyTorch.
    """

    type: Literal["adaptive_average_pooling3d"] = "adaptive_average_pooling3d"

    def lower(self, build: Builder, x: Value) -> Value:
        return self.pooled(x, ops.mean_of_windows)
