"""What a layer of a network gives, for hidden activations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from specnet.engines.execution import Executable
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.sizes import BATCH
from specnet.model.network import Network
from specnet.model.predicting import PREDICTION_ROWS

Array = np.ndarray[Any, Any]


def layer_outputs(
    network: Network, leaves: Mapping[str, Array], inputs: Mapping[str, Array], layer: str
) -> Array:
    """Return the output (rows, ...) of a layer in evaluation.

    `leaves` are the model's arrays by name, `inputs` those that the network takes.
    """
    lowered = network.lower(training=False)
    builder = lowered.builder
    place = next(n for n, info in enumerate(lowered.layers) if info.name == layer)
    value = builder.given[place]
    if value.shape[0] != BATCH:  # members of an ensemble come first
        value = ops.transpose(value, axes=(1, 0, *range(2, value.rank)))
    return _for_rows(network, leaves, inputs, {"output": value})["output"]


def member_predictions(
    network: Network, leaves: Mapping[str, Array], inputs: Mapping[str, Array]
) -> dict[str, Array]:
    """Return what each member of an ensemble predicts, (rows, members, ...), by the outputs that ensembles give.

    It is in the units of the network's targets, and not calibrated; otherwise as `layer_outputs`.
    """
    outputs = network.lower(training=False).outputs
    values = {name: own.members for name, own in outputs.items() if own.members is not None}
    return _for_rows(network, leaves, inputs, values) if values else {}


def _for_rows(
    network: Network, leaves: Mapping[str, Array], inputs: Mapping[str, Array], values: Mapping[str, Value]
) -> dict[str, Array]:
    """Return values (batch, ...) of one graph for any number of rows."""
    graph = next(iter(values.values())).graph
    assert isinstance(graph, Graph)
    graph.outputs = dict(values)
    rows = len(next(iter(inputs.values())))
    found = {
        name: np.empty((rows, *cast("tuple[int, ...]", value.shape[1:])), value.dtype)
        for name, value in values.items()
    }
    executable = Executable(network.plan(graph, max(1, min(rows, PREDICTION_ROWS))))
    for start in range(0, rows, PREDICTION_ROWS):
        part = {name: array[start : start + PREDICTION_ROWS] for name, array in inputs.items()}
        bound = executable.bind(min(PREDICTION_ROWS, rows - start), {**leaves, **part})
        with np.errstate(all="ignore"):
            bound.step()
        for name, array in found.items():
            array[start : start + PREDICTION_ROWS] = bound.arrays[name]
    return found
