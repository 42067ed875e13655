"""Convolutions that give more places than they get: input gradients of convolutions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import static
from specnet.vocabulary.kind import Words, fault, table_check
from specnet.vocabulary.layers import images
from specnet.vocabulary.layers.convolution import Convolution, Windowed
from specnet.vocabulary.layers.images import Length, Lengths, Pair, along, pair
from specnet.vocabulary.layers.masks import enlarged

Added = Annotated[
    NonNegativeInt | tuple[NonNegativeInt],
    Words("a whole number of at least 0, or an array of one"),
]


class Transposed(Convolution):
    """Base of transposed convolutions."""

    padding: images.Padding = "valid"
    """How the result is cropped: "valid" keeps all of it, "same" keeps size * strides."""

    def _faults(self, added: Sequence[int], strides: Sequence[int]) -> Iterator[PydanticCustomError]:
        """Yield the fault of an `output_padding` that adds as much as a stride."""
        for more, stride in zip(added, strides, strict=True):
            if more >= stride:
                message = (
                    f"`output_padding` must be less than `strides`, and {more} is not less than {stride}"
                )
                yield fault(message, key="output_padding")
                return

    def spread(
        self, build: Builder, x: Value, windows: tuple[Pair, Pair, Pair], added: Pair | None, *, steps: bool
    ) -> Value:
        """Return images (batch, height, width, channels) spread over larger ones, before the activation.

        `windows` are the size of the windows, their strides and dilation; `steps` says that the images are sequences.
        """
        self.own_channels(x)
        channels, own = self.features(x), self.filters // self.groups
        size, strides, dilation = windows
        kernel = self.kernel(build, *(size[1:] if steps else size), own, channels)
        if steps:
            kernel = ops.reshape(kernel, shape=(*size, own, channels))
        reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
        more = (None, None) if added is None else added
        (height, down), (width, right) = map(self._axis, images.size_of(x), reach, strides, more)
        if min(height, width) < 1:
            found = images.extent((height, width), steps=steps)
            raise ShapeFault(
                f"nothing of the {'sequences' if steps else 'images'} would be left: they would be {found} with what "
                "is truncated",
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
        return self.biased(build, y, self.filters)

    def _axis(self, size: int, reach: int, stride: int, added: int | None) -> tuple[int, Pair]:
        """Return the new size of an axis, and what is truncated before and behind."""
        if added is not None:
            cut = reach // 2 if self.padding == "same" else 0
            return (size - 1) * stride + reach - 2 * cut + added, (cut, cut)
        if self.padding == "same":
            cut = max(reach - stride, 0)
            return size * stride, (cut // 2, cut - cut // 2)
        return (size - 1) * stride + max(reach, stride), (0, 0)


class Conv1DTranspose(Transposed):
    """y = activation(xᵀ + bias), where xᵀ is the input gradient of a `conv1d` whose output gradient is x.

    x (batch, steps, channels) -> y (batch, new_steps, filters). Each step of x, times the kernel (kernel_size,
    filters / groups, channels), is added to a window of y. With the window's extent k = (kernel_size - 1) * dilation +
    1, new_steps is (steps - 1) * strides + max(k, strides) with "valid", steps * strides with "same", as in Keras. If
    `output_padding` is given it is (steps - 1) * strides + k - 2 p + output_padding, where p is 0 for "valid" and
    k // 2 for "same": p steps are cut off at both ends, as with PyTorch's `padding`. PyTorch's kernel is (channels,
    filters / groups, kernel_size).
    """

    type: Literal["conv1d_transpose"] = "conv1d_transpose"
    filters: PositiveInt
    kernel_size: Length
    """The size of the window in steps."""
    strides: Length = 1
    """The distance between the windows of adjacent steps."""
    padding: images.Padding = "valid"
    """How the result is cropped: "valid" keeps all of it, "same" keeps steps * strides."""
    dilation: Length = 1
    """The distance between the steps of a window; Keras's `dilation_rate`."""
    output_padding: Added | None = None
    """How many steps to add at the end, fewer than `strides`: it selects one of the lengths for which a convolution
    would produce the input's length."""

    masking: ClassVar[MaskUse] = "own"

    @table_check()
    def _added(self) -> Iterator[PydanticCustomError]:
        if self.output_padding is not None:
            yield from self._faults(self._more[1:], along(self.strides)[1:])

    @property
    def _more(self) -> Pair:
        more = self.output_padding or 0
        return 0, more if isinstance(more, int) else more[0]

    def lower(self, build: Builder, x: Value) -> Value:
        rows = images.rows(self.type, build.without_padding(x))
        windows = along(self.kernel_size), along(self.strides), along(self.dilation)
        added = None if self.output_padding is None else self._more
        y = self.activation.lower(images.sequences(self.spread(build, rows, windows, added, steps=True)))
        mask = build.mask_of(x)
        return (
            y if mask is None else build.mask(y, enlarged(mask, static(y.shape[1]), along(self.strides)[1]))
        )


class Conv2DTranspose(Windowed, Transposed):
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
    masking: ClassVar[MaskUse] = "mixed"
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
            yield from self._faults(pair(self.output_padding), pair(self.strides))

    def lower(self, build: Builder, x: Value) -> Value:
        x = images.images(self.type, x)
        added = None if self.output_padding is None else pair(self.output_padding)
        return self.activation.lower(self.spread(build, x, self.window, added, steps=False))
