from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.builder import Builder, LengthUse, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import Dim, show
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.layers import ALL_STEPS
from specnet.vocabulary.layers.dropping import Rate, dropped
from specnet.vocabulary.layers.sequences import places, sequence_sizes, step_numbers
from specnet.vocabulary.layers.weights import Biased, Kernelled

HIDDEN = -1e9
"""What is added to the score of a step that is not seen: its weight is exactly 0."""


AHEAD = "sees steps ahead: it is not causal"

LARGEST = 2**40
"""The number of features of all heads that no memory holds a kernel for."""


class _Part(NamedTuple):
    """Steps that are seen: their keys and values, and their numbers (steps,)."""

    key: Value
    value: Value
    numbers: Value


class Attending(Biased, Kernelled):
    """Base of layers that let the steps of a sequence see each other."""

    heads: PositiveInt = Field(default=1, examples=[4])
    """The number of heads."""
    head_dim: PositiveInt | None = Field(default=None, examples=[16])
    """The number of features of a head; by default the features of x divided among the heads."""
    kv_heads: PositiveInt | None = Field(default=None, examples=[2])
    """The number of heads of keys and values, each of which serves several heads of queries (Ainslie et al., 2023); by
    default as many as `heads`."""
    causal: bool = False
    """Whether a step sees only itself and those before it."""
    window: PositiveInt | None = Field(default=None, examples=[8])
    """How many steps a step sees, itself included: those before it, or without `causal` those on either side; by
    default all."""
    positions: Literal["rotary", "alibi"] | None = None
    """How positions enter: "rotary" turns queries and keys by angles that grow with the position (Su et al., 2021),
    pairing feature i with i + head_dim / 2, and "alibi" lowers scores in proportion to the distance (Press et al.,
    2022)."""
    rotary_base: PositiveFloat = Field(default=10000.0, examples=[500000.0])
    """The slowest angle of `rotary` turns once in about this many steps."""

    takes: ClassVar[tuple[int, int | None]] = (1, 2)
    masking: ClassVar[MaskUse] = "own"
    lengths: ClassVar[LengthUse | None] = "masked"

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        if not build.streams(xs[0]):
            return ALL_STEPS
        return None if self.causal or not build.streams(xs[-1]) else AHEAD

    @table_check()
    def _groups(self) -> Iterator[PydanticCustomError]:
        if self.kv_heads is not None and self.heads % self.kv_heads:
            fitting = [n for n in range(1, self.heads + 1) if self.heads % n == 0]
            message = f"`kv_heads` must divide the {self.heads} heads evenly, got {self.kv_heads}"
            yield fault(message, key="kv_heads", code="SN208", help=f"one of {', '.join(map(str, fitting))}")

    @table_check()
    def _base(self) -> Iterator[PydanticCustomError]:
        if self.rotary_base != 10000.0 and self.positions != "rotary":
            message = '`rotary_base` would be ignored without positions = "rotary"'
            yield fault(message, key="rotary_base", code="SN306", part="key", help="leave it out")

    def lower(self, build: Builder, x: Value) -> Value:
        return self.lower_all(build, (x,))


