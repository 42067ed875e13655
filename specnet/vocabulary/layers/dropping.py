"""Elements that layers set to 0 at random in training."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.graph.sizes import Shape

Rate = Annotated[float, Field(ge=0, lt=1)]


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


def dropped(build: Builder, x: Value, rate: float, *, use: str = "mask", shape: Shape | None = None) -> Value:
    """Return x times its mask; see `drawn_mask`."""
    mask = drawn_mask(build, x, rate, use=use, shape=shape)
    return x if mask is None else x * mask
