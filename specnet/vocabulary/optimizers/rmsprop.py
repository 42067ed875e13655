from __future__ import annotations

from math import sqrt
from typing import Literal

from pydantic import PositiveFloat

from specnet.graph import ops
from specnet.graph.builder import UpdateBuilder
from specnet.graph.graph import Value
from specnet.vocabulary.optimizers.optimizer import Decay, NonNegative, Stepping, with_decay


class RMSProp(Stepping):
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
    momentum: Decay = 0.0
    """The fraction of its direction that each step passes on to the next."""
    centered: bool = False
    """Whether to use the variance of the gradients instead of their mean square."""
    weight_decay: NonNegative = 0.0
    """The factor of p that is added to the gradient."""

    def step(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        g = with_decay(p, g, self.weight_decay)
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
