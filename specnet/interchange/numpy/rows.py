"""The rows of a document's splits before any transform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from specnet.data import Dataset, open_data
from specnet.data.dataset import drawn_rows
from specnet.data.streamed import whole
from specnet.language.spec import Spec

Array = np.ndarray[Any, Any]


def raw_splits(spec: Spec, folder: Path, data: Dataset) -> dict[str, tuple[Array, Array]]:
    """Return each split's inputs, as the data hold them, and its targets, as the network takes them.

    Columns of a table come as the numbers that its cells become. Raises SpecError where the data cannot be read.
    """
    opened = open_data(spec.data, folder, seed=spec.seed)
    collector = opened.context.collector
    drawn = drawn_rows(opened, opened.source.read(spec.seed), spec.seed)
    part, chosen = drawn["train"]
    part.inputs.fit(slice(None) if chosen is None else chosen, collector)
    collector.check()
    found = {}
    for name, (part, chosen) in drawn.items():
        rows = np.arange(len(part.inputs)) if chosen is None else chosen
        found[name] = (np.asarray(part.inputs.take(rows)), whole(data.splits[name].targets))
    collector.check()
    return found


def smallest(inputs: Array, dtype: str) -> Array:
    """Return raw inputs in bytes where that loses nothing and saves room, else as they are."""
    if inputs.dtype.kind == "f" and (dtype == "float32" or inputs.size > 400):
        small = np.clip(inputs, 0, 255).astype(np.uint8)
        return small if np.array_equal(small, inputs) else inputs
    return inputs if inputs.dtype.kind in "fb" or inputs.dtype == np.uint8 else inputs.astype(np.float64)
