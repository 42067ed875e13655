from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat

from specnet.graph.builder import UpdateBuilder
from specnet.graph.graph import Value
from specnet.vocabulary.kind import Kind

Decay = Annotated[float, Field(ge=0, lt=1)]
"""The share of a running mean or sum that each step keeps."""

NonNegative = Annotated[float, Field(ge=0)]


class Optimizer(Kind):
    """The rule that turns gradients into steps.

    In the formulas p is the vector of all parameters, g its gradient, lr the learning rate of the step (the
    schedule's), and t the number of the step, from 1. Every operation on vectors is element by element.

    `weight_decay` reaches every parameter, biases too; a layer's regularizers reach those that they name.
    """

    learning_rate: PositiveFloat = 0.01
    """How far a step goes; schedules start from it."""

    def step(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        """Return the parameters after the step; p, g (n,), lr and t scalars."""
        raise TypeError(f"{type(self).__name__} says nowhere how to step: {build}, {p}, {g}, {lr}, {t}")


def with_decay(p: Value, g: Value, weight_decay: float) -> Value:
    """Return g + weight_decay * p: the gradient of the loss with weight_decay / 2 * |p|^2 added to it."""
    return g + p * weight_decay if weight_decay else g


def shrunk(p: Value, lr: Value, weight_decay: float) -> Value:
    """Return (1 - lr * weight_decay) p: decay that does not pass through the rule's running means."""
    return p * (1.0 - lr * weight_decay) if weight_decay else p
