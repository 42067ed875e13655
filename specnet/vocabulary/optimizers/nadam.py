from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat

from specnet.graph import ops
from specnet.graph.builder import UpdateBuilder
from specnet.graph.graph import Value
from specnet.vocabulary.optimizers.optimizer import Decay, NonNegative, Stepping, with_decay


class NAdam(Stepping):
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
    weight_decay: NonNegative = 0.0
    """The factor of p that is added to the gradient."""

    def step(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        g = with_decay(p, g, self.weight_decay)
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

    def _momentum(self, t: Value) -> Value:
        return self.beta_1 - ops.power(0.96**self.momentum_decay, t) * (0.5 * self.beta_1)
