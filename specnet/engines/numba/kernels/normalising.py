"""Normalisation of rows, and of groups of features, an example at a time."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from specnet.engines.numba.kernels.compiled import inner, loops

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


def group_norm(
    x: Array, epsilon: float, places: Array, alike: Array, s: Array, first: Array, out: Array
) -> None:
    """Write (x - mean) / sqrt(variance + epsilon) for x (n, places, m), over all places and a group of features.

    `alike` (m, m) has 1 / size where two features are of one group, and `first` is scratch for pairs of vectors (m,).
    """
    mean, root, *_ = first.reshape(-1, x.shape[2])
    _group_norm(x, epsilon, _group_size(alike), mean, root, out)


def group_norm_grad(
    g: Array,
    y: Array,
    x: Array,
    epsilon: float,
    places: Array,
    alike: Array,
    s: Array,
    first: Array,
    second: Array,
    out: Array,
) -> None:
    """Write the gradient of what `group_norm` is given, y being what it gave: as `layer_norm_grad`, by groups."""
    columns = x.shape[2]
    mean, root, *_ = first.reshape(-1, columns)
    total, product, *_ = second.reshape(-1, columns)
    _group_norm_grad(g, y, x, epsilon, _group_size(alike), mean, root, total, product, out)


def _group_size(alike: Array) -> int:
    """Return the features of a group."""
    return round(1.0 / float(alike[0, 0]))


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


@inner
def _means_over_groups(sums: Array, size: int, count: int) -> None:
    """Give each feature the sum over its group, divided by the number of elements."""
    kind = sums.dtype.type
    for start in range(0, sums.size, size):
        total = kind(0)
        for j in range(start, start + size):
            total += sums[j]
        total /= kind(count)
        for j in range(start, start + size):
            sums[j] = total


@inner
def _means(x: Array, size: int, mean: Array) -> None:
    """Write the mean of each feature's group, for one example (places, m)."""
    mean[:] = x.dtype.type(0)
    whole = len(x) - len(x) % 4
    for i in range(0, whole, 4):
        for j in range(mean.size):
            mean[j] += (x[i, j] + x[i + 1, j]) + (x[i + 2, j] + x[i + 3, j])
    for i in range(whole, len(x)):
        for j in range(mean.size):
            mean[j] += x[i, j]
    _means_over_groups(mean, size, len(x) * size)


@inner
def _roots(squares: Array, size: int, places: int, epsilon: float) -> None:
    """Turn the sums of squares of features into 1 / sqrt(variance + epsilon) of each one's group."""
    kind = squares.dtype.type
    _means_over_groups(squares, size, places * size)
    for j in range(squares.size):
        squares[j] = kind(1) / kind(sqrt(squares[j] + kind(epsilon)))


@loops
def _group_norm(x: Array, epsilon: float, size: int, mean: Array, root: Array, out: Array) -> None:
    places = x.shape[1]
    whole = places - places % 4
    for n in range(len(x)):
        example, made = x[n], out[n]
        _means(example, size, mean)
        root[:] = x.dtype.type(0)
        for i in range(0, whole, 4):
            for j in range(mean.size):
                a, b = example[i, j] - mean[j], example[i + 1, j] - mean[j]
                c, d = example[i + 2, j] - mean[j], example[i + 3, j] - mean[j]
                root[j] += (a * a + b * b) + (c * c + d * d)
        for i in range(whole, places):
            for j in range(mean.size):
                a = example[i, j] - mean[j]
                root[j] += a * a
        _roots(root, size, places, epsilon)
        for i in range(places):
            for j in range(mean.size):
                made[i, j] = (example[i, j] - mean[j]) * root[j]


@inner
def _group_sums(
    g: Array, y: Array, x: Array, mean: Array, squares: Array, total: Array, product: Array
) -> None:
    """Write for each feature of one example the sums of (x - mean)^2, g and g * y."""
    zero = x.dtype.type(0)
    squares[:] = zero
    total[:] = zero
    product[:] = zero
    whole = len(x) - len(x) % 2
    for i in range(0, whole, 2):
        for j in range(mean.size):
            a, b = x[i, j] - mean[j], x[i + 1, j] - mean[j]
            squares[j] += a * a + b * b
            total[j] += g[i, j] + g[i + 1, j]
            product[j] += g[i, j] * y[i, j] + g[i + 1, j] * y[i + 1, j]
    for i in range(whole, len(x)):
        for j in range(mean.size):
            a = x[i, j] - mean[j]
            squares[j] += a * a
            total[j] += g[i, j]
            product[j] += g[i, j] * y[i, j]


@inner
def _group_slopes(g: Array, y: Array, root: Array, total: Array, product: Array, out: Array) -> None:
    """Write what flows back to one example."""
    for i in range(len(g)):
        for j in range(root.size):
            out[i, j] = (g[i, j] - total[j] - y[i, j] * product[j]) * root[j]


@loops
def _group_norm_grad(
    g: Array,
    y: Array,
    x: Array,
    epsilon: float,
    size: int,
    mean: Array,
    root: Array,
    total: Array,
    product: Array,
    out: Array,
) -> None:
    places = x.shape[1]
    for n in range(len(x)):
        _means(x[n], size, mean)
        _group_sums(g[n], y[n], x[n], mean, root, total, product)
        _roots(root, size, places, epsilon)
        _means_over_groups(total, size, places * size)
        _means_over_groups(product, size, places * size)
        _group_slopes(g[n], y[n], root, total, product, out[n])
