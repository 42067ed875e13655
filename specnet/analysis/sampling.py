"""The rows of a split that a verdict goes by: all, or enough of them."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from specnet.data import Split
from specnet.data.streamed import by_name, taken, taken_inputs
from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.model.arrays import as_targets
from specnet.model.network import Network

Array = np.ndarray[Any, Any]
Targets = Mapping[str, Array]
"""Arrays of targets by their names, as the losses take them."""

ROWS_AT_ONCE = 256
"""Rows measured at once: few, so that the end of a run takes no more memory than its training."""

FEWEST_AT_ONCE = 32
"""Rows measured at once even where batches are smaller."""

ENOUGH_NUMBERS = 1 << 20
"""Up to how many numbers are held at once of targets that stay in their file."""

ENOUGH_ROWS = 20_000
"""Of a larger split as many rows are measured, spread evenly: more would sharpen no verdict."""


def sampled_targets(network: Network, split: Split) -> Targets:
    """Return the targets of enough rows, as the losses take them."""
    chosen = sampled_rows(len(split))[:: thinning(network, split)]
    # The same rows' inputs, where these are compared with, too.
    inputs = taken_inputs(split.inputs, chosen) if _compares_inputs(network) else np.empty(0)
    return as_targets(network, taken(split.targets, chosen), inputs)


def sampled_weights(split: Split, thinned: int) -> Array | None:
    """Return the weights of as many rows, with a mean of 1; None where all rows count alike."""
    if split.weights is None:
        return None
    weights = split.weights[sampled_rows(len(split))[::thinned]]
    return weights / weights.mean() if weights.any() else None


def thinning(network: Network, split: Split) -> int:
    """Return of how many measured rows one's targets are held: rows in a file may be too wide for all of them."""
    parts = [split.targets, *(by_name(split.inputs).values() if _compares_inputs(network) else [])]
    wide = sum(prod(held.shape[1:]) for held in parts if not isinstance(held, np.ndarray))
    return max(1, -(-len(sampled_rows(len(split))) * wide // ENOUGH_NUMBERS))


def _compares_inputs(network: Network) -> bool:
    return any(output.of_inputs for output in network.outputs.values())


def cost_by_row(elements: Value) -> Value:
    """Return the mean of the elements of each row."""
    return elements if elements.rank == 1 else ops.mean(elements, axes=tuple(range(1, elements.rank)))


def sampled_rows(rows: int) -> Array:
    """Return the indices of the rows to measure: all, or enough of them."""
    return np.arange(rows) if rows <= ENOUGH_ROWS else np.linspace(0, rows - 1, ENOUGH_ROWS).astype(np.intp)


def rows_at_once(network: Network, rows: int) -> int:
    """Return how many of so many rows are measured at once: a batch of wide rows, as of attention, at most."""
    size = network.spec.training.batch_size
    batch = rows if size == "full" else max(size or 0, FEWEST_AT_ONCE)
    return min(rows, batch, ROWS_AT_ONCE)


def chunks(rows: int, at_once: int) -> list[slice]:
    """Return the slices of so many rows that are measured at once."""
    return [slice(start, min(start + at_once, rows)) for start in range(0, rows, at_once)]
