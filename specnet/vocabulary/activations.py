"""Functions applied element by element, or along the last axis, after a layer's sum."""

from __future__ import annotations

from typing import Literal

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.kind import Family, Kind


class Activation(Kind):
    """A function of a layer's sum, x (batch, ...) -> y of the same shape."""

    def lower(self, x: Value) -> Value:
        """Return f(x)."""
        raise TypeError(f"{type(self).__name__} says nowhere what it makes of {x}")


ACTIVATIONS: Family[Activation] = Family("activation")


class Linear(Activation):
    """y = x."""

    type: Literal["linear"] = "linear"

    def lower(self, x: Value) -> Value:
        return x


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)), in (0, 1)."""

    type: Literal["sigmoid"] = "sigmoid"

    def lower(self, x: Value) -> Value:
        return ops.sigmoid(x)


class Relu(Activation):
    """y = max(x, 0); the slope at 0 is taken as 0 (Nair and Hinton, 2010)."""

    type: Literal["relu"] = "relu"

    def lower(self, x: Value) -> Value:
        return ops.relu(x)


class Softmax(Activation):
    """y_i = exp(x_i) / sum_j exp(x_j) along the last axis: probabilities that sum to 1."""

    type: Literal["softmax"] = "softmax"

    def lower(self, x: Value) -> Value:
        return ops.softmax(x)


ACTIVATIONS.add(Linear, Sigmoid, Relu, Softmax)
