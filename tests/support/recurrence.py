"""A layer that only the tests have: a plain recurrence, for what loops must do in documents, runs and exports."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.graph.leaves import constant
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.layers import Layer


class Recurrence(Layer):
    """h[t] = tanh(x[t]·kernel + bias + h[t-1]·recurrent).  x (batch, steps, in) -> h (batch, steps, units)."""

    type: Literal["recurrence"] = "recurrence"
    units: PositiveInt
    """The number of output features."""
    unrolled: bool = False
    """Whether the steps are ops of the graph around, one after the other, in the place of a loop."""
    rate: float = 0.0
    """How much of the state is dropped at each step."""
    kernel_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("glorot_uniform")
    """Initializer of the kernel."""
    recurrent_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("orthogonal")
    """Initializer of the recurrent kernel."""
    bias_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("zeros")
    """Initializer of the bias."""

    def lower(self, build: Builder, x: Value) -> Value:
        batch, steps, features = x.shape
        assert isinstance(steps, int)
        assert isinstance(features, int)
        kernel = build.parameter("kernel", (features, self.units), self.kernel_init)
        recurrent = build.parameter("recurrent", (self.units, self.units), self.recurrent_init)
        bias = build.parameter("bias", (self.units,), self.bias_init)

        def step(states: tuple[Value, ...], slices: tuple[Value, ...]) -> tuple[list[Value], list[Value]]:
            (h,), (x_t,) = states, slices
            h = ops.tanh(x_t @ kernel + bias + h @ recurrent)
            if self.rate and build.training:
                stream = build.stream("mask")
                h = h * ops.dropout_mask(h, rate=self.rate, scale=1 / (1 - self.rate), stream=stream)
            return [h], [h]

        first = ops.expand(constant(build.graph, 0.0), shape=(batch, self.units))
        turned = ops.transpose(x, axes=(1, 0, 2))
        if not self.unrolled:
            _, (y,) = ops.scan(step, [first], [turned])
            return ops.transpose(y, axes=(1, 0, 2))
        states, outputs = (first,), []
        for t in range(steps):
            x_t = ops.crop(turned, margins=((t, steps - 1 - t), (0, 0), (0, 0)))
            states, (y,) = step(states, (ops.reshape(x_t, shape=(batch, features)),))
            outputs.append(ops.reshape(y, shape=(1, batch, self.units)))
        return ops.transpose(ops.concat(*outputs, axis=0), axes=(1, 0, 2))
