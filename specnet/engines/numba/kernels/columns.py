"""Normalisation of columns: a feature over the whole batch.

Several rows are taken as one wide row (`wide_columns`), so that they fill the vectors of a processor.
Scratch that the NumPy engine's kernels need for a tile holds such rows here.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np

from specnet.engines.numba.column_passes import add_products_of_rest, combined, scaled, wide_columns
from specnet.engines.numba.kernels.compiled import inner, loops
from specnet.engines.numpy.calls import Call

Array = np.ndarray[Any, Any]


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
    tiles = scale.reshape(-1), shift.reshape(-1)
    yield _batch_norm, (*wide_rows(scale.size, x, out), moments, gamma, beta, epsilon, *tiles)


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
    sums = s.reshape(2, -1) if len(s) % 2 == 0 else parts
    tiles = wide.reshape(-1), sums[0], sums[1]
    yield _batch_norm_sums, (*wide_rows(sums.shape[1], g, x), moments, epsilon, *tiles, overwrite, out)


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
    """Write what `batch_norm_grad` of the NumPy engine does, which holds the formula."""
    tiles = by_g.reshape(-1), by_x.reshape(-1), shift.reshape(-1)
    yield _batch_norm_grad, (*wide_rows(by_g.size, g, x, out), moments, sums, gamma, epsilon, n, *tiles)


def wide_rows(space: int, *matrices: Array) -> list[Array]:
    """Return each matrix as wide rows of so many elements at most, and as the rows that are left over."""
    n, m = matrices[0].shape
    several = wide_columns(m, matrices[0].itemsize, space) // m
    whole = n - n % several
    parts = [(x[:whole].reshape(-1, several * m), x[whole:]) for x in matrices]
    return [part for both in parts for part in both]


@inner
def repeat(tile: Array, columns: int, width: int) -> None:
    """Repeat the first row of a tile up to a width."""
    for start in range(columns, width, columns):
        for j in range(columns):
            tile[start + j] = tile[j]


@inner
def fold(sums: Array, columns: int, width: int) -> None:
    """Add to the first row of a tile the others."""
    for start in range(columns, width, columns):
        for j in range(columns):
            sums[j] += sums[start + j]


@loops
def _batch_norm(
    wide: Array,
    rest: Array,
    made: Array,
    last: Array,
    moments: Array,
    gamma: Array,
    beta: Array,
    epsilon: float,
    scale: Array,
    shift: Array,
) -> None:
    kind = moments.dtype.type
    m, width = rest.shape[1], wide.shape[1]
    for j in range(m):
        scale[j] = gamma[j] / kind(sqrt(moments[1, j] + kind(epsilon)))
        shift[j] = beta[j] - moments[0, j] * scale[j]
    repeat(scale, m, width)
    repeat(shift, m, width)
    scaled(wide, scale, shift, made)
    scaled(rest, scale, shift, last)


@loops
def _batch_norm_sums(
    slopes: Array,
    last: Array,
    wide: Array,
    rest: Array,
    moments: Array,
    epsilon: float,
    means: Array,
    total: Array,
    product: Array,
    overwrite: bool,
    out: Array,
) -> None:
    kind = moments.dtype.type
    m, width = rest.shape[1], wide.shape[1]
    means[:m] = moments[0]
    repeat(means, m, width)
    total[:width] = kind(0)
    product[:width] = kind(0)
    add_products_of_rest(slopes, wide, means, total, product)
    fold(total, m, width)
    fold(product, m, width)
    add_products_of_rest(last, rest, means, total, product)
    for j in range(m):
        more = product[j] / kind(sqrt(moments[1, j] + kind(epsilon)))
        out[0, j] = total[j] if overwrite else out[0, j] + total[j]
        out[1, j] = more if overwrite else out[1, j] + more


@loops
def _batch_norm_grad(
    slopes: Array,
    last: Array,
    wide: Array,
    rest: Array,
    made: Array,
    end: Array,
    moments: Array,
    sums: Array,
    gamma: Array,
    epsilon: float,
    n: int,
    by_g: Array,
    by_x: Array,
    shift: Array,
) -> None:
    kind = moments.dtype.type
    m, width = rest.shape[1], wide.shape[1]
    for j in range(m):
        root = kind(1) / kind(sqrt(moments[1, j] + kind(epsilon)))
        by_g[j] = gamma[j] * root
        by_x[j] = -by_g[j] * root * sums[1, j] / kind(n)
        shift[j] = -by_g[j] * sums[0, j] / kind(n) - by_x[j] * moments[0, j]
    repeat(by_g, m, width)
    repeat(by_x, m, width)
    repeat(shift, m, width)
    combined(slopes, wide, by_g, by_x, shift, made)
    combined(last, rest, by_g, by_x, shift, end)
