"""Intervals and prediction sets of split conformal prediction (Papadopoulos et al., 2002; Sadinle et al., 2019).

A score says how badly a prediction fits a target: its distance to a number, or minus the value that the network gives
the class. If validation rows and new rows are exchangeable, a new score exceeds the ceil((n + 1) * level)-th smallest
of n validation scores with a probability of at most 1 - level. What has no larger score is the interval, or the set.

Distances of an ensemble are divided by how far off a row may be expected to be, given how far its members are apart, so
that intervals are wider where they differ (Papadopoulos et al., 2002; Lei et al., 2018).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from specnet.data.pipeline import Pipeline
from specnet.model.outputs import NetworkOutput
from specnet.model.uncertainty import FittedIntervals, NumberIntervals, SetIntervals, rank_of

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Predicted numbers, each with an interval, as `Model.predict_intervals` returns them; all in the data's units."""

    predictions: NDArray[np.floating[Any]]
    """(rows, ...), as `Model.predict` returns them."""
    lower: NDArray[np.floating[Any]]
    """(rows, ...): the lower ends."""
    upper: NDArray[np.floating[Any]]
    """(rows, ...): the upper ends."""
    level: float
    """The share of new rows whose target lies between both ends, for each number of a row."""


@dataclass(frozen=True, slots=True, eq=False)
class PredictionSets:
    """Predicted classes, with all classes that are plausible, as `Model.predict_sets` returns them."""

    predictions: NDArray[np.floating[Any]]
    """(rows, ...), as `Model.predict` returns them."""
    members: NDArray[np.bool_]
    """(rows, classes): whether each class is in the set of the row; (rows, labels, 2) for several binary labels.
    A set may be empty: no class is plausible."""
    classes: tuple[str, ...]
    """The names of the classes; of labels, `0` for no and `1` for yes."""
    level: float
    """The share of new rows whose class is in their set, for each label of a row."""

    def names(self) -> list[Any]:
        """Return the names in each set: for each row a list, or a list of lists for several labels."""

        def named(members: Array) -> list[Any]:
            if members.ndim > 1:
                return [named(each) for each in members]
            return [name for name, member in zip(self.classes, members, strict=True) if member]

        return [named(row) for row in self.members]


class MemberSpread(NamedTuple):
    """How far off the mean of an ensemble's members may be expected to be: sqrt(noise^2 + deviations^2)."""

    noise: Array
    """(numbers,): how far off it is as a rule. It must not depend on the rows that intervals are fitted to."""
    deviations: Array
    """(rows, ...): how far the members are apart, in the same units."""


def fit_intervals(
    output: NetworkOutput,
    predictions: Array,
    targets: Array,
    level: float,
    way: Pipeline | None,
    spread: MemberSpread | None = None,
) -> FittedIntervals:
    """Return the intervals of an output, given what the network predicts for rows, and their targets as it takes them.

    Those of numbers that an ensemble predicts are scaled by the members' `spread`. `way` leads back to the units of the
    data. Where it is a curve, such as the exponential after `log`, distances are taken before it, so that an interval
    is as wide as the curve is steep there, and stays in its range. There must be at least `least_rows(level)` rows.
    """
    rank = rank_of(level, len(predictions))
    if output.loss.targets != "real":
        scores = _values(output, predictions).reshape(len(predictions), -1, _class_count(output))
        true = true_classes(output, targets).reshape(len(predictions), -1)
        own = np.take_along_axis(scores, true[:, :, None], axis=2)[:, :, 0]
        return SetIntervals(thresholds=tuple(_smallest(-own, rank, -1.0)))
    transformed = way is not None and way.keeps_order and not _is_affine(way, output.shape)
    distances = _distances(predictions, targets, None if transformed else way)
    if spread is None:
        return NumberIntervals(half_widths=tuple(_smallest(distances, rank, 1.0)), transformed=transformed)
    noise = tuple(map(float, spread.noise))
    scores = distances / _scale(noise, spread.deviations)
    return NumberIntervals(
        half_widths=tuple(_smallest(scores, rank, 1.0)), transformed=transformed, noise=noise
    )


def members(output: NetworkOutput, own: SetIntervals, predictions: Array) -> Array:
    """Return which classes are in the sets of rows: (rows, classes), or (rows, labels, 2)."""
    values = _values(output, predictions)
    thresholds = np.array(own.thresholds, np.float64)
    return values >= (thresholds[:, None] if values.ndim > 2 else thresholds)


