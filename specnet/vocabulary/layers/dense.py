from __future__ import annotations

from typing import Annotated, Literal

from pydantic import PositiveInt

from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.layers.weights import Weighted


class Dense(Weighted):
    """y = activation(x·kernel + bias).  x (batch, ..., in) -> y (batch, ..., units).

    The kernel is (in, units) and the bias (units,), as in Keras; PyTorch's `Linear` holds the transpose.
    """

    type: Literal["dense"] = "dense"
    units: PositiveInt | Literal["auto"]
    """The number of output features; `auto`, for a layer that gives an output of the network, is as many as the loss
    and the targets need."""
    activation: Annotated[Activation, ACTIVATIONS] = ACTIVATIONS.field("linear")
    """The activation applied to the sum."""

    def lower(self, build: Builder, x: Value) -> Value:
        assert isinstance(self.units, int), "it is settled before a network is lowered"
        return self.activation.lower(self.linear(build, x, self.units))
