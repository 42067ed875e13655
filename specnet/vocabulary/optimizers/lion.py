from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.update_builder import UpdateBuilder
from specnet.vocabulary.optimizers import Decay, WeightDecaying, shrunk, shrunk_textbook


class Lion(WeightDecaying):
    """Take steps of equal size in every element, with the sign of a running mean (Chen et al., 2023).

        d = sign(beta_1 m + (1 - beta_1) g)
        m <- beta_2 m + (1 - beta_2) g
        p <- (1 - lr * weight_decay) p - lr * d

    The decay is decoupled, as in the paper, its authors' code and Keras; the paper recommends a learning rate
    3 to 10 times smaller than AdamW's, and a decay larger by the same factor.
    """

    type: Literal["lion"] = "lion"
    learning_rate: PositiveFloat = 1e-4
    """The step size in every element; schedules start from it."""
    beta_1: Decay = 0.9
    """The weight of the running mean in the direction of a step."""
    beta_2: Decay = 0.99
    """The decay of the running mean of gradients."""

    def step(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        slot = build.slot("mean")
        # The slot holds m / (1 - beta_2), and a positive scale leaves a sign as it is. The old slot is read
        # in full before the new one is made, so that the new may take its place.
        d = ops.sign(slot * (self.beta_1 * (1.0 - self.beta_2) / (1.0 - self.beta_1)) + g)
        build.keep(slot, slot * self.beta_2 + g)
        return shrunk(build, p, lr, self.decay_value) - d * lr

    def textbook(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        beta_1, beta_2 = build.option("beta_1", self.beta_1), build.option("beta_2", self.beta_2)
        slot = build.slot("m", origin="mean", scale=1.0 - self.beta_2)
        d = build.name("d", ops.sign(beta_1 * slot + (1.0 - beta_1) * g))
        build.keep(slot, beta_2 * slot + (1.0 - beta_2) * g)
        return shrunk_textbook(build, p, lr, self.decay_value) - lr * d