class Attention(Attending):
    """y = the mean of all steps' values, weighted by how well their keys fit each step's query, for several heads.

    x (batch, steps, in) -> y (batch, steps, in), with, for each head,

        y = softmax(query · key^T / sqrt(head_dim)) · value

    and the heads side by side, multiplied by the kernel of the output (Vaswani et al., 2017). `query`, `key`, `value`
    and `output` have a kernel (in, heads * head_dim) and a bias each: `attention_1.query.kernel`; that of the output
    is (heads * head_dim, in). With a second layer named by `inputs`, keys and values come from that one, (batch,
    other steps, features). Steps that are padding are not seen. It is Keras's MultiHeadAttention and
    PyTorch's MultiheadAttention, which holds the first three kernels in one.
    """

    type: Literal["attention"] = "attention"
    dropout: Rate = 0.0
    """In training, the fraction of attention weights set to 0."""

    def lower_all(self, build: Builder, xs: tuple[Value, ...]) -> Value:
        x, context = xs[0], xs[-1]
        batch, steps, features = sequence_sizes(self.type, x)
        _, seen, _ = sequence_sizes(self.type, context)
        size = self._head_dim(x, features)
        shared = self.kv_heads or self.heads
        groups = self.heads // shared

        def heads(source: Value, length: Dim, name: str, count: int) -> Value:
            """Return (batch, shared, count / shared, steps, head_dim)."""
            y = self._projected(build, source, name, count * size)
            y = ops.reshape(y, shape=(batch, length, shared, count // shared, size))
            y = ops.transpose(y, axes=(0, 2, 3, 1, 4))
            turned = name != "value" and self.positions == "rotary"
            return self._turned(y, step_numbers(build, source), size) if turned else y

        def of_context(name: str) -> Value:
            def made() -> Value:
                return heads(context, seen, name, shared)

            if not build.streams(x) or build.streams(context):
                return made()
            return build.held(name, (batch, shared, 1, seen, size), made)

        query = heads(x, steps, "query", self.heads) * size**-0.5
        parts = [_Part(of_context("key"), of_context("value"), step_numbers(build, context))]
        window = min(self.window, build.most(steps) + build.most(seen)) if self.window else None
        if build.streaming is not None and build.streams(context):
            window = min(self.window or build.streaming.steps, build.streaming.steps)
            parts = [*_before(build, parts[0], window - 1), *parts]
        scores = _joined([ops.MATMUL(query, part.key, b_t=True) for part in parts], axis=4)
        numbers = step_numbers(build, x), _joined([part.numbers for part in parts], axis=0)
        bias = self._bias(*numbers, window, shared, groups)
        mask = build.mask_of(context)
        if mask is not None:
            exists = mask
            there = build.held("mask", (batch, seen), lambda: exists) if build.streams(x) else exists
            hidden = ops.reshape((1.0 - there) * HIDDEN, shape=(batch, 1, 1, 1, seen))
            bias = hidden if bias is None else bias + hidden
        weights = ops.softmax(scores if bias is None else scores + bias)
        weights = dropped(build, weights, self.dropout)
        mixed = ops.transpose(_mixed(weights, [part.value for part in parts]), axes=(0, 3, 1, 2, 4))
        mixed = ops.reshape(mixed, shape=(batch, steps, self.heads * size))
        return build.mask(self._projected(build, mixed, "output", features), build.mask_of(x))

    def _projected(self, build: Builder, x: Value, name: str, units: int) -> Value:
        shape = (self.features(x), units)
        y = x @ build.parameter(f"{name}.kernel", shape, self.kernel_init, self.kernel_regularizer)
        if not self.use_bias:
            return y
        return y + build.parameter(f"{name}.bias", (units,), self.bias_init, self.bias_regularizer)

    def _turned(self, y: Value, numbers: Value, size: int) -> Value:
        """Turn each pair of features (..., steps, head_dim) by an angle in proportion to its step's number."""
        half, none = size // 2, ((0, 0),) * (y.rank - 1)
        speeds = ops.exp(places(y.graph, half) * (-math.log(self.rotary_base) / half))
        angles = ops.reshape(numbers, shape=(y.shape[-2], 1)) * speeds
        cosine, sine = ops.cos(angles), ops.sin(angles)
        first = ops.crop(y, margins=(*none, (0, half)))
        second = ops.crop(y, margins=(*none, (half, 0)))
        return ops.concat(first * cosine - second * sine, second * cosine + first * sine, axis=y.rank - 1)

    def _bias(
        self, numbers: Value, numbers_seen: Value, window: int | None, shared: int, groups: int
    ) -> Value | None:
        """Return what is added to the scores, (steps, seen) or (shared, groups, steps, seen), or None."""
        if not (self.causal or window or self.positions == "alibi"):
            return None
        after = ops.reshape(numbers, shape=(*numbers.shape, 1)) - numbers_seen
        distance = after if self.causal else ops.absolute(after)
        bias = distance * 0.0
        if self.positions == "alibi":
            slopes = ops.exp((places(after.graph, self.heads) + 1.0) * (-8.0 * math.log(2.0) / self.heads))
            bias = -(ops.reshape(slopes, shape=(shared, groups, 1, 1)) * distance)
        if window:
            bias = ops.where(ops.less(distance, float(window)), bias, HIDDEN)
        return ops.where(ops.less(after, 0.0), HIDDEN, bias) if self.causal else bias

    def _head_dim(self, x: Value, features: int) -> int:
        if self.head_dim is None and features % self.heads:
            raise ShapeFault(
                f"attention cannot divide the {features} features of {show(x.shape)} among {self.heads} heads",
                x,
                help="`head_dim` sets the features of a head",
            )
        size = self.head_dim or features // self.heads
        if self.heads * size > LARGEST:
            raise ShapeFault(
                f"attention cannot have {self.heads * size} features in all its heads",
                x,
                help="a smaller `head_dim`",
            )
        if self.positions == "rotary" and size % 2:
            raise ShapeFault(
                f"rotary positions turn pairs of features, and a head has {size}",
                x,
                help=f"head_dim = {size + 1}",
            )
        return size


def _before(build: Builder, new: _Part, length: int) -> list[_Part]:
    """Return the part of so many steps before the new ones, as far as any are seen."""
    key, value = (build.past(name, y, 3, length) for name, y in (("key", new.key), ("value", new.value)))
    return [_Part(key.before, value.before, key.positions)] if key and value else []


def _joined(parts: list[Value], axis: int) -> Value:
    return ops.concat(*parts, axis=axis) if len(parts) > 1 else parts[0]


def _mixed(weights: Value, values: list[Value]) -> Value:
    """Return the mean of values, in parts (..., seen, head_dim), by their weights (..., steps, all seen)."""
    (*parts, last), none = values, ((0, 0),) * (weights.rank - 1)
    if not parts:
        return ops.MATMUL(weights, last)
    ((before),) = parts
    ends = before.shape[-2], last.shape[-2]
    first = ops.crop(weights, margins=(*none, (0, ends[1])))
    second = ops.crop(weights, margins=(*none, (ends[0], 0)))
    return ops.MATMUL(first, before) + ops.MATMUL(second, last)
