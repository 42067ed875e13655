"""Activations along the axis of features."""

from __future__ import annotations

from typing import Literal

from specnet.graph import ops
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import show
from specnet.vocabulary.activations import Activation


class Softmax(Activation):
    """y_i = exp(x_i) / sum_j exp(x_j) along the last axis: probabilities that sum to 1 (Bridle, 1990)."""

    type: Literal["softmax"] = "softmax"

    def lower(self, x: Value) -> Value:
        return ops.softmax(_with_features(self.type, x))


class LogSoftmax(Activation):
    """y_i = x_i - log(sum_j exp(x_j)) along the last axis: the logarithms of the probabilities of softmax."""

    type: Literal["log_softmax"] = "log_softmax"

    def lower(self, x: Value) -> Value:
        return ops.log_softmax(_with_features(self.type, x))


def _with_features(name: str, x: Value) -> Value:
    if x.rank < 2:
        raise ShapeFault(f"{name} works along an axis of features, got {show(x.shape)}", x)
    return x
