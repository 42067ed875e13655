"""Adam, and what follows from it."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.leaves import constant
from specnet.graph.update_builder import UpdateBuilder
from specnet.vocabulary.optimizers import (
    Decay,
    Decaying,
    NonNegative,
    Stepping,
    WeightDecaying,
    shrunk,
    shrunk_textbook,
)
from specnet.vocabulary.schedules.scheduled import ScheduledNumber


class Moments(Stepping):
    """Base of Adam and AdamW: running means of gradients and of their squares.

        m <- beta_1 m + (1 - beta_1) g      m^ = m / (1 - beta_1^t)
        v <- beta_2 v + (1 - beta_2) g^2    v^ = v / (1 - beta_2^t)

    The slots hold M = m / (1 - beta_1) and V = v / (1 - beta_2), whose updates take two passes over memory
    fewer, and all scalar factors are moved out of the vector operations:

        m^ / (sqrt(v^) + epsilon) = (1 - beta_1) / (1 - beta_1^t) r M / (sqrt(V) + r epsilon),
        r = sqrt((1 - beta_2^t) / (1 - beta_2))
    """

    learning_rate: PositiveFloat = 0.001
    """The step size; schedules start from it."""
    beta_1: Decay = 0.9
    """The decay of the running mean of gradients."""
    beta_2: Decay = 0.999
    """The decay of the running mean of squared gradients."""
    epsilon: PositiveFloat = 1e-8
    """Added to the root to avoid division by zero."""
    amsgrad: bool = False
    """Whether to use the maximum of v so far instead of v, so that no element's step grows again."""

    def follow(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        """Return p - lr * m^ / (sqrt(v^) + epsilon)."""
        slot_m, slot_v = build.slot("mean"), build.slot("square")
        m = build.keep(slot_m, slot_m * self.beta_1 + g)
        v = build.keep(slot_v, slot_v * self.beta_2 + ops.square(g))
        if self.amsgrad:
            slot_largest = build.slot("largest_square")
            v = build.keep(slot_largest, ops.maximum(slot_largest, v))
        root = ops.sqrt((1.0 - ops.power(self.beta_2, t)) * (1.0 / (1.0 - self.beta_2)))
        rate = lr * (1.0 - self.beta_1) / (1.0 - ops.power(self.beta_1, t)) * root
        return p - m / (ops.sqrt(v) + root * self.epsilon) * rate

    def follow_textbook(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        """Return the same from m and v themselves."""
        beta_1, beta_2 = build.option("beta_1", self.beta_1), build.option("beta_2", self.beta_2)
        slot_m = build.slot("m", origin="mean", scale=1.0 - self.beta_1)
        slot_v = build.slot("v", origin="square", scale=1.0 - self.beta_2)
        m = build.keep(slot_m, beta_1 * slot_m + (1.0 - beta_1) * g)
        v = build.keep(slot_v, beta_2 * slot_v + (1.0 - beta_2) * ops.square(g))
        if self.amsgrad:
            slot_largest = build.slot("v_max", origin="largest_square", scale=1.0 - self.beta_2)
            v = build.keep(slot_largest, ops.maximum(slot_largest, v))
        m_hat = build.name("m_hat", m / (1.0 - ops.power(beta_1, t)))
        v_hat = build.name("v_hat", v / (1.0 - ops.power(beta_2, t)))
        return p - lr * m_hat / (ops.sqrt(v_hat) + build.option("epsilon", self.epsilon))


class Adam(Moments, Decaying):
    """p <- p - lr * m^ / (sqrt(v^) + epsilon) (Kingma and Ba, 2015).

        m <- beta_1 m + (1 - beta_1) g      m^ = m / (1 - beta_1^t)
        v <- beta_2 v + (1 - beta_2) g^2    v^ = v / (1 - beta_2^t)

    epsilon is added to the corrected root, as in PyTorch and the paper's algorithm; Keras adds it to the
    uncorrected one. `amsgrad` keeps the maximum of v and corrects that, as PyTorch and Keras do (Reddi et al.,
    2018, do not correct). `weight_decay` adds weight_decay * p to g first, as in PyTorch; AdamW, and every
    optimizer of Keras, decays separately from the gradient.
    """

    type: Literal["adam"] = "adam"


class AdamW(Moments, WeightDecaying):
    """p <- (1 - lr * weight_decay) p - lr * m^ / (sqrt(v^) + epsilon) (Loshchilov and Hutter, 2019).

    m^, v^ and the position of epsilon are the same as for Adam. As in PyTorch and Keras the decay is multiplied by the
    learning rate of the step, and so follows the schedule; the default is PyTorch's 0.01, Keras's is 0.004.
    """

    type: Literal["adamw"] = "adamw"
    weight_decay: NonNegative | ScheduledNumber = 0.01
    """The fraction of p that a step at learning rate 1 would subtract; `{ value = 0.02, schedule = "flat_cosine" }` for
    one that changes over the training, and with it those of groups of parameters."""

    def step(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        return self.follow(build, shrunk(build, p, lr, self.decay_value), g, lr, t)

    def textbook(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        return self.follow_textbook(build, shrunk_textbook(build, p, lr, self.decay_value), g, lr, t)


class NAdam(Decaying):
    """Adam with Nesterov's momentum (Dozat, 2016).

        m <- beta_1 m + (1 - beta_1) g;  v <- beta_2 v + (1 - beta_2) g^2
        mu_t = beta_1 (1 - 0.96^(t * momentum_decay) / 2);  P_t = mu_1 * ... * mu_t
        m^ = mu_(t+1) / (1 - P_(t+1)) m + (1 - mu_t) / (1 - P_t) g;  v^ = v / (1 - beta_2^t)
        p <- p - lr * m^ / (sqrt(v^) + epsilon)

    epsilon is added to the corrected root, as in PyTorch and Keras; Keras fixes `momentum_decay` at 0.004.
    `weight_decay` adds weight_decay * p to g first, as in PyTorch.
    """

    type: Literal["nadam"] = "nadam"
    learning_rate: PositiveFloat = 0.002
    """The step size; schedules start from it."""
    beta_1: Decay = 0.9
    """The decay of the running mean of gradients, once it has warmed up."""
    beta_2: Decay = 0.999
    """The decay of the running mean of squared gradients."""
    epsilon: PositiveFloat = 1e-8
    """Added to the root to avoid division by zero."""
    momentum_decay: NonNegative = 0.004
    """How fast the momentum grows from half of `beta_1` to all of it."""

    def follow(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        slot_m, slot_v = build.slot("mean"), build.slot("square")
        slot_product = build.slot("product", initial=1.0, shape=(1,))
        # As in Adam, the slots hold m / (1 - beta_1) and v / (1 - beta_2).
        m = build.keep(slot_m, slot_m * self.beta_1 + g)
        v = build.keep(slot_v, slot_v * self.beta_2 + ops.square(g))
        now, then = self._momentum(t), self._momentum(t + 1.0)
        # As a scalar, the product stays out of the passes over the vectors.
        product = ops.sum_all(build.keep(slot_product, slot_product * now))
        root = ops.sqrt((1.0 - ops.power(self.beta_2, t)) * (1.0 / (1.0 - self.beta_2)))
        rate = lr * root
        ahead = (rate * then * (1.0 - self.beta_1)) / (1.0 - product * then)
        here = (rate * (1.0 - now)) / (1.0 - product)
        return p - (m * ahead + g * here) / (ops.sqrt(v) + root * self.epsilon)

    def follow_textbook(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        beta_1, beta_2 = build.option("beta_1", self.beta_1), build.option("beta_2", self.beta_2)
        slot_m = build.slot("m", origin="mean", scale=1.0 - self.beta_1)
        slot_v = build.slot("v", origin="square", scale=1.0 - self.beta_2)
        slot_product = build.slot("mu_products", initial=1.0, shape=(1,), origin="product")
        m = build.keep(slot_m, beta_1 * slot_m + (1.0 - beta_1) * g)
        v = build.keep(slot_v, beta_2 * slot_v + (1.0 - beta_2) * ops.square(g))
        decay = build.option("momentum_decay", self.momentum_decay)

        def momentum(t: Value) -> Value:
            return beta_1 * (1.0 - 0.5 * ops.power(ops.power(constant(t.graph, 0.96), decay), t))

        mu, mu_next = build.name("mu", momentum(t)), build.name("mu_next", momentum(t + 1.0))
        product = build.name("mu_product", ops.sum_all(build.keep(slot_product, slot_product * mu)))
        ahead = mu_next * m / (1.0 - product * mu_next)
        m_hat = build.name("m_hat", ahead + (1.0 - mu) * g / (1.0 - product))
        v_hat = build.name("v_hat", v / (1.0 - ops.power(beta_2, t)))
        return p - lr * m_hat / (ops.sqrt(v_hat) + build.option("epsilon", self.epsilon))

    def _momentum(self, t: Value) -> Value:
        return self.beta_1 - ops.power(0.96**self.momentum_decay, t) * (0.5 * self.beta_1)
