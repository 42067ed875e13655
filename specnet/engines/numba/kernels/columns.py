"""Normalisation of columns: a feature over the whole batch.

Several rows are taken as one wide row (`WIDTH`), so that the inner loops are long even where there are few columns.
Scratch that the NumPy engine's kernels need for a tile holds such rows here.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np

from specnet.engines.numba.kernels.compiled import inner, loops
from specnet.engines.numpy.calls import Call

Array = np.ndarray[Any, Any]

WIDTH = 512
"""Elements of a wide row, if several rows fit in it."""


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
    several = max(1, min(WIDTH, space) // m)
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
    for i in range(len(wide)):
        for j in range(width):
            made[i, j] = wide[i, j] * scale[j] + shift[j]
    for i in range(len(rest)):
        for j in range(m):
            last[i, j] = rest[i, j] * scale[j] + shift[j]


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
    whole = len(wide) - len(wide) % 2
    for i in range(0, whole, 2):
        for j in range(width):
            a, b = slopes[i, j], slopes[i + 1, j]
            total[j] += a + b
            product[j] += a * (wide[i, j] - means[j]) + b * (wide[i + 1, j] - means[j])
    for i in range(whole, len(wide)):
        for j in range(width):
            total[j] += slopes[i, j]
            product[j] += slopes[i, j] * (wide[i, j] - means[j])
    for i in range(len(rest)):
        for j in range(m):
            total[j] += last[i, j]
            product[j] += last[i, j] * (rest[i, j] - means[j])
    fold(total, m, width)
    fold(product, m, width)
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
    for i in range(len(wide)):
        for j in range(width):
            made[i, j] = slopes[i, j] * by_g[j] + wide[i, j] * by_x[j] + shift[j]
    for i in range(len(rest)):
        for j in range(m):
            end[i, j] = last[i, j] * by_g[j] + rest[i, j] * by_x[j] + shift[j]
