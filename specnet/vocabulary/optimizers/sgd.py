from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.update_builder import UpdateBuilder
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.optimizers import Decay, Decaying


class SGD(Decaying):
    """Gradient descent (Robbins and Monro, 1951), optionally with momentum (Polyak, 1964; Nesterov, 1983).

    Without momentum, p <- p - lr * g. With it,

        d <- momentum * d + (1 - dampening) g      (d = g at the first step)
        p <- p - lr * d                            or, with `nesterov`, p <- p - lr * (g + momentum * d)

    as in PyTorch (Sutskever et al., 2013, and Keras include lr in d, which differs where lr changes).
    `weight_decay` adds weight_decay * p to g first, as in PyTorch; in Keras it shrinks p separately from the gradient.
    """

    type: Literal["sgd"] = "sgd"
    momentum: Decay = Field(default=0.0, examples=[0.9])
    """The fraction of its direction that each step passes on to the next."""
    dampening: Decay = 0.0
    """The fraction of each gradient that momentum leaves out, except at the first step."""
    nesterov: bool = False
    """Whether to use Nesterov's momentum, which looks one step ahead."""

    @table_check()
    def _nesterov_has_momentum(self) -> Iterator[PydanticCustomError]:
        if self.nesterov and not self.momentum:
            yield fault("nesterov needs momentum", key="nesterov", help="set momentum, such as 0.9")

    @table_check()
    def _dampening_has_momentum(self) -> Iterator[PydanticCustomError]:
        if self.dampening and not self.momentum:
            yield fault("dampening needs momentum", key="dampening", help="set momentum, such as 0.9")

    @table_check()
    def _one_of_both(self) -> Iterator[PydanticCustomError]:
        if self.nesterov and self.dampening:
            yield fault(
                "nesterov and dampening exclude each other", key="dampening", help="leave one of them out"
            )

    def follow(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        if not self.momentum:
            return p - g * lr
        slot = build.slot("momentum")
        if self.nesterov:
            # The slot holds momentum * d, which a step needs twice over: one pass over memory fewer.
            carried = build.keep(slot, (slot + g) * self.momentum)
            return p - (g + carried) * lr
        if self.dampening:
            # At t = 1 nothing is left out; 1 - min(t - 1, 1) * dampening says so without a branch.
            g = g * (1.0 - ops.minimum(t - 1.0, 1.0) * self.dampening)
        return p - build.keep(slot, slot * self.momentum + g) * lr

    def follow_textbook(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        if not self.momentum:
            return p - lr * g
        momentum = build.option("momentum", self.momentum)
        scale = 1.0 / self.momentum if self.nesterov else 1.0
        slot = build.slot("velocity", origin="momentum", scale=scale)
        own = g
        if self.dampening:
            # At t = 1 nothing is left out; 1 - min(t - 1, 1) * dampening says so without a branch.
            own = (1.0 - ops.minimum(t - 1.0, 1.0) * build.option("dampening", self.dampening)) * g
        d = build.keep(slot, momentum * slot + own)
        return p - lr * (g + momentum * d) if self.nesterov else p - lr * d
