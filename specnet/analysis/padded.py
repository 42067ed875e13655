"""Which steps of the rows of a split exist, and what a row costs without its padding."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from specnet.analysis.sampling import chunks, rows_at_once
from specnet.data import Split
from specnet.engines.execution import Executable
from specnet.graph import ops
from specnet.model.arrays import as_arrays
from specnet.model.calibrators import calibrated
from specnet.model.compiled import CompiledModel

Array = np.ndarray[Any, Any]


class PaddedRows(NamedTuple):
    """Some rows of an output whose steps may be padding."""

    exist: Array
    """(rows, steps): whether each step is no padding."""
    costs: Array
    """(rows,): the mean loss over the steps that exist."""


def padded_rows(model: CompiledModel, split: Split, rows: Array) -> dict[str, PaddedRows]:
    """Return the steps of some rows of a split, for each output that may have padding."""
    network = model.network
    lowered = calibrated(network, network.lower(training=False), model.calibrators, costs=True)
    found = {name: own for name, own in lowered.outputs.items() if own.mask is not None}
    if not found:
        return {}
    outputs = {}
    for name, own in found.items():
        axes = tuple(range(2, own.elements.rank))
        assert own.mask is not None
        outputs[f"exist/{name}"] = own.mask
        outputs[f"costs/{name}"] = ops.mean(own.elements, axes=axes) if axes else own.elements
    lowered.graph.outputs = outputs
    at_once = rows_at_once(network, len(rows))
    executable = Executable(network.plan(lowered.graph, at_once))
    parts: dict[str, list[Array]] = {name: [] for name in outputs}
    for cut in chunks(len(rows), at_once):
        own_rows = rows[cut]
        bound = executable.bind(len(own_rows), model.leaves(**as_arrays(network, *split.at(own_rows))))
        with model.use.reading(), np.errstate(all="ignore"):
            bound.step()
        for name, part in parts.items():
            part.append(bound.arrays[name].astype(np.float64))
    made = {name: np.concatenate(part) for name, part in parts.items()}
    return {name: _rows(made[f"exist/{name}"] != 0, made[f"costs/{name}"]) for name in found}


def _rows(exist: Array, costs: Array) -> PaddedRows:
    return PaddedRows(exist, np.where(exist, costs, 0.0).sum(axis=1) / np.maximum(exist.sum(axis=1), 1))
