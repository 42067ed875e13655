"""Layers in which a part of what they get, or make of it, decides how much of another part passes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import show
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.layers.layer import Layer
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


def _closed() -> Initializer:
    return INITIALIZERS.validate({"type": "constant", "value": -1.0})


class GLU(Layer):
    """y = a * sigmoid(b), where a is the first half of the features of x and b the second (Dauphin et al., 2017).

    x (batch, ..., 2n) -> y (batch, ..., n), as PyTorch's GLU over the last axis. The layer before it makes both
    halves: a `dense` of 2n units, say.
    """

    type: Literal["glu"] = "glu"

    def lower(self, build: Builder, x: Value) -> Value:  # noqa: ARG002
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


class Maxout(Layer):
    """y_j = max over k of (x·kernel + bias)_jk, the largest of `pieces` straight lines for each unit.

    x (batch, ..., in) -> y (batch, ..., units). The kernel is (in, units * pieces) and the bias (units * pieces,),
    the pieces of a unit side by side (Goodfellow et al., 2013). Where pieces are equal, the gradient is shared
    among them.
    """

    type: Literal["maxout"] = "maxout"
    units: PositiveInt
    """How many features it gives."""
    pieces: Annotated[int, Field(ge=2)] = 2
    """Of how many lines each is the largest."""
    use_bias: bool = True
    """Whether a bias is added."""
    kernel_init: Annotated[Initializer, INITIALIZERS] = Field(
        default_factory=INITIALIZERS.default("glorot_uniform")
    )
    """Where the kernel starts."""
    bias_init: Annotated[Initializer, INITIALIZERS] = Field(default_factory=INITIALIZERS.default("zeros"))
    """Where the bias starts."""
    kernel_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """What is added to the loss for a large kernel."""
    bias_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """What is added to the loss for a large bias."""

    def lower(self, build: Builder, x: Value) -> Value:
        lines = self.units * self.pieces
        kernel = build.parameter(
            "kernel", (self.features(x), lines), self.kernel_init, self.kernel_regularizer
        )
        y = x @ kernel
        if self.use_bias:
            y = y + build.parameter("bias", (lines,), self.bias_init, self.bias_regularizer)
        lead = x.shape[:-1]
        y = ops.reduce_max(ops.reshape(y, shape=(*lead, self.units, self.pieces)))
        return ops.reshape(y, shape=(*lead, self.units))


class Highway(Layer):
    """y = t * activation(x·kernel + bias) + (1 - t) * x, with t = sigmoid(x·transform_kernel + transform_bias).

    x (batch, ..., n) -> y of the same shape; both kernels are (n, n), both biases (n,). The bias of the gate starts
    at -1, so that a new layer passes most of x on (Srivastava et al., 2015).
    """

    type: Literal["highway"] = "highway"
    activation: Annotated[Activation, ACTIVATIONS] = Field(default_factory=ACTIVATIONS.default("relu"))
    """The function applied to what is let in."""
    kernel_init: Annotated[Initializer, INITIALIZERS] = Field(
        default_factory=INITIALIZERS.default("glorot_uniform")
    )
    """Where the kernel starts."""
    bias_init: Annotated[Initializer, INITIALIZERS] = Field(default_factory=INITIALIZERS.default("zeros"))
    """Where the bias starts."""
    transform_kernel_init: Annotated[Initializer, INITIALIZERS] = Field(
        default_factory=INITIALIZERS.default("glorot_uniform")
    )
    """Where the kernel of the gate starts."""
    transform_bias_init: Annotated[Initializer, INITIALIZERS] = Field(default_factory=_closed)
    """Where the bias of the gate starts."""
    kernel_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """What is added to the loss for large kernels, both of them."""
    bias_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """What is added to the loss for large biases, both of them."""

    def lower(self, build: Builder, x: Value) -> Value:
        n = self.features(x)
        kernels, biases = self.kernel_regularizer, self.bias_regularizer
        kernel = build.parameter("kernel", (n, n), self.kernel_init, kernels)
        bias = build.parameter("bias", (n,), self.bias_init, biases)
        gate = build.parameter("transform_kernel", (n, n), self.transform_kernel_init, kernels)
        offset = build.parameter("transform_bias", (n,), self.transform_bias_init, biases)
        made = self.activation.lower(x @ kernel + bias)
        return x + ops.sigmoid(x @ gate + offset) * (made - x)
