"""Optimizers that scale the step of each element by the gradients that it has had."""

from __future__ import annotations

from math import sqrt
from typing import Literal

from pydantic import Field, PositiveFloat

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.update_builder import UpdateBuilder
from specnet.vocabulary.optimizers import Decay, Decaying, NonNegative


class Adagrad(Decaying):
    """Divide steps by the root of the sum of all squared gradients so far (Duchi et al., 2011).

        s <- s + g^2;  p <- p - lr / (1 + (t - 1) lr_decay) * g / (sqrt(s) + epsilon)

    epsilon is added outside the root, as in PyTorch; Keras has it inside. s starts from 0 as in PyTorch,
    from 0.1 in Keras. `weight_decay` adds weight_decay * p to g first, as in PyTorch.
    """

    type: Literal["adagrad"] = "adagrad"
    lr_decay: NonNegative = Field(default=0.0, examples=[1e-3])
    """How fast the learning rate decays, in addition to the schedule."""
    initial_accumulator_value: NonNegative = 0.0
    """The initial value of s."""
    epsilon: PositiveFloat = 1e-10
    """Added to the root to avoid division by zero."""

    def follow(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        slot = build.slot("square_sum", self.initial_accumulator_value)
        s = build.keep(slot, slot + ops.square(g))
        rate = lr / (1.0 + (t - 1.0) * self.lr_decay) if self.lr_decay else lr
        return p - g / (ops.sqrt(s) + self.epsilon) * rate

    def follow_textbook(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        slot = build.slot("s", self.initial_accumulator_value, origin="square_sum")
        s = build.keep(slot, slot + ops.square(g))
        if self.lr_decay:
            lr = build.name("decayed_rate", lr / (1.0 + (t - 1.0) * build.option("lr_decay", self.lr_decay)))
        return p - lr * g / (ops.sqrt(s) + build.option("epsilon", self.epsilon))


class RMSProp(Decaying):
    """Divide steps by the root of a running mean of squared gradients (Tieleman and Hinton, 2012).

        v <- alpha v + (1 - alpha) g^2;  p <- p - lr * g / (sqrt(v) + epsilon)

    With `centered` (Graves, 2013), a <- alpha a + (1 - alpha) g, and the root is of v - a^2 instead of v; if
    rounding makes that negative, it counts as 0. With `momentum`, d <- momentum * d + g / (sqrt(v) + epsilon)
    and p <- p - lr * d.

    epsilon is added outside the root and lr is not included in d, both as in PyTorch; Keras and TensorFlow
    have epsilon inside and lr in d. The default decay, 0.99, is PyTorch's too; Keras's is 0.9.
    `weight_decay` adds weight_decay * p to g first, as in PyTorch.
    """

    type: Literal["rmsprop"] = "rmsprop"
    alpha: Decay = 0.99
    """The decay of the running mean of squared gradients."""
    epsilon: PositiveFloat = 1e-8
    """Added to the root to avoid division by zero."""
    momentum: Decay = Field(default=0.0, examples=[0.9])
    """The fraction of its direction that each step passes on to the next."""
    centered: bool = False
    """Whether to use the variance of the gradients instead of their mean square."""

    def follow(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        # The slots hold v / (1 - alpha) and a / (1 - alpha), whose updates take fewer passes over memory;
        # what that leaves of the scale, 1 / sqrt(1 - alpha), goes into the learning rate.
        rest = 1.0 - self.alpha
        scale = sqrt(rest)
        slot_v = build.slot("square")
        spread = build.keep(slot_v, slot_v * self.alpha + ops.square(g))
        if self.centered:
            slot_a = build.slot("mean")
            a = build.keep(slot_a, slot_a * self.alpha + g)
            spread = ops.maximum(spread - ops.square(a) * rest, 0.0)
        d = g / (ops.sqrt(spread) + self.epsilon / scale)
        if self.momentum:
            slot_d = build.slot("momentum")
            d = build.keep(slot_d, slot_d * self.momentum + d)
        return p - d * (lr * (1.0 / scale))

    def follow_textbook(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        alpha, rest = build.option("alpha", self.alpha), 1.0 - self.alpha
        slot_v = build.slot("v", origin="square", scale=rest)
        v = build.keep(slot_v, alpha * slot_v + (1.0 - alpha) * ops.square(g))
        if self.centered:
            slot_a = build.slot("g_mean", origin="mean", scale=rest)
            a = build.keep(slot_a, alpha * slot_a + (1.0 - alpha) * g)
            v = build.name("variance", ops.maximum(v - ops.square(a), 0.0))
        d = g / (ops.sqrt(v) + build.option("epsilon", self.epsilon))
        if self.momentum:
            slot_d = build.slot("velocity", origin="momentum", scale=1.0 / sqrt(rest))
            d = build.keep(slot_d, build.option("momentum", self.momentum) * slot_d + d)
        return p - lr * d


class Adadelta(Decaying):
    """Scale steps by the ratio of recent steps to recent gradients (Zeiler, 2012).

        v <- rho v + (1 - rho) g^2
        d = sqrt(u + epsilon) / sqrt(v + epsilon) * g
        u <- rho u + (1 - rho) d^2
        p <- p - lr * d

    epsilon is inside both roots, and rho is 0.9, epsilon 1e-6 and lr 1 by default, all as in PyTorch and the
    paper; Keras has rho 0.95, epsilon 1e-7 and lr 0.001. `weight_decay` adds weight_decay * p to g first, as
    in PyTorch.
    """

    type: Literal["adadelta"] = "adadelta"
    learning_rate: PositiveFloat = 1.0
    """The step size; schedules start from it."""
    rho: Decay = 0.9
    """The decay of both running means."""
    epsilon: PositiveFloat = 1e-6
    """Added under both roots; it makes the first step larger than 0."""

    def follow(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        slot_v, slot_u = build.slot("square"), build.slot("step_square")
        # The slots hold v / (1 - rho) and u / (1 - rho); the quotient of the roots is the same for it, with
        # epsilon scaled alike.
        epsilon = self.epsilon / (1.0 - self.rho)
        v = build.keep(slot_v, slot_v * self.rho + ops.square(g))
        d = ops.sqrt((slot_u + epsilon) / (v + epsilon)) * g
        build.keep(slot_u, slot_u * self.rho + ops.square(d))
        return p - d * lr

    def follow_textbook(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        rho, epsilon = build.option("rho", self.rho), build.option("epsilon", self.epsilon)
        slot_v = build.slot("v", origin="square", scale=1.0 - self.rho)
        slot_u = build.slot("u", origin="step_square", scale=1.0 - self.rho)
        v = build.keep(slot_v, rho * slot_v + (1.0 - rho) * ops.square(g))
        d = build.name("d", ops.sqrt(slot_u + epsilon) / ops.sqrt(v + epsilon) * g)
        build.keep(slot_u, rho * slot_u + (1.0 - rho) * ops.square(d))
        return p - lr * d
