"""Activations that level off on both sides."""

from __future__ import annotations

from typing import Literal

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.activations import Activation


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)), in (0, 1)."""

    type: Literal["sigmoid"] = "sigmoid"

    def lower(self, x: Value) -> Value:
        return ops.sigmoid(x)


class Tanh(Activation):
    """y = tanh(x), in (-1, 1)."""

    type: Literal["tanh"] = "tanh"

    def lower(self, x: Value) -> Value:
        return ops.tanh(x)


class Softsign(Activation):
    """y = x / (1 + |x|), in (-1, 1) (Turian et al., 2009)."""

    type: Literal["softsign"] = "softsign"

    def lower(self, x: Value) -> Value:
        return ops.softsign(x)


class HardSigmoid(Activation):
    """y = min(max(x + 3, 0), 6) / 6, as in PyTorch and Keras 3; up to Keras 2 it was 0.2 * x + 0.5, clipped.

    The gradient is 0 at both corners, x = -3 and x = 3, as in PyTorch (Howard et al., 2019).
    """

    type: Literal["hard_sigmoid"] = "hard_sigmoid"

    def lower(self, x: Value) -> Value:
        return ops.clip(x + 3.0, low=0.0, high=6.0) * (1.0 / 6.0)


class HardTanh(Activation):
    """y = min(max(x, -1), 1); the gradient is 0 at both corners, as in PyTorch (Collobert, 2004)."""

    type: Literal["hard_tanh"] = "hard_tanh"

    def lower(self, x: Value) -> Value:
        return ops.clip(x, low=-1.0, high=1.0)
