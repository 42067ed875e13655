from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.layers import images
from specnet.vocabulary.layers.convolution import Filtering, Windowed
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


class Depthwise(Windowed, Filtering):
    """Base of convolutions that filter each channel separately."""

    depth_multiplier: PositiveInt = 1
    """The number of filters per channel."""
    depthwise_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("glorot_uniform")
    """Initializer of the filters of each channel."""
    depthwise_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the filters of each channel that is added to the loss."""

    def by_channel(self, build: Builder, x: Value, *, use_bias: bool) -> Value:
        """Return images (batch, height, width, channels) with each channel convolved with its own filters."""
        x = build.without_padding(images.images(self.type, x))
        channels, made = self.features(x), self.features(x) * self.depth_multiplier
        size, strides, dilation = self.window
        kernel = build.parameter(
            "depthwise",
            (*size, channels, self.depth_multiplier),
            self.depthwise_init,
            self.depthwise_regularizer,
        )
        options: dict[str, Any] = {
            "strides": strides,
            "padding": images.around(self.padding, x, size, strides, dilation),
            "dilation": dilation,
            "groups": channels,
        }
        biases = self.biases(build, made) if use_bias else []
        return ops.conv2d(x, ops.reshape(kernel, shape=(*size, 1, made)), *biases, **options)


class DepthwiseConv2D(Depthwise):
    """Convolve each channel with its own filters: y = activation(x * depthwise + bias).

    x (batch, height, width, channels) -> y (batch, new_height, new_width, channels * depth_multiplier), with sizes as
    in `conv2d`. The filters are (height, width, channels, depth_multiplier), as in Keras; filter m of channel c
    produces feature c * depth_multiplier + m. In PyTorch it is a `Conv2d` with as many groups as channels, whose
    kernel is (channels * depth_multiplier, 1, height, width) and counts only one channel as fan_in; here, as in
    Keras, an initializer's fan_in is height * width * channels.
    """

    type: Literal["depthwise_conv2d"] = "depthwise_conv2d"

    def lower(self, build: Builder, x: Value) -> Value:
        return self.masked(build, x, self.activation.lower(self.by_channel(build, x, use_bias=self.use_bias)))


class SeparableConv2D(Depthwise):
    """Convolve each channel with its own filters, then mix them: y = activation(x * depthwise · pointwise + bias).

    x (batch, height, width, channels) -> y (batch, new_height, new_width, filters), with sizes as in `conv2d`. It
    needs height * width + filters products per channel and pixel where `conv2d` needs height * width * filters
    (Chollet, 2017). `depthwise` is (height, width, channels, depth_multiplier) and `pointwise` (1, 1, channels *
    depth_multiplier, filters), as in Keras; in PyTorch it is a `Conv2d` with as many groups as channels, followed by
    one with a kernel of 1.
    """

    type: Literal["separable_conv2d"] = "separable_conv2d"
    filters: PositiveInt
    """The number of output features."""
    pointwise_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("glorot_uniform")
    """Initializer of the pointwise kernel, which mixes the channels."""
    pointwise_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the pointwise kernel that is added to the loss."""

    def lower(self, build: Builder, x: Value) -> Value:
        y = self.by_channel(build, x, use_bias=False)
        shape = (1, 1, self.features(y), self.filters)
        mix = build.parameter("pointwise", shape, self.pointwise_init, self.pointwise_regularizer)
        y = self.activation.lower(ops.conv2d(y, mix, *self.biases(build, self.filters), **ops.PLAIN))
        return self.masked(build, x, y)
