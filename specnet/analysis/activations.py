from __future__ import annotations

from typing import Any

import numpy as np

from specnet.data.inputs import Encoded
from specnet.engines.execution import Executable
from specnet.model.arrays import as_inputs
from specnet.model.model import Model
from specnet.passes.pipeline import plan

Array = np.ndarray[Any, Any]


def activations(model: Model, inputs: Encoded, layer: str) -> Array:
    """Return the output (rows, ...) of a layer in evaluation, for inputs as the model takes them.

    `layer` is one of the document's own list, not one in a container. Raises KeyError where it has no such layer.
    """
    lowered = model.network.lower(training=False)
    value = lowered.builder.outputs[layer]
    lowered.graph.outputs = {"activations": value}
    arrays = as_inputs(model.network, inputs)
    rows = len(next(iter(arrays.values())))
    bound = Executable(plan(lowered.graph, rows, threads=model.network.threads)).bind(
        rows, model.leaves(**arrays)
    )
    with model.use.reading(), np.errstate(all="ignore"):
        bound.step()
    return np.array(bound.arrays["activations"])
