"""The predictions, intervals and prediction sets of several models as one.

An interval of several models is the smallest that holds the interval of each. As that of any one of them covers a share
of new rows, so does this one, whatever the models have in common and whichever rows each was fitted to. It covers more
than the share, the more so the further the models are apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from specnet.model.conformal import Intervals, PredictionSets, bounds, covered, members
from specnet.model.evaluation import Figures
from specnet.model.scoring import Scored, scored, together
from specnet.model.uncertainty import SetIntervals

if TYPE_CHECKING:
    from specnet.data import Split
    from specnet.model.fitted import FittedModel
    from specnet.model.model import FloatArray

Array = np.ndarray[Any, Any]


def mean_and_std(arrays: Sequence[Any]) -> tuple[FloatArray, FloatArray]:
    """Return the mean and the standard deviation of equal arrays, in their dtype."""
    stacked = np.stack(arrays).astype(np.float64)
    dtype = arrays[0].dtype
    std = stacked.std(axis=0, ddof=1) if len(arrays) > 1 else np.zeros_like(stacked[0])
    return stacked.mean(axis=0).astype(dtype), std.astype(dtype)


def widest_intervals(each: Sequence[Intervals]) -> Intervals:
    """Return the mean of predictions, with intervals that hold those of each model."""
    mean, _ = mean_and_std([own.predictions for own in each])
    lower = np.min([own.lower for own in each], axis=0)
    return Intervals(mean, lower, np.max([own.upper for own in each], axis=0), each[0].level)


def widest_sets(each: Sequence[PredictionSets]) -> PredictionSets:
    """Return the mean of probabilities, with sets that hold those of each model."""
    mean, _ = mean_and_std([own.predictions for own in each])
    held = np.any([own.members for own in each], axis=0)
    return PredictionSets(mean, held, each[0].classes, each[0].level)


def widest(
    each: Sequence[Mapping[str, Intervals | PredictionSets]],
) -> dict[str, Intervals | PredictionSets]:
    """Return what holds the intervals and the sets of each model, by output."""
    found: dict[str, Intervals | PredictionSets] = {}
    for name, first in each[0].items():
        all_of = [own[name] for own in each]
        if isinstance(first, Intervals):
            found[name] = widest_intervals([own for own in all_of if isinstance(own, Intervals)])
        else:
            found[name] = widest_sets([own for own in all_of if isinstance(own, PredictionSets)])
    return found


def joint_coverage(models: Sequence[FittedModel], splits: Sequence[Split]) -> Figures:
    """Return what `coverage` does, for the intervals and sets that hold those of several models.

    `splits` are the same rows as each model takes them.
    """
    uncertainty = models[0].uncertainty
    if uncertainty is None or not uncertainty.intervals:
        return Figures()
    rows = [together(scored(model, split)) for model, split in zip(models, splits, strict=True)]
    found = Figures()
    for name in uncertainty.intervals:
        each = [_of_one(model, name, own[name]) for model, own in zip(models, rows, strict=True)]
        inside = np.any([own.inside for own in each], axis=0)
        lead = f"{name}." if name else ""
        found[f"{lead}coverage"] = 0.0
        sets = [own.held for own in each if own.held is not None]
        if sets:
            found[f"{lead}set_size"] = float(np.any(sets, axis=0).sum(axis=-1).mean())
        else:
            lower = np.min([own.lower for own in each], axis=0)
            upper = np.max([own.upper for own in each], axis=0)
            inside |= (lower <= each[0].target) & (each[0].target <= upper)
            if inside.shape[1] == 1:
                found[f"{lead}width"] = float((upper - lower).mean())
        found[f"{lead}coverage"] = float(inside.mean())
    return found


class _Covered(NamedTuple):
    """What the intervals or the sets of one model hold."""

    inside: Array
    """(rows, ...): whether they hold the target of each number, or of each label."""
    held: Array | None
    """(rows, ..., classes): the sets, if they are such."""
    lower: Array
    """(rows, numbers): the lower ends, in the units of the data."""
    upper: Array
    target: Array


def _of_one(model: FittedModel, name: str, rows: Scored) -> _Covered:
    fitted, output = model.uncertainty, model.network.outputs[name]
    assert fitted is not None, "models with intervals are joined with such"
    own, way = fitted.intervals[name], model.way_back(output)
    inside, _ = covered(output, own, rows.predictions, rows.targets, way, rows.spread)
    if isinstance(own, SetIntervals):
        none = np.empty(0)
        return _Covered(inside, members(output, own, rows.predictions), none, none, none)
    lower, upper = bounds(own, rows.predictions, way, rows.spread)
    target = rows.targets.astype(np.float64)
    target = target if way is None else way.invert(target)
    return _Covered(inside, None, *(array.reshape(len(array), -1) for array in (lower, upper, target)))
