"""Elements that layers set to 0 at random in training."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.graph.sizes import Shape
from specnet.vocabulary.schedules.scheduled import ScheduledRate

Rate = Annotated[float, Field(ge=0, lt=1)]

MaybeScheduled = Rate | ScheduledRate
"""A rate, or one that changes over the training."""


def value_of(rate: MaybeScheduled) -> float:
    """Return a rate, or the one that its schedule starts from."""
    return rate.value if isinstance(rate, ScheduledRate) else rate


def drawn_mask(
    build: Builder, x: Value, rate: float, *, use: str = "mask", shape: Shape | None = None
) -> Value | None:
    """Return what x is multiplied by in training: 0 for a fraction of its elements, 1 / (1 - rate) for the others.

    None where nothing is dropped. `use` names the stream of randomness; with a `shape`, which x stretches, several
    elements are dropped together.
    """
    if not build.training or rate == 0:
        return None
    return ops.dropout_mask(x, stream=build.stream(use), rate=rate, scale=1.0 / (1.0 - rate), shape=shape)


def dropped(
    build: Builder, x: Value, rate: MaybeScheduled, *, use: str = "mask", shape: Shape | None = None
) -> Value:
    """Return x times its mask; see `drawn_mask`."""
    if isinstance(rate, ScheduledRate):
        assert shape is None, "elements are dropped one by one"
        if not build.training:
            return x
        share = build.now(rate.lower)
        kept = ops.greater_equal(ops.uniform_noise(x, stream=build.stream(use)), share)
        return x * ops.where(kept, 1.0 / (1.0 - share), 0.0)
    mask = drawn_mask(build, x, rate, use=use, shape=shape)
    return x if mask is None else x * mask
