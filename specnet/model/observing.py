"""Initial parameters that are computed from rows of the training split."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from specnet.data import Dataset
from specnet.diagnostics import Diagnostic, SpecError
from specnet.engines.execution import Executable
from specnet.engines.random import stream
from specnet.model.arrays import as_inputs
from specnet.model.compiled import CompiledModel
from specnet.vocabulary.initializers import RowInitializer

if TYPE_CHECKING:
    from specnet.graph.parameter import Parameter

Array = np.ndarray[Any, Any]


def fit_initial(model: CompiledModel, data: Dataset, known: Container[str] = ()) -> None:
    """Put the initial values of a model that depend on its training split where they belong.

    Parameters are initialised in the order in which they are declared; those that are `known` stay as they are. Which
    rows they look at is drawn with the document's seed. Raises SpecError where they are too large for the document's
    dtype.
    """
    network = model.network
    fitted = [p for p in network.arrays if p.initial.of_rows and p.name not in known]
    for parameter in fitted:
        initial = cast("RowInitializer", parameter.initial)
        split = data.splits["train"]
        places = np.arange(len(split))
        if len(places) > initial.most_rows:
            draw = stream(network.spec.seed, "initial rows")
            places = np.sort(draw.choice(places, initial.most_rows, replace=False))
        inputs, targets = split.at(places)
        seen = _observed(model, parameter, inputs, len(places))
        generator = stream(network.spec.seed, f"initial/{parameter.name}")
        with np.errstate(all="ignore"):
            model.parameters[parameter.name][...] = initial.fit(parameter.shape, generator, seen, targets)
        if not np.isfinite(model.parameters[parameter.name]).all():
            message = f"initial values of `{parameter.name}` are not finite: the inputs are too large, or NaN"
            path = (*parameter.key_path, parameter.field)
            raise SpecError(
                [Diagnostic("SN208", message, path, help="scale the inputs, as with `robust_scale`")]
            )


def _observed(model: CompiledModel, parameter: Parameter, inputs: Any, rows: int) -> Array:
    """Return what a parameter's initial value looks at, for so many rows."""
    network = model.network
    lowered = network.lower(training=False)
    observed = lowered.builder.observed[parameter.name]
    lowered.graph.outputs = {"seen": observed.value * 1.0}
    bound = Executable(network.plan(lowered.graph, rows)).bind(
        rows, model.leaves(**as_inputs(network, inputs))
    )
    with np.errstate(all="ignore"):
        bound.step()
    return bound.arrays["seen"].astype(np.float64) * observed.factor
