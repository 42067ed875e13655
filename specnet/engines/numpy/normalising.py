"""What normalisation does to matrices, a tile of rows at a time, so that a tile's passes find it in cache.

A tile (`TILE` elements, says the op) is what scratch arrays hold; whole rows fit in it. Vectors that belong to
columns are repeated for some rows once (`lines`), so that what is done element by element is done to many contiguous
elements at once, and sums over rows or columns are products with a vector of ones. Nothing is allocated. What needs no
more than some of a matrix's rows at a time is calls (`specnet.engines.numpy.calls`), so that workers can share it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from specnet.engines.numpy.calls import Call

Array = np.ndarray[Any, Any]


CALL_ELEMENTS = 65_536
"""Elements that one call works on, where scratch does not say: two workers that meet at shorter calls mostly wait."""


def lines(repeated: int, most: int, *matrices: Array) -> Iterator[list[Array]]:
    """Go through matrices (n, m) of rows that lie together, about so many elements of each at once.

    They are given as lines of as many rows each as a vector with a number for each column is `repeated` for, or fewer:
    so few rows that n holds them without a rest, if there are half as many or more. A rest is a line of its own.
    """
    n, m = matrices[0].shape
    several = next((rows for rows in range(repeated, repeated // 2, -1) if n % rows == 0), repeated)
    whole = n - n % several
    at_once = max(1, most // (several * m))
    wide = [x[:whole].reshape(-1, several * m) for x in matrices]
    for start in range(0, whole // several, at_once):
        yield [x[start : start + at_once] for x in wide]
    if whole < n:
        yield [x[whole:].reshape(1, -1) for x in matrices]


def _scale(moments: Array, epsilon: float, out: Array) -> None:
    """Write 1 / sqrt(variance + epsilon) of each column."""
    np.add(moments[1], epsilon, out)
    np.sqrt(out, out)
    np.reciprocal(out, out)


def batch_norm(
    x: Array,
    moments: Array,
    gamma: Array,
    beta: Array,
    epsilon: float,
    scale: Array,
    shift: Array,
    part: Array,
    out: Array,
) -> Iterator[Call]:
    """Write gamma * (x - mean) / sqrt(variance + epsilon) + beta, by column, as one product and one sum."""
    yield _scale, (moments, epsilon, part)
    yield np.multiply, (part, gamma, part)
    yield np.copyto, (scale, part)
    yield np.multiply, (part, moments[0], part)
    yield np.subtract, (beta, part, part)
    yield np.copyto, (shift, part)
    factor, term = scale.reshape(-1), shift.reshape(-1)
    for line, made in lines(len(scale), CALL_ELEMENTS, x, out):
        width = line.shape[1]
        yield np.multiply, (line, factor[:width], made)
        yield np.add, (made, term[:width], made)


def batch_norm_sums(
    g: Array,
    x: Array,
    moments: Array,
    epsilon: float,
    ones: Array,
    s: Array,
    wide: Array,
    parts: Array,
    overwrite: bool,
    out: Array,
) -> Iterator[Call]:
    """Add to `out` (2, m) for each column the sum of g, and that of g * (x - mean) / sqrt(variance + epsilon)."""
    (total, weighted), (part, scale) = out, parts
    if overwrite:
        yield out.fill, (0.0,)
    yield _scale, (moments, epsilon, scale)
    yield np.copyto, (wide, moments[0])
    mean = wide.reshape(-1)
    for line, slope in lines(len(wide), s.size, x, g):
        width = line.shape[1]
        product = s.reshape(-1)[: line.size].reshape(line.shape)
        slopes, products = (each.reshape(-1, x.shape[1]) for each in (slope, product))
        yield np.dot, (ones[: len(slopes)], slopes, part)
        yield np.add, (total, part, total)
        yield np.subtract, (line, mean[:width], product)
        yield np.multiply, (product, slope, product)
        yield np.dot, (ones[: len(slopes)], products, part)
        yield np.multiply, (part, scale, part)
        yield np.add, (weighted, part, weighted)


def batch_norm_grad(
    g: Array,
    x: Array,
    moments: Array,
    sums: Array,
    gamma: Array,
    epsilon: float,
    n: int,
    by_g: Array,
    by_x: Array,
    shift: Array,
    parts: Array,
    out: Array,
) -> Iterator[Call]:
    """Write the gradient of what `batch_norm` is given, where the moments are those of all n rows.

    With r = 1 / sqrt(variance + epsilon), h = (x - mean) * r and means over the n rows, it is

        gamma * r * (g - mean(g) - h * mean(g * h)) = by_g * (by_x * x + g + shift)

    (Ioffe and Szegedy, 2015), in which by_g = gamma * r, by_x = -r * mean(g * h) and
    shift = -mean(g) - by_x * mean.
    """
    first, second = parts
    yield _scale, (moments, epsilon, second)
    yield np.multiply, (second, gamma, first)
    yield np.copyto, (by_g, first)
    yield np.multiply, (second, sums[1], second)
    yield np.multiply, (second, -1.0 / n, second)
    yield np.copyto, (by_x, second)
    yield np.multiply, (second, moments[0], second)
    yield np.multiply, (sums[0], -1.0 / n, first)
    yield np.subtract, (first, second, first)
    yield np.copyto, (shift, first)
    factor, slope_of_x, term = (each.reshape(-1) for each in (by_g, by_x, shift))
    for line, slope, made in lines(len(by_g), CALL_ELEMENTS, x, g, out):
        width = line.shape[1]
        yield np.multiply, (line, slope_of_x[:width], made)
        yield np.add, (made, slope, made)
        yield np.add, (made, term[:width], made)
        yield np.multiply, (made, factor[:width], made)


def layer_norm(
    x: Array, center: bool, epsilon: float, average: Array, s: Array, column: Array, out: Array
) -> None:
    """Write (x - mean) / sqrt(variance + epsilon) of each row; without `center`, x / sqrt(mean(x^2) + epsilon).

    `average` holds 1 / m for each of the m columns, so that a product with it is a mean.
    """
    step = len(s)
    for start in range(0, len(x), step):
        tile, made = x[start : start + step], out[start : start + step]
        r = len(tile)
        _row_scale(tile, center, epsilon, average, s[:r], column[:r], made)
        np.copyto(s[:r], column[:r, np.newaxis])
        np.multiply(made, s[:r], made)


def _row_scale(
    tile: Array, center: bool, epsilon: float, average: Array, s: Array, column: Array, centered: Array
) -> None:
    """Write each row without its mean to `centered`, and 1 / sqrt(variance + epsilon) to `column`."""
    if center:
        np.dot(tile, average, column)
        np.copyto(s, column[:, np.newaxis])
        np.subtract(tile, s, centered)
    else:
        np.copyto(centered, tile)
    np.multiply(centered, centered, s)
    np.dot(s, average, column)
    np.add(column, epsilon, column)
    np.sqrt(column, column)
    np.reciprocal(column, column)


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
    """Write the gradient of what `layer_norm` is given, y being what it gave.

    It is r * (g - mean(g) - y * mean(g * y)) by row, r = 1 / sqrt(variance + epsilon) (Ba et al., 2016), and
    without `center` r * (g - y * mean(g * y)) (Zhang and Sennrich, 2019).
    """
    step = len(s)
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        slope, normal, made = g[part], y[part], out[part]
        r = len(slope)
        product, scale, means = s[:r], column[:r], mean[:r]
        _row_scale(x[part], center, epsilon, average, product, scale, made)
        np.multiply(slope, normal, product)
        np.dot(product, average, means)
        np.copyto(product, means[:, np.newaxis])
        np.multiply(product, normal, product)
        np.subtract(slope, product, made)
        if center:
            np.dot(slope, average, means)
            np.copyto(product, means[:, np.newaxis])
            np.subtract(made, product, made)
        np.copyto(product, scale[:, np.newaxis])
        np.multiply(made, product, made)
