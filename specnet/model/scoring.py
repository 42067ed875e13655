"""What a network makes of the rows of a split, beside their targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from specnet.data import Split
from specnet.engines.execution import Executable
from specnet.model.arrays import as_arrays
from specnet.model.fitted import FittedModel
from specnet.model.settings import evaluation_rows

Array = np.ndarray[Any, Any]


class Scored(NamedTuple):
    """Some rows of one output."""

    logits: Array
    """(rows, ...) what the loss sees: logits where it makes probabilities of them."""
    predictions: Array
    """(rows, ...), before any calibration, and in the units of the transformed targets."""
    targets: Array
    """(rows, ...), as the loss takes them."""
    spread: Array | None = None
    """(rows, ...), the standard deviation of what the members of an ensemble predict, as `predictions` are."""


def scored(model: FittedModel, split: Split) -> Iterator[dict[str, Scored]]:
    """Yield the rows of a split, part by part, by output."""
    network = model.network
    lowered = network.lower(training=False)
    graph = lowered.graph
    graph.outputs = {f"logits/{name}": own.output for name, own in lowered.outputs.items()}
    graph.outputs |= {o.prediction: lowered.outputs[name].prediction for name, o in network.outputs.items()}
    ensembles = {name: own.members for name, own in lowered.outputs.items() if own.members is not None}
    graph.outputs |= {f"members/{name}": members for name, members in ensembles.items()}
    rows = evaluation_rows(network, len(split))
    executable = Executable(network.plan(graph, rows))
    for start in range(0, len(split), rows):
        places = np.arange(start, min(start + rows, len(split)))
        arrays = as_arrays(network, *split.at(places))
        bound = executable.bind(len(places), model.leaves(**arrays))
        with model.use.reading(), np.errstate(all="ignore"):
            bound.step()
        yield {
            name: Scored(
                bound.arrays[f"logits/{name}"].copy(),
                bound.arrays[output.prediction].copy(),
                arrays[output.target],
                deviation(bound.arrays[f"members/{name}"]) if name in ensembles else None,
            )
            for name, output in network.outputs.items()
        }


def together(parts: Iterator[dict[str, Scored]]) -> dict[str, Scored]:
    """Return all rows of a split by output."""
    whole = list(parts)
    joined = {}
    for name in whole[0]:
        *arrays, spread = zip(*(part[name] for part in whole), strict=True)
        logits, predictions, targets = map(np.concatenate, arrays)
        apart = None if spread[0] is None else np.concatenate(spread)
        joined[name] = Scored(logits, predictions, targets, apart)
    return joined


def deviation(members: Array) -> Array:
    """Return the standard deviation (rows, ...) of what members predict (rows, members, ...), that of a sample."""
    return np.asarray(members.std(axis=1, ddof=1, dtype=np.float64))
