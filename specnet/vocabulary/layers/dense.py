from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.layers.layer import Layer
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


class Dense(Layer):
    """y = activation(x·kernel + bias).  x (batch, ..., in) -> y (batch, ..., units).

    The kernel is (in, units) and the bias (units,), as in Keras; PyTorch's `Linear` holds the transpose.
    """

    type: Literal["dense"] = "dense"
    units: PositiveInt
    """The number of output features."""
    activation: Annotated[Activation, ACTIVATIONS] = Field(default_factory=ACTIVATIONS.default("linear"))
    """The activation applied to the sum."""
    use_bias: bool = True
    """Whether to add a bias."""
    kernel_init: Annotated[Initializer, INITIALIZERS] = Field(
        default_factory=INITIALIZERS.default("glorot_uniform")
    )
    """Initializer of the kernel."""
    bias_init: Annotated[Initializer, INITIALIZERS] = Field(default_factory=INITIALIZERS.default("zeros"))
    """Initializer of the bias."""
    kernel_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the kernel that is added to the loss."""
    bias_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the bias that is added to the loss."""

    def lower(self, build: Builder, x: Value) -> Value:
        shape = (self.features(x), self.units)
        kernel = build.parameter("kernel", shape, self.kernel_init, self.kernel_regularizer)
        y = x @ kernel
        if self.use_bias:
            y = y + build.parameter("bias", (self.units,), self.bias_init, self.bias_regularizer)
        return self.activation.lower(y)
