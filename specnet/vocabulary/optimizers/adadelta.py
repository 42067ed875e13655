from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat

from specnet.graph import ops
from specnet.graph.builder import UpdateBuilder
from specnet.graph.graph import Value
from specnet.vocabulary.optimizers.optimizer import Decay, NonNegative, Stepping, with_decay


class Adadelta(Stepping):
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
    weight_decay: NonNegative = 0.0
    """The factor of p that is added to the gradient."""

    def step(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        g = with_decay(p, g, self.weight_decay)
        slot_v, slot_u = build.slot("square"), build.slot("step_square")
        # The slots hold v / (1 - rho) and u / (1 - rho); the quotient of the roots is the same for it, with
        # epsilon scaled alike.
        epsilon = self.epsilon / (1.0 - self.rho)
        v = build.keep(slot_v, slot_v * self.rho + ops.square(g))
        d = ops.sqrt((slot_u + epsilon) / (v + epsilon)) * g
        build.keep(slot_u, slot_u * self.rho + ops.square(d))
        return p - d * lr
