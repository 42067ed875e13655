"""Statistics of rows that have weights, or count alike."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def counted_costs(costs: Array, weights: Array | None) -> Array:
    """Return costs whose mean is the weighted mean, and whose spread gives the standard error of that.

    The weighted mean L = sum w l / sum w is a ratio; to first order, its error is that of the mean of w (l - L).
    """
    if weights is None:
        return costs
    mean = float(costs @ weights) / float(weights.sum())
    return mean + weights * (costs - mean)


def mean_of(targets: Array, weights: Array | None) -> Array:
    """Return the mean of each element (rows, ...)."""
    if weights is None:
        return np.asarray(targets.mean(axis=0, dtype=np.float64))
    return np.asarray(np.average(targets, axis=0, weights=weights))


def variance_of(targets: Array, weights: Array | None) -> Array:
    """Return the variance of each element (rows, ...)."""
    if weights is None:
        return np.asarray(targets.var(axis=0, dtype=np.float64))
    return mean_of(np.square(targets - mean_of(targets, weights), dtype=np.float64), weights)


def median_of(targets: Array, weights: Array | None) -> Array:
    """Return the median of each element (rows, ...); with weights, the lower weighted median."""
    return quantile_of(targets, 0.5, weights)


def quantile_of(targets: Array, level: float, weights: Array | None) -> Array:
    """Return a quantile of each element (rows, ...); with weights, the lower weighted one."""
    if weights is None:
        return np.asarray(np.quantile(targets, level, axis=0))
    columns = targets.reshape(len(targets), -1)
    order = np.argsort(columns, axis=0, kind="stable")
    below = np.cumsum(weights[order], axis=0)
    places = np.argmax(below >= below[-1] * level, axis=0)
    middle = columns[order[places, np.arange(columns.shape[1])], np.arange(columns.shape[1])]
    return np.asarray(middle.reshape(targets.shape[1:]))
