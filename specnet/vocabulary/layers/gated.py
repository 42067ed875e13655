"""Layers in which a part of what they get, or make of it, decides how much of another part passes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import show
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.layers.weights import Weighted
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


def _closed() -> Initializer:
    return INITIALIZERS.validate({"type": "constant", "value": -1.0})


class GLU(Layer):
    """y = a * sigmoid(b), where a is the first half of the features of x and b the second (Dauphin et al., 2017).

    x (batch, ..., 2n) -> y (batch, ..., n), as PyTorch's GLU over the last axis. The layer before it produces both
    halves, for example a `dense` of 2n units.
    """

    type: Literal["glu"] = "glu"

    masking: ClassVar[MaskUse] = "each"
    memberwise: ClassVar[bool] = True

    def lower(self, build: Builder, x: Value) -> Value:
        features = self.features(x)
        if features % 2:
            raise ShapeFault(
                f"glu needs an even number of features to halve, got {show(x.shape)}",
                x,
                help=f"have the layer before it give {features + 1}",
            )
        half, none = features // 2, ((0, 0),) * (x.rank - 1)
        first = ops.crop(x, margins=(*none, (0, half)))
        second = ops.crop(x, margins=(*none, (half, 0)))
        return first * ops.sigmoid(second)


class Maxout(Weighted):
    """y_j = max over k of (x·kernel + bias)_jk, the maximum of `pieces` linear functions for each unit.

    x (batch, ..., in) -> y (batch, ..., units). The kernel is (in, units * pieces) and the bias (units * pieces,),
    with the pieces of a unit adjacent (Goodfellow et al., 2013). Where pieces are equal, the gradient is divided
    among them.
    """

    type: Literal["maxout"] = "maxout"
    units: PositiveInt
    """The number of output features."""
    pieces: Annotated[int, Field(ge=2)] = 2
    """The number of linear functions per unit."""

    masking: ClassVar[MaskUse] = "each"
    memberwise: ClassVar[bool] = True

    def lower(self, build: Builder, x: Value) -> Value:
        y = self.linear(build, x, self.units * self.pieces)
        lead = x.shape[:-1]
        y = ops.reduce_max(ops.reshape(y, shape=(*lead, self.units, self.pieces)))
        return ops.reshape(y, shape=(*lead, self.units))


class Highway(Layer):
    """y = t * activation(x·kernel + bias) + (1 - t) * x, with t = sigmoid(x·transform_kernel + transform_bias).

    x (batch, ..., n) -> y of the same shape; both kernels are (n, n), both biases (n,). The bias of the gate starts
    at -1, so that a new layer passes most of x through (Srivastava et al., 2015).
    """

    type: Literal["highway"] = "highway"
    activation: Annotated[Activation, ACTIVATIONS] = ACTIVATIONS.field("relu")
    """The activation of the transformed branch."""
    kernel_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("glorot_uniform")
    """Initializer of the kernel."""
    bias_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("zeros")
    """Initializer of the bias."""
    transform_kernel_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("glorot_uniform")
    """Initializer of the gate's kernel."""
    transform_bias_init: Annotated[Initializer, INITIALIZERS] = Field(default_factory=_closed)
    """Initializer of the gate's bias."""
    kernel_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on both kernels that is added to the loss."""
    bias_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on both biases that is added to the loss."""

    masking: ClassVar[MaskUse] = "each"
    memberwise: ClassVar[bool] = True

    def lower(self, build: Builder, x: Value) -> Value:
        n = self.features(x)
        kernels, biases = self.kernel_regularizer, self.bias_regularizer
        kernel = build.parameter("kernel", (n, n), self.kernel_init, kernels)
        bias = build.parameter("bias", (n,), self.bias_init, biases)
        gate = build.parameter("transform_kernel", (n, n), self.transform_kernel_init, kernels)
        offset = build.parameter("transform_bias", (n,), self.transform_bias_init, biases)
        made = self.activation.lower(x @ kernel + bias)
        return x + ops.sigmoid(x @ gate + offset) * (made - x)
