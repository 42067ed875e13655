from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.layers import ALL_STEPS
from specnet.vocabulary.layers.attention import AHEAD, Attending, Attention
from specnet.vocabulary.layers.dense import Dense
from specnet.vocabulary.layers.dropping import Rate, dropped
from specnet.vocabulary.layers.normalisation import LayerNorm, RMSNorm
from specnet.vocabulary.layers.parts import shared, within
from specnet.vocabulary.layers.sequences import sequence_sizes
from specnet.vocabulary.layers.weights import Weighted


class TransformerBlock(Attending):
    """Let the steps of a sequence see each other, then transform each by itself; both are added to what they get.

    x (batch, steps, features) -> y of the same shape, with `norm_first`

        h = x + attention(norm(x))
        y = h + mlp(norm(h)),    mlp(h) = activation(h·kernel + bias)·kernel + bias

    and without it h = norm(x + attention(x)), y = norm(h + mlp(h)) (Vaswani et al., 2017). With a second layer named by
    `inputs` it is the block of a decoder: between the two, the steps see those of that layer. The parts are called
    `attention_norm`, `attention`, `cross_norm`, `cross_attention`, `mlp_norm`, `hidden`, `gate` and `output`. It is
    PyTorch's TransformerEncoderLayer and TransformerDecoderLayer.
    """

    type: Literal["transformer_block"] = "transformer_block"
    hidden_units: PositiveInt | None = Field(default=None, examples=[256])
    """The number of features between the two products of the second part; by default four times those of x."""
    activation: Annotated[Activation, ACTIVATIONS] = ACTIVATIONS.field("gelu")
    """The activation between them."""
    gated: bool = False
    """Whether the activated features are multiplied by another product with x: with activation = "silu", a SwiGLU
    (Shazeer, 2020)."""
    norm: Literal["layer_norm", "rms_norm"] = "layer_norm"
    """The layer that normalises."""
    norm_first: bool = True
    """Whether the inputs of the two parts are normalised, and not their sums with what is added."""
    epsilon: PositiveFloat = 1e-5
    """Added to variances or mean squares to avoid division by zero."""
    dropout: Rate = 0.0
    """In training, the fraction of attention weights, of hidden features, and of what each part gives that is set to
    0."""

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        if any(map(build.streams, xs[1:])):
            return ALL_STEPS
        return None if self.causal else AHEAD

    def lower_all(self, build: Builder, xs: tuple[Value, ...]) -> Value:
        _, _, features = sequence_sizes(self.type, xs[0])
        attention = Attention(dropout=self.dropout, **shared(self, Attending.model_fields))
        x = self._part(build, xs[0], "attention", lambda y: attention.lower(build, y))
        for context in xs[1:]:
            # What is ahead of a step is its own sequence's; positions count within that, too.
            cross = attention.model_copy(
                update={"causal": False, "window": None, "positions": None, "rotary_base": 10000.0}
            )
            x = self._part(build, x, "cross_attention", lambda y: cross.lower_all(build, (y, context)))  # noqa: B023
        return self._part(build, x, "mlp", lambda y: self._mlp(build, y, features))

    def _part(self, build: Builder, x: Value, name: str, transform: Callable[[Value], Value]) -> Value:
        """Return x plus what a part makes of it, one of both normalised."""
        norm_name = f"{name.removesuffix('_attention')}_norm"
        there = build.mask_of(x)

        def normalised(y: Value) -> Value:
            made = (
                LayerNorm(epsilon=self.epsilon)
                if self.norm == "layer_norm"
                else RMSNorm(epsilon=self.epsilon)
            )
            with within(build, norm_name):
                return build.mask(made.lower(build, y), there)

        def transformed(y: Value) -> Value:
            if name == "mlp":
                return transform(y)
            with within(build, name):
                return transform(y)

        if self.norm_first:
            return build.mask(x + self._dropped(build, transformed(normalised(x)), name), there)
        return build.mask(normalised(x + self._dropped(build, transformed(x), name)), there)

    def _mlp(self, build: Builder, x: Value, features: int) -> Value:
        options = shared(self, Weighted.model_fields)
        wide = self.hidden_units or 4 * features

        def product(name: str, y: Value, units: int) -> Value:
            with within(build, name):
                return Dense(units=units, **options).lower(build, y)

        y = self.activation.lower(product("hidden", x, wide))
        if self.gated:
            y = y * product("gate", x, wide)
        return product("output", self._dropped(build, y, "hidden"), features)

    def _dropped(self, build: Builder, x: Value, use: str) -> Value:
        return dropped(build, x, self.dropout, use=f"{use}_mask")
