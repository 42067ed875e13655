from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import ShapeFault, Value
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.layers import Layer, images
from specnet.vocabulary.layers.images import Length, Lengths, Pair, along, pair
from specnet.vocabulary.layers.weights import Biased, Kernelled


class Filtering(Biased):
    """Base of layers that compute features with filters, and apply an activation to them."""

    activation: Annotated[Activation, ACTIVATIONS] = ACTIVATIONS.field("linear")
    """The activation applied to the sum."""


class Windowed(Layer):
    """Base of layers that convolve images with windows."""

    kernel_size: Lengths
    """Height and width of the window."""
    strides: Lengths = 1
    """How far the window moves each time, down and to the right."""
    padding: images.Padding = "valid"
    """Zero padding: "valid" adds none; "same" pads all sides for ceil(size / strides) windows, with the odd zero at the
    bottom or right, as in Keras. PyTorch's "same" only allows strides of 1, where both agree."""
    dilation: Lengths = 1
    """The distance between the pixels of a window, down and to the right; Keras's `dilation_rate`."""

    @property
    def window(self) -> tuple[Pair, Pair, Pair]:
        """The size of the window, its strides and its dilation, each of height and width."""
        return pair(self.kernel_size), pair(self.strides), pair(self.dilation)


class Convolution(Filtering, Kernelled):
    """Base of convolutions whose filters see all channels of their group."""

    filters: PositiveInt
    """The number of output features."""
    groups: PositiveInt = 1
    """The number of groups that channels and filters are divided into; each filter sees the channels of its group."""

    @table_check()
    def _divided(self) -> Iterator[PydanticCustomError]:
        if self.filters % self.groups:
            yield fault(
                f"{self.filters} filters cannot be divided into {self.groups} groups",
                key="groups",
                help="a number that divides `filters` and the channels of the input",
            )

    def own_channels(self, x: Value) -> int:
        """Return how many channels a group has; raise ShapeFault where they cannot be divided into groups."""
        channels = self.features(x)
        if channels % self.groups:
            raise ShapeFault(
                f"{channels} channels cannot be divided into {self.groups} groups",
                x,
                help=f"`groups` must divide {channels} and {self.filters}",
            )
        return channels // self.groups

    def convolved(
        self, build: Builder, x: Value, size: tuple[int, ...], padding: str, strides: Pair, dilation: Pair
    ) -> Value:
        """Return images (batch, height, width, channels) convolved with a kernel of this size."""
        own = self.own_channels(x)
        kernel = self.kernel(build, *size, own, self.filters)
        if len(size) == 1:
            kernel = ops.reshape(kernel, shape=(1, *size, own, self.filters))
        window = pair(size)
        options: dict[str, Any] = {
            "strides": strides,
            "padding": images.around(padding, x, window, strides, dilation, steps=len(size) == 1),
            "dilation": dilation,
            "groups": self.groups,
        }
        return ops.conv2d(x, kernel, *self.biases(build, self.filters), **options)


class Conv1D(Convolution):
    """y = activation(x * kernel + bias), where * slides a window along steps.

    x (batch, steps, channels) -> y (batch, new_steps, filters). The kernel is (kernel_size, channels / groups,
    filters), as in Keras; PyTorch's `Conv1d` has (filters, channels / groups, kernel_size) and channels before
    steps. As in both, the kernel is not flipped (cross-correlation): y[i] is the sum over k of
    x[i * strides + k * dilation] * kernel[k]. new_steps is the number of whole windows with "valid",
    ceil(steps / strides) with "same" and "causal".
    """

    type: Literal["conv1d"] = "conv1d"
    filters: PositiveInt
    kernel_size: Length
    """The size of the window in steps."""
    strides: Length = 1
    """How many steps the window moves each time."""
    padding: Literal["valid", "same", "causal"] = "valid"
    """Zero padding: "valid" adds none; "same" pads both ends for ceil(steps / strides) windows, with the odd zero at
    the end, as in Keras (PyTorch's "same" only allows strides of 1, where both agree); "causal" pads only the start,
    so that no window sees later steps."""
    dilation: Length = 1
    """The distance between the steps of a window; Keras's `dilation_rate`."""

    def lower(self, build: Builder, x: Value) -> Value:
        rows = images.rows(self.type, x)
        size = (along(self.kernel_size)[1],)
        y = self.convolved(build, rows, size, self.padding, along(self.strides), along(self.dilation))
        return self.activation.lower(images.sequences(y))


