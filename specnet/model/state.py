"""What a training holds between two steps, as arrays and plain data, and how it is put back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from specnet.graph.declarations import CARRIED
from specnet.graph.sizes import at
from specnet.passes.plan import Plan

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class TrainingState:
    """All that a training needs to go on bit for bit: numbers in bulk, and the rest as JSON can hold it.

    The arrays are the training's own, not copies: they are right until the next step.
    """

    arrays: dict[str, Array] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)


def carried_states(plan: Plan) -> dict[str, Array]:
    """Return room for the states that a batch leaves to the next one, zeros at first, by the names of their leaves."""
    return {
        name: np.zeros(at(shape, plan.sizes), dtype)
        for name, (shape, dtype) in plan.leaves.items()
        if name.startswith(CARRIED)
    }


def put(into: Array, arrays: Mapping[str, Array], name: str) -> None:
    """Copy a state's array over the training's own; raise ValueError for another shape or dtype."""
    array = arrays[name]
    if array.shape != into.shape or array.dtype != into.dtype:
        raise ValueError(f"`{name}` is {array.dtype}{array.shape}, not {into.dtype}{into.shape}")
    np.copyto(into, array)


def drawn(generator: np.random.Generator) -> dict[str, Any]:
    """Return where a generator stands."""
    return dict(generator.bit_generator.state)