def bounds(
    own: NumberIntervals, predictions: Array, way: Pipeline | None, deviations: Array | None = None
) -> tuple[Array, Array]:
    """Return the ends of intervals in the units of the data, given what the network predicts in its own.

    `deviations` (rows, ...) are how far the members of an ensemble are apart.
    """
    made = predictions.astype(np.float64)
    with np.errstate(all="ignore"):
        if way is not None and not own.transformed:
            made = way.invert(made)
        half = _half_widths(own, deviations).reshape(-1, *made.shape[1:])
        lower, upper = made - half, made + half
        if way is not None and own.transformed:
            lower, upper = way.invert(lower), way.invert(upper)
    return np.minimum(lower, upper), np.maximum(lower, upper)


def covered(
    output: NetworkOutput,
    own: FittedIntervals,
    predictions: Array,
    targets: Array,
    way: Pipeline | None,
    deviations: Array | None = None,
) -> tuple[Array, Array]:
    """Return for rows whether intervals or sets hold the targets, and how wide they are, or of how many classes."""
    if isinstance(own, SetIntervals):
        held = members(output, own, predictions)
        true = true_classes(output, targets).reshape(held.shape[:-1])
        return np.take_along_axis(held, true[..., None], axis=-1)[..., 0], held.sum(axis=-1)
    distances = _distances(predictions, targets, None if own.transformed else way)
    lower, upper = bounds(own, predictions, way, deviations)
    return distances <= _half_widths(own, deviations), (upper - lower).reshape(len(lower), -1)


def _half_widths(own: NumberIntervals, deviations: Array | None) -> Array:
    """Return half the widths of intervals, (1, numbers), or (rows, numbers) where members are apart."""
    half = np.array(own.half_widths, np.float64)[None]
    if own.noise is None:
        return half
    assert deviations is not None, "intervals that are scaled by a spread are those of an ensemble"
    return np.asarray(half * _scale(own.noise, deviations))


def _scale(noise: tuple[float, ...], deviations: Array) -> Array:
    """Return how far off rows may be expected to be, (rows, numbers)."""
    return np.asarray(np.hypot(np.array(noise), deviations.reshape(len(deviations), -1)))


def true_classes(output: NetworkOutput, targets: Array) -> Array:
    """Return the class of each row: the most probable one of a row of probabilities; of labels, 1 for yes."""
    if output.loss.targets == "classes":
        return targets if targets.dtype.kind == "i" else targets.argmax(axis=-1)
    # Margins take -1 and 1, or 0 and 1.
    return (targets.reshape(len(targets), -1) > output.loss.threshold).astype(np.intp)


def _values(output: NetworkOutput, predictions: Array) -> Array:
    """Return the value of each class: (rows, classes), or (rows, labels, 2) for several labels."""
    made = predictions.astype(np.float64)
    if output.loss.targets == "classes":
        return made
    yes = made.reshape(len(made), -1, 1)
    # What two probabilities add up to, or two scores.
    both = np.concatenate([2.0 * output.loss.threshold - yes, yes], axis=2)
    return both[:, 0] if both.shape[1] == 1 else both


def _is_affine(way: Pipeline, shape: tuple[int, ...]) -> bool:
    """Return whether a number in the units of the data is a factor times the transformed one, plus an offset."""
    return way.affine(way.lower(shape, inverse=True).shape) is not None


def _class_count(output: NetworkOutput) -> int:
    return output.shape[-1] if output.loss.targets == "classes" else 2


def _distances(predictions: Array, targets: Array, way: Pipeline | None) -> Array:
    """Return how far predictions are from targets: (rows, numbers), in the data's units with a `way` to these."""
    made, own = predictions.astype(np.float64), targets.astype(np.float64)
    if way is not None:
        made, own = (way.invert(each) for each in (made, own))
    return np.asarray(np.abs(made.reshape(len(made), -1) - own.reshape(len(own), -1)))


def _smallest(scores: Array, rank: int, sign: float) -> Iterator[float]:
    """Yield the score of a rank, from 1, in each column, times a sign."""
    for column in np.partition(scores, rank - 1, axis=0)[rank - 1]:
        yield sign * float(column)
