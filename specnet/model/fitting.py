"""The calibration and the intervals of a trained model, fitted on its validation split, and how far they hold."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from specnet.data import Split
from specnet.model.calibrating import ScoredRows, fit_isotonic, fit_temperature
from specnet.model.calibrators import (
    IsotonicCalibrator,
    TemperatureCalibrator,
    calibratable,
    curve_count,
)
from specnet.model.conformal import MemberSpread, covered, fit_intervals
from specnet.model.evaluation import Figures
from specnet.model.fitted import FittedModel
from specnet.model.outputs import NetworkOutput
from specnet.model.scoring import Scored, scored, together
from specnet.model.uncertainty import Uncertainty, interval_kinds

Array = np.ndarray[Any, Any]

FARTHEST = 1e100
"""Numbers beyond which a network has diverged: their squares would overflow in the fits."""

FITS: dict[str, Callable[[ScoredRows], TemperatureCalibrator | IsotonicCalibrator]] = {
    "temperature": fit_temperature,
    "isotonic": fit_isotonic,
}


def fit_uncertainty(model: FittedModel, validation: Split, train: Split) -> Uncertainty | None:
    """Return what the document asks for, fitted on the validation split; None if the network has diverged.

    How far off an ensemble is as a rule is taken from the training split.
    """
    network, asked = model.network, model.network.spec.output
    found = together(scored(model, validation))
    if any(
        not np.isfinite(array).all() or np.abs(array, dtype=np.float64).max() > FARTHEST
        for own in found.values()
        for array in (own.logits, own.predictions, *(() if own.spread is None else (own.spread,)))
    ):
        return None
    calibrators: dict[str, TemperatureCalibrator | IsotonicCalibrator] = {}
    if asked.calibration is not None:
        for name, output in calibratable(network).items():
            calibrators[name] = FITS[asked.calibration](_rows(output, found[name], validation.weights))
    intervals = {}
    if asked.intervals is not None:
        kinds = interval_kinds(network)
        scaled = [
            name for name, kind in kinds.items() if kind == "numbers" and found[name].spread is not None
        ]
        noise = _noise(model, train, scaled) if scaled else {}
        for name in kinds:
            own, output = found[name], network.outputs[name]
            spread = (
                None if own.spread is None or name not in noise else MemberSpread(noise[name], own.spread)
            )
            way = model.way_back(output)
            intervals[name] = fit_intervals(
                output, own.predictions, own.targets, asked.intervals, way, spread
            )
    rows = len(validation) if intervals else 0
    return Uncertainty(calibrators=calibrators, level=asked.intervals, rows=rows, intervals=intervals)


def coverage(model: FittedModel, split: Split) -> Figures:
    """Return for each output with intervals the share of a split's targets that they hold, and how wide they are.

    Each row counts once, whatever its weight. `coverage` and `width`, or `set_size`, begin with the output's name if
    there are several. A width is in the units of the data; several numbers of a row, which differ in theirs, have none.
    """
    uncertainty = model.uncertainty
    if uncertainty is None or not uncertainty.intervals:
        return Figures()
    sums: dict[str, list[float]] = {}
    for part in scored(model, split):
        for name, own in uncertainty.intervals.items():
            output, rows = model.network.outputs[name], part[name]
            way = model.way_back(output)
            inside, sizes = covered(output, own, rows.predictions, rows.targets, way, rows.spread)
            lead = f"{name}." if name else ""
            measured = {f"{lead}coverage": inside}
            if own.kind == "sets":
                measured[f"{lead}set_size"] = sizes
            elif sizes.shape[1] == 1:
                measured[f"{lead}width"] = sizes
            for label, array in measured.items():
                both = sums.setdefault(label, [0.0, 0.0])
                both[0] += float(array.sum(dtype=np.float64))
                both[1] += array.size
    return Figures({label: total / count for label, (total, count) in sums.items()})


def _noise(model: FittedModel, train: Split, names: Collection[str]) -> dict[str, Array]:
    """Return the root of the mean squared distance of training rows from their targets, (numbers,), by output.

    It is in the units of the transformed targets. Where all distances are 0, it is 1.
    """
    sums = dict.fromkeys(names, np.zeros(1))
    with np.errstate(all="ignore"):
        for part in scored(model, train):
            for name in names:
                own = part[name]
                off = own.predictions.astype(np.float64) - own.targets.reshape(own.predictions.shape)
                sums[name] = sums[name] + np.square(off.reshape(len(off), -1)).sum(axis=0)
        roots = {name: np.sqrt(total / len(train)) for name, total in sums.items()}
    return {name: np.where((root > 0) & np.isfinite(root), root, 1.0) for name, root in roots.items()}


def _rows(output: NetworkOutput, own: Scored, weights: Array | None) -> ScoredRows:
    """Return the rows of an output, one for each place of a row that has several, without those that have no class."""
    exclusive = output.loss.targets == "classes"
    columns = output.shape[-1] if exclusive else curve_count(output.shape, output.loss.output_activation)
    logits, made = (array.reshape(-1, columns).astype(np.float64) for array in own[:2])
    given = np.ones(len(own.logits)) if weights is None else weights.astype(np.float64)
    shares = np.repeat(given, len(logits) // len(given))
    targets = own.targets
    if exclusive and targets.dtype.kind == "i":
        classes = targets.reshape(-1)
        if output.loss.ignored is not None:
            known = classes != output.loss.ignored
            classes, logits, made, shares = classes[known], logits[known], made[known], shares[known]
        targets = np.eye(columns)[classes]
    return ScoredRows(
        logits,
        made,
        targets.reshape(-1, columns).astype(np.float64),
        shares / shares.sum(),
        exclusive=exclusive,
    )
