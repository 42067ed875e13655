from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat

from specnet.graph import ops
from specnet.graph.builder import UpdateBuilder
from specnet.graph.graph import Value
from specnet.vocabulary.optimizers.optimizer import NonNegative, Stepping, with_decay


class Adagrad(Stepping):
    """Divide steps by the root of the sum of all squared gradients so far (Duchi et al., 2011).

        s <- s + g^2;  p <- p - lr / (1 + (t - 1) lr_decay) * g / (sqrt(s) + epsilon)

    epsilon is added outside the root, as in PyTorch; Keras has it inside. s starts from 0 as in PyTorch,
    from 0.1 in Keras. `weight_decay` adds weight_decay * p to g first, as in PyTorch.
    """

    type: Literal["adagrad"] = "adagrad"
    lr_decay: NonNegative = 0.0
    """How fast the learning rate decays, in addition to the schedule."""
    initial_accumulator_value: NonNegative = 0.0
    """The initial value of s."""
    epsilon: PositiveFloat = 1e-10
    """Added to the root to avoid division by zero."""
    weight_decay: NonNegative = 0.0
    """The factor of p that is added to the gradient."""

    def step(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        g = with_decay(p, g, self.weight_decay)
        slot = build.slot("square_sum", self.initial_accumulator_value)
        s = build.keep(slot, slot + ops.square(g))
        rate = lr / (1.0 + (t - 1.0) * self.lr_decay) if self.lr_decay else lr
        return p - g / (ops.sqrt(s) + self.epsilon) * rate
