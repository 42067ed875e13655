"""Fits of calibrators to the predictions for the rows of a split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np

from specnet.model.calibrators import SMALLEST, CalibrationCurve, IsotonicCalibrator, TemperatureCalibrator

Array = np.ndarray[Any, Any]

BOUND = 10.0
"""The largest logarithm of a temperature, and of its reciprocal, as in scikit-learn."""

PRECISION = 1e-12
"""How exactly the logarithm of a temperature is found."""

SEPARATED = (
    "each validation row gets its highest score for its own class, so no temperature is the best: "
    "probabilities stay as they are"
)


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """What a network makes of rows, and what they are; all in float64.

    `exclusive`: each row has one class. Otherwise each column is a question of yes and no.
    """

    logits: Array
    """(rows, classes)."""
    probabilities: Array
    """(rows, classes)."""
    targets: Array
    """(rows, classes): one-hot or rows of probabilities, or 0 and 1 for each label."""
    weights: Array
    """(rows,): shares that add up to 1."""
    exclusive: bool

    def log_loss(self, probabilities: Array) -> float:
        """Return the mean of -log p of the targets under other probabilities, which are kept away from 0."""
        least = SMALLEST["float64"]
        cost = -self.targets * np.log(np.maximum(probabilities, least))
        if not self.exclusive:
            cost -= (1.0 - self.targets) * np.log(np.maximum(1.0 - probabilities, least))
        return float(self.weights @ (cost.sum(axis=1) if self.exclusive else cost.mean(axis=1)))

    def activated(self, scale: float) -> Array:
        """Return the probabilities of logits times a factor."""
        z = self.logits * scale
        if not self.exclusive:
            return np.asarray(np.exp(-np.logaddexp(0.0, -z)))
        raised = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    def slopes(self, scale: float) -> tuple[float, float]:
        """Return the first and the second derivative of the log loss with respect to the factor of the logits."""
        p, z = self.activated(scale), self.logits
        if self.exclusive:
            mean = (p * z).sum(axis=1)
            slope, curvature = mean - (self.targets * z).sum(axis=1), (p * z**2).sum(axis=1) - mean**2
        else:
            slope, curvature = ((p - self.targets) * z).mean(axis=1), (p * (1.0 - p) * z**2).mean(axis=1)
        return float(self.weights @ slope), float(self.weights @ curvature)


def fit_temperature(rows: ScoredRows) -> TemperatureCalibrator:
    """Return the temperature with the smallest log loss, which is convex in its reciprocal.

    Where the log loss has no minimum, the temperature is 1.
    """
    scale: float | None = None
    if rows.slopes(exp(BOUND))[0] > 0:
        scale = exp(_root(rows.slopes, -BOUND, BOUND))
    return TemperatureCalibrator(
        temperature=1.0 if scale is None else 1.0 / scale,
        note=SEPARATED if scale is None else None,
        rows=len(rows.weights),
        before=rows.log_loss(rows.activated(1.0)),
        after=rows.log_loss(rows.activated(1.0 if scale is None else scale)),
    )


def fit_isotonic(rows: ScoredRows) -> IsotonicCalibrator:
    """Return the increasing function of each class's probabilities that is nearest to its targets in squares."""
    pairs = list(zip(rows.probabilities.T, rows.targets.T, strict=True))
    curves = tuple(_curve(p, t, rows.weights) for p, t in pairs)
    made = np.stack([np.interp(p, c.x, c.y) for (p, _), c in zip(pairs, curves, strict=True)], axis=1)
    if rows.exclusive:
        summed = made.sum(axis=1, keepdims=True)
        made = np.where(summed > 0, made / np.where(summed > 0, summed, 1.0), 1.0 / len(curves))
    return IsotonicCalibrator(
        curves=curves,
        rows=len(rows.weights),
        before=rows.log_loss(rows.activated(1.0)),
        after=rows.log_loss(made),
    )


def _root(slopes: Callable[[float], tuple[float, float]], low: float, high: float) -> float:
    """Return the logarithm of the factor at which an increasing slope is 0, by Newton's method within bounds.

    It is positive at the upper bound; where it is at the lower one, too, that one is returned.
    """
    if slopes(exp(low))[0] >= 0:
        return low
    found = 0.0
    while high - low > PRECISION:
        slope, curvature = slopes(exp(found))
        low, high = (low, found) if slope > 0 else (found, high)
        moved = found - slope / (curvature * exp(found)) if curvature > 0 else low
        following = moved if low < moved < high else (low + high) / 2.0
        if abs(following - found) < PRECISION:
            return following
        found = following
    return found


def _curve(x: Array, y: Array, weights: Array) -> CalibrationCurve:
    """Return the isotonic regression of y over x, by pooling adjacent violators (Barlow et al., 1972).

    Equal x are one point with their mean y. Knots inside of a constant piece are left out.
    """
    there = weights > 0
    at, places = np.unique(x[there], return_inverse=True)
    mass = np.bincount(places, weights[there])
    means = np.bincount(places, weights[there] * y[there]) / mass
    blocks: list[tuple[float, float, int]] = []
    """The mean of each block of points that are pooled, its mass, and how many points it has."""
    for mean, own in zip(means.tolist(), mass.tolist(), strict=True):
        block = (mean, own, 1)
        while blocks and blocks[-1][0] >= block[0]:
            before = blocks.pop()
            together = before[1] + block[1]
            pooled = (before[0] * before[1] + block[0] * block[1]) / together
            block = (pooled, together, before[2] + block[2])
        blocks.append(block)
    fitted = np.clip(np.repeat([b[0] for b in blocks], [b[2] for b in blocks]), 0.0, 1.0)
    inside = np.zeros(len(fitted), bool)
    inside[1:-1] = (fitted[1:-1] == fitted[:-2]) & (fitted[1:-1] == fitted[2:])
    return CalibrationCurve(x=tuple(at[~inside].tolist()), y=tuple(fitted[~inside].tolist()))
