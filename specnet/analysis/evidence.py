"""What the fit verdict goes by, beside the curves: how costs vary from row to row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from specnet.analysis.baseline import best_constant, score_on
from specnet.analysis.chance import chance_of_costing_more
from specnet.analysis.sampling import Array, chunks, cost_by_row, rows_at_once, sampled_rows, sampled_weights
from specnet.analysis.verdict import Baseline, Costs, Evidence, Verdict, judge
from specnet.analysis.weighting import counted_costs
from specnet.data import Dataset, Split
from specnet.engines.execution import Bound, Executable
from specnet.model.arrays import as_arrays
from specnet.model.calibrators import Calibrators, calibrated
from specnet.model.compiled import CompiledModel


def verdict_of(
    model: CompiledModel,
    data: Dataset,
    history: Iterable[Mapping[str, Any]],
    splits: Mapping[str, Mapping[str, Any]],
    best_epoch: float | None = None,
) -> Verdict:
    """Return how well a trained model fits; without a validation split, nothing is measured for it.

    `history`, `splits` and `best_epoch` are as `judge` takes them.
    """
    if "validation" not in splits:
        return judge(history, splits, None)
    train, validation = data.splits["train"], data.splits["validation"]
    baseline = best_constant(model.network, train)
    evidence = None if baseline is None else row_evidence(model, train, validation, baseline)
    return judge(history, splits, baseline, evidence, best_epoch)


def row_evidence(model: CompiledModel, train: Split, validation: Split, baseline: Baseline) -> Evidence:
    """Return how the losses of two splits are made up of their rows': as in evaluation, without penalties.

    They are those of the network itself, before any calibration.
    """
    network = model.network
    loss = network.spec.loss
    executable = _cost_program(model, max(len(train), len(validation)))

    def measured(split: Split) -> tuple[Costs, Array]:
        costs = counted_costs(_row_costs(model, executable, split), sampled_weights(split, 1))
        unit = loss.scale * (len(split) * network.elements_per_row if loss.reduction == "sum" else 1)
        spread = float(costs.std(ddof=1)) if len(costs) > 1 else 0.0
        return Costs(len(costs), float(costs.mean()), spread, unit), costs

    with np.errstate(all="ignore"):
        of_train, trained = measured(train)
        of_validation, validated = measured(validation)
        constant = score_on(network, validation, validated, train, baseline)
    chance = chance_of_costing_more(validated, trained, baseline.loss)
    return Evidence(of_train, of_validation, chance, constant)


def row_costs(model: CompiledModel, split: Split) -> tuple[Array, Array]:
    """Return the indices of rows, all or enough of them, and what each costs: as in evaluation, without penalties."""
    with np.errstate(all="ignore"):
        program = _cost_program(model, len(split), model.calibrators)
        return sampled_rows(len(split)), _row_costs(model, program, split)


def _cost_program(model: CompiledModel, rows: int, calibrators: Calibrators | None = None) -> Executable:
    lowered = model.network.lower(training=False)
    lowered = calibrated(model.network, lowered, calibrators or {}, costs=True)
    lowered.graph.outputs = {"costs": cost_by_row(lowered.elements)}
    return Executable(model.network.plan(lowered.graph, rows_at_once(model.network, rows)))


def _row_costs(model: CompiledModel, executable: Executable, split: Split) -> Array:
    network, chosen = model.network, sampled_rows(len(split))
    costs = np.empty(len(chosen))
    maximum = executable.plan.batch
    arrays = {each.name: np.empty((maximum, *each.shape), each.dtype) for each in network.inputs}
    for output in network.outputs.values():
        arrays[output.target] = np.empty((maximum, *output.target_shape), output.target_dtype)
    bounds: dict[int, Bound] = {}
    for cut in chunks(len(chosen), maximum):
        part = chosen[cut]
        rows = len(part)
        if rows not in bounds:
            given = {name: array[:rows] for name, array in arrays.items()}
            bounds[rows] = executable.bind(rows, model.leaves(**given))
        for name, array in as_arrays(network, *split.at(part)).items():
            arrays[name][:rows] = array
        bounds[rows].step()
        costs[cut] = bounds[rows].arrays["costs"]
    return costs
