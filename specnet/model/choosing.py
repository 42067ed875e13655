"""Thresholds that a run chooses, on the predictions for its validation split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data import Split
from specnet.data.streamed import taken, taken_inputs
from specnet.model.arrays import as_targets
from specnet.model.predicting import PREDICTION_ROWS
from specnet.vocabulary.thresholds import Measure

if TYPE_CHECKING:
    from specnet.model.compiled import CompiledModel

Array = np.ndarray[Any, Any]

SAME = 1e-12
"""The difference up to which two figures are the same: sums of weights are rounded."""


def choose_thresholds(model: CompiledModel, validation: Split) -> None:
    """Set each threshold that the document lets the run choose to the best one for the validation split.

    Labels are chosen for one by one. A threshold stays as it is if the label, or its absence, has no validation row,
    or a prediction is not finite.
    """
    network = model.network
    asked = {name: output for name, output in network.outputs.items() if output.is_chosen}
    if not asked:
        return
    made: dict[str, list[Array]] = {name: [] for name in asked}
    true: dict[str, list[Array]] = {name: [] for name in asked}
    for start in range(0, len(validation), PREDICTION_ROWS):
        rows = np.arange(start, min(start + PREDICTION_ROWS, len(validation)))
        inputs = taken_inputs(validation.inputs, rows)
        predictions = model.predictions(inputs)
        targets = as_targets(network, taken(validation.targets, rows), inputs)
        for name, output in asked.items():
            made[name].append(predictions[name])
            true[name].append(targets[output.target])
    for name, output in asked.items():
        assert output.threshold is not None
        assert output.threshold.maximized is not None
        cutoffs = model.cutoffs[name]
        scores = np.concatenate(made[name]).reshape(-1, len(cutoffs))
        yes = np.concatenate(true[name]).reshape(-1, len(cutoffs)) > 0.5
        weights = np.ones(len(validation)) if validation.weights is None else validation.weights
        weights = np.repeat(weights.astype(np.float64), len(scores) // len(validation))
        for label, default in enumerate(output.threshold.values):
            cutoffs[label] = best_threshold(
                scores[:, label], yes[:, label], weights, output.threshold.maximized, default
            )


def best_threshold(scores: Array, yes: Array, weights: Array, measure: Measure, default: float) -> float:
    """Return the threshold at which predicting yes from it on maximizes a measure over some rows.

    Candidates are the default and what lies midway between two neighbouring scores, and of several that are as good,
    the nearest to the default is taken.
    """
    positive, negative = float(weights[yes].sum()), float(weights[~yes].sum())
    if not positive or not negative or not np.isfinite(scores).all():
        return default
    distinct, place = np.unique(scores, return_inverse=True)
    hits = np.bincount(place, weights * yes)[::-1].cumsum()[::-1]
    alarms = np.bincount(place, weights * ~yes)[::-1].cumsum()[::-1]
    midway = distinct[:-1] + (distinct[1:] - distinct[:-1]) / 2
    # Between two neighbouring numbers of a dtype there is none.
    midway = np.where(midway > distinct[:-1], midway, distinct[1:])
    candidates = np.concatenate([distinct[:1], midway, np.array([default], scores.dtype)])
    from_default = int(np.searchsorted(distinct, candidates[-1]))
    hits, alarms = (np.append(counts, [*counts, 0.0][from_default]) for counts in (hits, alarms))
    if measure == "f1":
        figures = 2.0 * hits / (hits + alarms + positive)
    else:
        figures = (hits / positive + 1.0 - alarms / negative) / 2.0
    best = candidates[figures >= figures.max() - SAME]
    return float(best[np.abs(best - default).argmin()])
