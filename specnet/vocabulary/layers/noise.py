"""Layers that disturb in training, and let everything pass in evaluation."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import show
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.layers.dropping import Rate, dropped


class SpatialDropout(Layer):
    """In training, set each feature of each example to 0 as a whole with probability `rate`.

    x (batch, ..., features) -> y of the same shape; the other features are multiplied by 1 / (1 - rate), and in
    evaluation y = x. Neighbouring positions have similar values, so `dropout`, which drops each one independently,
    hides little of them (Tompson et al., 2015). It is SpatialDropout1D and SpatialDropout2D of Keras, and PyTorch's
    Dropout1d and Dropout2d with the channels last.
    """

    type: Literal["spatial_dropout"] = "spatial_dropout"
    rate: Rate = 0.5
    """The fraction of features set to 0."""

    masking: ClassVar[MaskUse] = "each"

    def lower(self, build: Builder, x: Value) -> Value:
        if x.rank < 3:
            raise ShapeFault(
                f"spatial_dropout needs inputs with places, (batch, ..., features), got {show(x.shape)}",
                x,
                help="`dropout` drops single features",
            )
        shape = (x.shape[0], *(1 for _ in x.shape[1:-1]), x.shape[-1])
        return dropped(build, x, self.rate, shape=shape)


class StochasticDepth(Layer):
    """In training, set all of an example to 0 with probability `rate`, and otherwise multiply it by 1 / (1 - rate).

    x (batch, ...) -> y of the same shape; in evaluation y = x. As the last layer of a `residual` container it
    makes examples skip the container (Huang et al., 2016). It is torchvision's StochasticDepth in the mode "row".
    """

    type: Literal["stochastic_depth"] = "stochastic_depth"
    rate: Annotated[float, Field(ge=0, lt=1, examples=[0.1])]
    """The fraction of examples set to 0."""

    masking: ClassVar[MaskUse] = "each"

    def lower(self, build: Builder, x: Value) -> Value:
        return dropped(build, x, self.rate, shape=(x.shape[0], *(1 for _ in x.shape[1:])))


class GaussianNoise(Layer):
    """y = x + stddev * n in training, with n from the standard normal distribution; y = x in evaluation.

    x (batch, ...) -> y of the same shape. The gradient passes unchanged.
    """

    type: Literal["gaussian_noise"] = "gaussian_noise"
    stddev: Annotated[float, Field(ge=0, examples=[0.1])]
    """The standard deviation of the noise."""

    masking: ClassVar[MaskUse] = "each"
    memberwise: ClassVar[bool] = True

    def lower(self, build: Builder, x: Value) -> Value:
        if not build.training or self.stddev == 0:
            return x
        return x + ops.normal_noise(x, stream=build.stream("noise"), stddev=self.stddev)
