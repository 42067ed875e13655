from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import PositiveInt, PrivateAttr
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.builder import Builder, LengthUse, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.initializers import Initializer
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.layers import Layer, images
from specnet.vocabulary.layers.images import Length, Lengths, Pair, along, pair
from specnet.vocabulary.layers.masks import windowed
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

    masking: ClassVar[MaskUse] = "own"

    @property
    def window(self) -> tuple[Pair, Pair, Pair]:
        """The size of the window, its strides and its dilation, each of height and width."""
        return pair(self.kernel_size), pair(self.strides), pair(self.dilation)

    def masked(self, build: Builder, x: Value, y: Value) -> Value:
        """Return y, made of x with these windows, with the mask of its rows if those of x are steps with padding."""
        (size, _), (stride, _), (apart, _) = self.window
        return masked_windows(build, x, y, stride, (size - 1) * apart + 1, whole=self.padding == "valid")


def masked_windows(build: Builder, x: Value, y: Value, stride: int, reach: int, *, whole: bool) -> Value:
    """Return y (batch, windows, ...) of windows over the steps of x, with the mask of those that exist."""
    mask = build.mask_of(x)
    if mask is None:
        return y
    return build.mask(y, windowed(mask, y.shape[1], stride, reach, whole=whole))


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

    def over_lengths(self, build: Builder, x: Value, padding: str, size: int, apart: int) -> Value:
        """Return sequences (batch, steps, channels), of another length in each batch, convolved with strides of 1."""
        own, reach = self.own_channels(x), (size - 1) * apart + 1
        kernel = self.kernel(build, size, own, self.filters)
        biases = self.biases(build, self.filters)
        _, (before, after) = images.padded(padding, (1, reach), (1, size), (1, 1), (1, apart))
        seen = ops.pad(x, margins=((0, 0), (before, after), (0, 0))) if before or after else x
        ends = [(place * apart, reach - 1 - place * apart) for place in range(size)]
        found, columns = [], self.filters // self.groups
        for group in range(self.groups):
            channels = (group * own, (self.groups - 1 - group) * own)
            parts = (
                seen if reach == self.groups == 1 else ops.crop(seen, margins=((0, 0), end, channels))
                for end in ends
            )
            filters = (group * columns, (self.groups - 1 - group) * columns)
            mine = kernel if self.groups == 1 else ops.crop(kernel, margins=((0, 0), (0, 0), filters))
            found.append(ops.concat(*parts, axis=2) @ ops.reshape(mine, shape=(size * own, columns)))
        y = ops.concat(*found, axis=2)
        return y + biases[0] if biases else y

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
    ceil(steps / strides) with "same" and "causal". Steps that are padding are zeros, and a whole window is one of
    other steps.
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

    masking: ClassVar[MaskUse] = "own"
    _scale_init: Initializer | None = PrivateAttr(default=None)
    """Initializer of the lengths of filters, if these are parameters of their own."""

    def normed(self, scale_init: Initializer) -> Self:
        """Return the layer with filters whose lengths are parameters, `scale` (Salimans and Kingma, 2016)."""
        made = self.model_copy()
        made._scale_init = scale_init  # noqa: SLF001  a copy's own
        return made

    def kernel(self, build: Builder, *shape: int) -> Value:
        """Declare the kernel and the lengths of filters, if there are some, and return the filters."""
        kernel = super().kernel(build, *shape)
        if self._scale_init is None:
            return kernel
        scale = build.parameter("scale", (self.filters,), self._scale_init)
        return kernel * (scale / ops.sqrt(ops.reduce_sum(ops.square(kernel), axes=(0, 1))))

    @property
    def length_use(self) -> LengthUse:
        return "masked" if along(self.strides)[1] == 1 else "one"

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        if along(self.strides)[1] > 1:
            return "leaves out steps: its strides are more than 1"
        if self.padding == "causal" or along(self.kernel_size)[1] == 1:
            return None
        return 'sees steps ahead: its padding is not "causal"'

    def lower(self, build: Builder, x: Value) -> Value:
        (_, size), (_, stride), (_, apart) = map(along, (self.kernel_size, self.strides, self.dilation))
        reach, padding, seen = (size - 1) * apart + 1, self.padding, build.without_padding(x)
        if build.streams(x):
            seen, padding = _with_past(build, x, reach - 1), "valid"
        rows = images.rows(self.type, seen)
        if isinstance(x.shape[1], int) or build.streams(x):
            y = images.sequences(self.convolved(build, rows, (size,), padding, (1, stride), (1, apart)))
        else:
            y = self.over_lengths(build, seen, padding, size, apart)
        y = self.activation.lower(y)
        return masked_windows(build, x, y, stride, reach, whole=self.padding == "valid")


def _with_past(build: Builder, x: Value, reach: int) -> Value:
    """Return new steps x (batch, steps, channels) after the last ones before that a window over them sees."""
    if not reach:
        return x
    whole = ops.concat(build.carried("inputs", (x.shape[0], reach, x.shape[2])), x, axis=1)
    build.carry("inputs", ops.crop(whole, margins=((0, 0), (x.shape[1], 0), (0, 0))))
    return whole


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
        seen = build.without_padding(images.images(self.type, x))
        y = self.convolved(build, seen, size, self.padding, strides, dilation)
        return self.masked(build, x, self.activation.lower(y))
