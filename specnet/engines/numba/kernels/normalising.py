"""Normalisation of rows."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from specnet.engines.numba.kernels.compiled import loops

Array = np.ndarray[Any, Any]


def layer_norm(
    x: Array, center: bool, epsilon: float, average: Array, s: Array, column: Array, out: Array
) -> None:
    """Write (x - mean) / sqrt(variance + epsilon) of each row; without `center`, x / sqrt(mean(x^2) + epsilon)."""
    _layer_norm(x, center, epsilon, out)


def layer_norm_grad(
    g: Array,
    y: Array,
    x: Array,
    center: bool,
    epsilon: float,
    average: Array,
    s: Array,
    column: Array,
    mean: Array,
    out: Array,
) -> None:
    """Write what `layer_norm_grad` of the NumPy engine does, which holds the formula."""
    _layer_norm_grad(g, y, x, center, epsilon, out)


@loops
def _layer_norm(x: Array, center: bool, epsilon: float, out: Array) -> None:
    kind = x.dtype.type
    count = kind(x.shape[1])
    for i in range(len(x)):
        row, made = x[i], out[i]
        mean, square = kind(0), kind(0)
        if center:
            for j in range(row.size):
                mean += row[j]
            mean /= count
        for j in range(row.size):
            apart = row[j] - mean
            square += apart * apart
        root = kind(1) / kind(sqrt(square / count + kind(epsilon)))
        for j in range(row.size):
            made[j] = (row[j] - mean) * root


@loops
def _layer_norm_grad(g: Array, y: Array, x: Array, center: bool, epsilon: float, out: Array) -> None:
    kind = x.dtype.type
    count = kind(x.shape[1])
    for i in range(len(x)):
        slope, normal, row, made = g[i], y[i], x[i], out[i]
        mean, total, square, product = kind(0), kind(0), kind(0), kind(0)
        if center:
            for j in range(slope.size):
                mean += row[j]
                total += slope[j]
            mean /= count
            total /= count
        for j in range(slope.size):
            apart = row[j] - mean
            square += apart * apart
            product += slope[j] * normal[j]
        product /= count
        root = kind(1) / kind(sqrt(square / count + kind(epsilon)))
        for j in range(slope.size):
            made[j] = (slope[j] - total - normal[j] * product) * root
