"""Layers with one trained number for each feature."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import Value
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


class Scaling(Layer):
    """y = scale * x, with a trained scale for each feature.  x (batch, ..., features) -> y of the same shape.

    In front of the first layer of a network over a table, with a `learning_rate_multiplier` such as 6, it learns which
    columns count (Holzmüller et al., 2024).
    """

    type: Literal["scaling"] = "scaling"
    scale_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("ones")
    """Initializer of the scales."""
    scale_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the scales that is added to the loss."""

    masking: ClassVar[MaskUse] = "each"
    memberwise: ClassVar[bool] = True

    def lower(self, build: Builder, x: Value) -> Value:
        return x * build.parameter("scale", (self.features(x),), self.scale_init, self.scale_regularizer)


class ParametricActivation(Layer):
    """y = x + alpha * (activation(x) - x), with a trained alpha for each feature.

    x (batch, ..., features) -> y of the same shape. Where alpha is 1, as at first, y = activation(x), and where it is
    0, y = x (Holzmüller et al., 2024).
    """

    type: Literal["parametric_activation"] = "parametric_activation"
    activation: Annotated[Activation, ACTIVATIONS]
    """The activation."""
    alpha_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("ones")
    """Initializer of alpha."""
    alpha_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on alpha that is added to the loss."""

    masking: ClassVar[MaskUse] = "each"
    memberwise: ClassVar[bool] = True

    def lower(self, build: Builder, x: Value) -> Value:
        alpha = build.parameter("alpha", (self.features(x),), self.alpha_init, self.alpha_regularizer)
        return x + alpha * (self.activation.lower(x) - x)
