from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from specnet.graph.graph import Value
from specnet.graph.ops import absolute, inner, sum_all
from specnet.vocabulary.regularizers import Regularizer

Factor = Annotated[float, Field(ge=0)]


class L1(Regularizer):
    """factor * sum(|w|), as in Keras; it moves weights to exactly 0 (Tibshirani, 1996)."""

    type: Literal["l1"] = "l1"
    factor: Factor = 0.01
    """The factor for the sum of magnitudes."""

    def penalty(self, parameter: Value) -> Value:
        return sum_all(absolute(parameter)) * self.factor


class L2(Regularizer):
    """factor * sum(w^2), as in Keras: without the one half that is implicit in PyTorch's `weight_decay`."""

    type: Literal["l2"] = "l2"
    factor: Factor = 0.01
    """The factor for the sum of squares."""

    def penalty(self, parameter: Value) -> Value:
        return inner(parameter, parameter) * self.factor


class L1L2(Regularizer):
    """l1 * sum(|w|) + l2 * sum(w^2): the elastic net (Zou and Hastie, 2005)."""

    type: Literal["l1_l2"] = "l1_l2"
    l1: Factor = 0.01
    """The factor for the sum of magnitudes."""
    l2: Factor = 0.01
    """The factor for the sum of squares."""

    def penalty(self, parameter: Value) -> Value:
        return sum_all(absolute(parameter)) * self.l1 + inner(parameter, parameter) * self.l2
