from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.engines.execution import Executable
from specnet.graph.graph import Graph
from specnet.graph.sizes import at
from specnet.model.compiled import CompiledModel
from specnet.model.measuring_lengths import sizes_of
from specnet.vocabulary.optimizers import Searching

Array = np.ndarray[Any, Any]


def explain_divergence(model: CompiledModel, arrays: Mapping[str, Array], step: int, epoch: int) -> str:
    """Say at which step and in which layer numbers first left the range of the dtype, and what to try.

    The plan stops before the update of a step whose loss is not finite, so the parameters are still those
    that made it so: either one of them is not finite, after the update of the step before, or a layer's
    output overflows.
    """
    where = (
        _parameter(model) or _layer(model, arrays) or "every layer's output is finite, but the loss is not"
    )
    training = model.network.spec.training
    # A line search takes no step to where the loss is not finite: it began there.
    searching = isinstance(training.optimizer, Searching)
    helps = ["smaller initial values"]
    if not searching:
        helps = [f"a smaller learning rate than {training.optimizer.learning_rate:g}"]
    if training.clip_norm is None and not searching:
        helps.append("`clip_norm = 1.0` under [training]")
    if not model.network.spec.data.transforms:
        helps.append("inputs of a common scale (a `standardize` transform)")
    if model.network.spec.dtype == "float32":
        helps.append('`dtype = "float64"`')
    return (
        f"the loss became NaN or infinite at step {step} (epoch {epoch}): {where}; try {', or '.join(helps)}"
    )


def _parameter(model: CompiledModel) -> str | None:
    for name, array in model.parameters.items():
        if not np.isfinite(array).all():
            layer, _, part = name.rpartition(".")
            return f"it first appeared in the {part} of `{layer}`, in the preceding update"
    return None


def _layer(model: CompiledModel, arrays: Mapping[str, Array]) -> str | None:
    network = model.network
    lowered = network.lower(training=False, varying=network.varies)
    inputs = {each.name: np.ascontiguousarray(arrays[each.name]) for each in network.inputs}
    sizes = sizes_of(network, inputs)
    graph: Graph = lowered.graph
    last = {v.key_path: v for v in graph.values if v.key_path[:1] == ("layers",) and v.shape}
    for info in lowered.layers:
        if info.path in last:
            graph.outputs[info.name] = last[info.path]
    executable = Executable(model.network.plan(graph, sizes, optimise=False))
    targets = {
        output.target: np.zeros(at(executable.plan.leaves[output.target][0], sizes), output.target_dtype)
        for output in network.outputs.values()
        if output.target in executable.plan.leaves
    }
    bound = executable.bind(sizes, model.leaves(**inputs, **targets))
    with np.errstate(all="ignore"):
        bound.step()
    if not all(np.isfinite(array).all() for array in inputs.values()):
        return "the inputs are not all finite"
    for name, array in bound.arrays.items():
        if not np.isfinite(array).all():
            return f"it first appeared in the output of `{name}`"
    return None