class Conv2D(Windowed, Convolution):
    """y = activation(x * kernel + bias), where * slides a window over images.

    x (batch, height, width, channels) -> y (batch, new_height, new_width, filters). The kernel is (height, width,
    channels / groups, filters), as in Keras; PyTorch's `Conv2d` has (filters, channels / groups, height, width) and
    channels before height. As in both, the kernel is not flipped (cross-correlation): y[i, j] is the sum
    over a and b of x[i * strides + a * dilation, j * strides + b * dilation] * kernel[a, b]. A new size is the
    number of whole windows with "valid", ceil(size / strides) with "same".
    """

    type: Literal["conv2d"] = "conv2d"
    filters: PositiveInt

    def lower(self, build: Builder, x: Value) -> Value:
        size, strides, dilation = self.window
        y = self.convolved(build, images.images(self.type, x), size, self.padding, strides, dilation)
        return self.activation.lower(y)


class Conv2DTranspose(Windowed, Convolution):
    """y = activation(xᵀ + bias), where xᵀ is the input gradient of a convolution whose output gradient is x.

    x (batch, height, width, channels) -> y (batch, new_height, new_width, filters). Each pixel of x, times the kernel
    (height, width, filters / groups, channels), is added to a window of y (Zeiler et al., 2010). With the
    window's extent k = (kernel_size - 1) * dilation + 1 a new size is (size - 1) * strides + max(k, strides) with
    "valid", size * strides with "same", as in Keras. If `output_padding` is given it is (size - 1) * strides + k
    - 2 p + output_padding, where p is 0 for "valid" and k // 2 for "same": p rows are cut off at both ends, as with
    PyTorch's `padding` (in Keras this depends on the backend). PyTorch's kernel is (channels, filters / groups,
    height, width).
    """

    type: Literal["conv2d_transpose"] = "conv2d_transpose"
    filters: PositiveInt
    strides: Lengths = 1
    """The distance between the windows of adjacent pixels, down and to the right."""
    padding: images.Padding = "valid"
    """How the result is cropped: "valid" keeps all of it, "same" keeps size * strides."""
    output_padding: (
        Annotated[int, Field(ge=0)] | tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None
    ) = None
    """How many rows and columns to add at the bottom and right, fewer than `strides`: it selects one of the sizes for
    which a convolution would produce the input's size."""

    @table_check()
    def _added(self) -> Iterator[PydanticCustomError]:
        if self.output_padding is not None:
            for added, stride in zip(pair(self.output_padding), pair(self.strides), strict=True):
                if added >= stride:
                    message = (
                        f"`output_padding` must be less than `strides`, and {added} is not less than {stride}"
                    )
                    yield fault(message, key="output_padding")
                    return

    def lower(self, build: Builder, x: Value) -> Value:
        x = images.images(self.type, x)
        self.own_channels(x)
        channels, own = self.features(x), self.filters // self.groups
        size, strides, dilation = self.window
        kernel = self.kernel(build, *size, own, channels)
        reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
        (height, down), (width, right) = map(self._axis, images.size_of(x), reach, strides, (0, 1))
        if min(height, width) < 1:
            raise ShapeFault(
                f"nothing of the images would be left: they would be {height} x {width} with what is truncated",
                x,
                help='a smaller kernel_size, or padding = "valid"',
            )
        y = ops.conv2d_input(
            x,
            kernel,
            size=(height, width),
            strides=strides,
            padding=(down, right),
            dilation=dilation,
            groups=self.groups,
        )
        return self.activation.lower(self.biased(build, y, self.filters))

    def _axis(self, size: int, reach: int, stride: int, axis: int) -> tuple[int, Pair]:
        """Return the new size of an axis, and what is truncated before and behind."""
        if self.output_padding is not None:
            cut = reach // 2 if self.padding == "same" else 0
            added = pair(self.output_padding)[axis]
            return (size - 1) * stride + reach - 2 * cut + added, (cut, cut)
        if self.padding == "same":
            cut = max(reach - stride, 0)
            return size * stride, (cut // 2, cut - cut // 2)
        return (size - 1) * stride + max(reach, stride), (0, 0)
