"""The rules that turn gradients into steps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from specnet.graph import ops
from specnet.graph.builder import UpdateBuilder
from specnet.graph.graph import Value
from specnet.vocabulary.kind import Family, Kind


class Optimizer(Kind):
    """The rule that turns gradients into steps.

    In the formulas p is the vector of all parameters, g its gradient, lr the learning rate of the step (the
    schedule's), and t the number of the step, from 1.
    """

    learning_rate: PositiveFloat = 0.01
    """How far a step goes; schedules start from it."""

    def step(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        """Return the parameters after the step; p, g (n,), lr and t scalars."""
        raise TypeError(f"{type(self).__name__} says nowhere how to step: {build}, {p}, {g}, {lr}, {t}")


OPTIMIZERS: Family[Optimizer] = Family("optimizer")


class SGD(Optimizer):
    """p <- p - lr * g (Robbins and Monro, 1951)."""

    type: Literal["sgd"] = "sgd"

    def step(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:  # noqa: ARG002
        return p - g * lr


class Adam(Optimizer):
    """m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  p <- p - lr * m^ / (sqrt(v^) + epsilon).

    m^ = m / (1 - b1^t), v^ = v / (1 - b2^t) (Kingma and Ba, 2015). epsilon is added to the corrected root, as
    in PyTorch and the paper's algorithm; Keras adds it to the uncorrected one.

    The slots hold m / (1 - b1) and v / (1 - b2), whose updates take two passes over memory fewer.
    """

    type: Literal["adam"] = "adam"
    learning_rate: PositiveFloat = 0.001
    beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """The decay of the running mean of gradients."""
    beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """The decay of the running mean of squared gradients."""
    epsilon: PositiveFloat = 1e-8
    """Added to the root, so that no step divides by 0."""

    def step(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        slot_m, slot_v = build.slot("mean"), build.slot("square")
        m = build.keep(slot_m, slot_m * self.beta_1 + g)
        v = build.keep(slot_v, slot_v * self.beta_2 + g * g)
        # lr * (1-b1) m / (1-b1^t) / (sqrt((1-b2) v / (1-b2^t)) + eps), with all scalars drawn out of the array.
        root = ops.sqrt((1.0 - ops.power(self.beta_2, t)) * (1.0 / (1.0 - self.beta_2)))
        rate = lr * (1.0 - self.beta_1) / (1.0 - ops.power(self.beta_1, t)) * root
        return p - m / (ops.sqrt(v) + root * self.epsilon) * rate


OPTIMIZERS.add(SGD, Adam)
