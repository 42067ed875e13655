from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import Value
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


def _spread() -> Initializer:
    return INITIALIZERS.validate({"type": "normal", "stddev": 1.0})


class RBF(Layer):
    """y_j = f(s_j * |x - c_j|): how far x is from each centre c_j (Broomhead and Lowe, 1988).

    x (batch, ..., in) -> y (batch, ..., units). `gaussian` is f(r) = exp(-r^2), `multiquadric` sqrt(1 + r^2),
    `inverse_multiquadric` 1 / sqrt(1 + r^2), and `quadratic` r^2, the output of LeNet-5 (LeCun et al., 1998). The
    centres are the columns of (in, units), and the scales s are (units,): a Gaussian of standard deviation d has
    s = 1 / (sqrt(2) * d). |x - c|^2 is computed as |x|^2 - 2 x·c + |c|^2, so inputs should not lie far from 0 in
    comparison with their distances, as after `standardize`.
    """

    type: Literal["rbf"] = "rbf"
    units: PositiveInt
    """The number of centres, and of output features."""
    function: Literal["gaussian", "multiquadric", "inverse_multiquadric", "quadratic"] = "gaussian"
    """The function of the scaled distance."""
    centers_init: Annotated[Initializer, INITIALIZERS] = Field(default_factory=_spread)
    """Initializer of the centres; by default the standard normal distribution, for standardised inputs."""
    scales_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("ones")
    """Initializer of the scales."""
    centers_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the centres that is added to the loss."""
    scales_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the scales that is added to the loss."""

    masking: ClassVar[MaskUse] = "each"

    def lower(self, build: Builder, x: Value) -> Value:
        shape = (self.features(x), self.units)
        centers = build.parameter("centers", shape, self.centers_init, self.centers_regularizer)
        scales = build.parameter("scales", shape[1:], self.scales_init, self.scales_regularizer)
        own = ops.reduce_sum(ops.square(x), axes=(x.rank - 1,))
        lengths = ops.reduce_sum(ops.square(centers), axes=(0,))
        apart = ops.reshape(own, shape=(*own.shape, 1)) - (x @ centers) * 2.0 + lengths
        # Rounding may leave a distance of almost 0 below 0.
        r = ops.maximum(apart, 0.0) * ops.square(scales)
        if self.function == "gaussian":
            return ops.exp(-r)
        if self.function == "quadratic":
            return r
        root = ops.sqrt(r + 1.0)
        return root if self.function == "multiquadric" else 1.0 / root
