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
from specnet.engines.workers import Workers

Array = np.ndarray[Any, Any]

WIDTH = 512
"""Elements of a wide row, if several rows fit in it."""

LEAST_ROWS = 4
"""Rows of scratch that a worker needs for its moments: three for these, and one for sums."""

PART = 16_384
"""Elements whose moments are computed while they are in cache."""


def batch_moments(x: Array, ones: Array, s: Array, wide: Array, part: Array, out: Array) -> None:
    """Write mean, variance and unbiased variance of each column of x (n, m) to `out` (3, m).

    The variance is the mean square of what is left once the mean is taken off: it is exact where the mean is
    large. The unbiased one divides by n - 1, or by 1 where n is 1.
    """
    space = s.reshape(-1), wide.reshape(-1)
    wide_rows, rest = _wide_rows(s.size, x)
    _batch_moments(wide_rows, rest, len(x), *space, out)


def shared_moments(
    workers: Workers, x: Array, ones: Array, s: Array, wide: Array, part: Array, out: Array
) -> None:
    """Write what `batch_moments` does; each worker those of its rows of x, in its rows of the scratch, first."""
    shares = workers.shares(len(x))
    room = len(s) // max(len(shares), 1)
    if len(shares) < 2 or room < LEAST_ROWS:
        batch_moments(x, ones, s, wide, part, out)
        return

    def work(worker: int) -> None:
        (start, stop), own = shares[worker], slice(worker * room, (worker + 1) * room)
        found, space = s[own][:3], s[own][3:]
        rows, rest = _wide_rows(space.size, x[start:stop])
        _batch_moments(rows, rest, stop - start, space.reshape(-1), wide[own].reshape(-1), found)

    workers.run(work, len(shares))
    _join_moments(s, room, len(shares), len(x), out)


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
    yield _batch_norm, (*_wide_rows(scale.size, x, out), moments, gamma, beta, epsilon, *tiles)


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
    yield _batch_norm_sums, (*_wide_rows(sums.shape[1], g, x), moments, epsilon, *tiles, overwrite, out)


def batch_norm_grad(
    g: Array,
    x: Array,
    moments: Array,
    sums: Array,
    gamma: Array,
    epsilon: float,
    n: int,
    s: Array,
    by_g: Array,
    by_x: Array,
    shift: Array,
    parts: Array,
    out: Array,
) -> Iterator[Call]:
    """Write the gradient of what `batch_norm` is given, where the moments are those of all n rows.

    With r = 1 / sqrt(variance + epsilon), h = (x - mean) * r and means over the n rows, it is

        gamma * r * (g - mean(g) - h * mean(g * h)) = by_g * g + by_x * x + shift

    (Ioffe and Szegedy, 2015), in which by_g = gamma * r, by_x = -by_g * r * mean(g * h) and
    shift = -by_g * mean(g) - by_x * mean.
    """
    tiles = by_g.reshape(-1), by_x.reshape(-1), shift.reshape(-1)
    yield _batch_norm_grad, (*_wide_rows(s.size, g, x, out), moments, sums, gamma, epsilon, n, *tiles)


def _wide_rows(space: int, *matrices: Array) -> list[Array]:
    """Return each matrix as wide rows of so many elements at most, and as the rows that are left over."""
    n, m = matrices[0].shape
    several = max(1, min(WIDTH, space) // m)
    whole = n - n % several
    parts = [(x[:whole].reshape(-1, several * m), x[whole:]) for x in matrices]
    return [part for both in parts for part in both]


@inner
def _repeat(tile: Array, columns: int, width: int) -> None:
    """Repeat the first row of a tile up to a width."""
    for start in range(columns, width, columns):
        for j in range(columns):
            tile[start + j] = tile[j]


@inner
def _fold(sums: Array, columns: int, width: int) -> None:
    """Add to the first row of a tile the others."""
    for start in range(columns, width, columns):
        for j in range(columns):
            sums[j] += sums[start + j]


@inner
def _part_moments(x: Array, m: int, sums: Array, means: Array) -> None:
    """Write the mean of each column of a few wide rows, and the sum of the squares of what is left without it."""
    kind = x.dtype.type
    width = x.shape[1]
    whole = len(x) - len(x) % 4
    means[:width] = kind(0)
    for i in range(0, whole, 4):
        for j in range(width):
            means[j] += (x[i, j] + x[i + 1, j]) + (x[i + 2, j] + x[i + 3, j])
    for i in range(whole, len(x)):
        for j in range(width):
            means[j] += x[i, j]
    _fold(means, m, width)
    for j in range(m):
        means[j] /= kind(x.size // m)
    _repeat(means, m, width)
    sums[:width] = kind(0)
    for i in range(0, whole, 4):
        for j in range(width):
            a, b, c, d = (
                x[i, j] - means[j],
                x[i + 1, j] - means[j],
                x[i + 2, j] - means[j],
                x[i + 3, j] - means[j],
            )
            sums[j] += (a * a + b * b) + (c * c + d * d)
    for i in range(whole, len(x)):
        for j in range(width):
            a = x[i, j] - means[j]
            sums[j] += a * a
    _fold(sums, m, width)


@loops
def _batch_moments(wide: Array, rest: Array, n: int, sums: Array, means: Array, out: Array) -> None:
    """Join the moments of parts that stay in cache, as Chan, Golub and LeVeque (1979) do."""
    kind = out.dtype.type
    m = rest.shape[1]
    step = max(4, PART // wide.shape[1])
    out[:] = kind(0)
    done = 0
    parts = -(-len(wide) // step)
    for number in range(parts + 1):
        if number == parts:
            count = len(rest)
            if count:
                _part_moments(rest, m, sums, means)
        else:
            part = wide[number * step : (number + 1) * step]
            count = part.size // m
            _part_moments(part, m, sums, means)
        if count:
            share = kind(count / (done + count))
            for j in range(m):
                apart = means[j] - out[0, j]
                out[0, j] += apart * share
                out[1, j] += sums[j] + apart * apart * share * kind(done)
            done += count
    for j in range(m):
        out[2, j] = out[1, j] / kind(max(n - 1, 1))
        out[1, j] /= kind(n)


@loops
def _join_moments(parts: Array, room: int, count: int, n: int, out: Array) -> None:
    """Join the moments of equal shares of n rows, each of which begin after so many rows of scratch."""
    kind = out.dtype.type
    out[:] = kind(0)
    for worker in range(count):
        done = n * worker // count
        rows = n * (worker + 1) // count - done
        share = kind(rows / (done + rows))
        for j in range(out.shape[1]):
            apart = parts[worker * room, j] - out[0, j]
            out[0, j] += apart * share
            out[1, j] += parts[worker * room + 1, j] * kind(rows) + apart * apart * share * kind(done)
    for j in range(out.shape[1]):
        out[2, j] = out[1, j] / kind(max(n - 1, 1))
        out[1, j] /= kind(n)


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
    _repeat(scale, m, width)
    _repeat(shift, m, width)
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
    _repeat(means, m, width)
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
    _fold(total, m, width)
    _fold(product, m, width)
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
    _repeat(by_g, m, width)
    _repeat(by_x, m, width)
    _repeat(shift, m, width)
    for i in range(len(wide)):
        for j in range(width):
            made[i, j] = slopes[i, j] * by_g[j] + wide[i, j] * by_x[j] + shift[j]
    for i in range(len(rest)):
        for j in range(m):
            end[i, j] = last[i, j] * by_g[j] + rest[i, j] * by_x[j] + shift[j]
