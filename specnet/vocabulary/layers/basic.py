from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import Value
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.layers.dropping import MaybeScheduled, dropped


class ActivationLayer(Layer):
    """Apply an activation: y = activation(x).  x (batch, ...) -> y of the same shape."""

    type: Literal["activation"] = "activation"
    activation: Annotated[Activation, ACTIVATIONS]
    """The activation to apply."""

    masking: ClassVar[MaskUse] = "each"
    memberwise: ClassVar[bool] = True

    def lower(self, build: Builder, x: Value) -> Value:
        return self.activation.lower(x)


class Dropout(Layer):
    """In training, set each element to 0 with probability `rate` and multiply the others by 1 / (1 - rate).

    x (batch, ...) -> y of the same shape. In evaluation y = x (Srivastava et al., 2014, in the inverted form
    that Keras and PyTorch use).
    """

    type: Literal["dropout"] = "dropout"
    rate: MaybeScheduled = 0.5
    """The fraction of elements set to 0; `{ value = 0.15, schedule = "flat_cosine" }` for one that changes over the
    training."""

    masking: ClassVar[MaskUse] = "each"
    memberwise: ClassVar[bool] = True

    def lower(self, build: Builder, x: Value) -> Value:
        return dropped(build, x, self.rate)
