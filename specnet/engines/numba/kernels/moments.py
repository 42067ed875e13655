"""Moments of columns, part by part, so that a part's two passes find it in cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.engines.numba.column_passes import add_squares, add_sums
from specnet.engines.numba.kernels.columns import fold, repeat, wide_rows
from specnet.engines.numba.kernels.compiled import inner, loops
from specnet.engines.workers import Workers

Array = np.ndarray[Any, Any]

LEAST_ROWS = 5
"""Rows of scratch that a worker needs for its moments: three for these, and one each for sums and means."""

PART = 16_384
"""Elements whose moments are computed while they are in cache."""


def batch_moments(x: Array, ones: Array, s: Array, wide: Array, part: Array, out: Array) -> None:
    """Write what `batch_moments` of the NumPy engine does."""
    space = s.reshape(-1), wide.reshape(-1)
    rows, rest = wide_rows(s.size, x)
    _batch_moments(rows, rest, len(x), *space, out)


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
        half = (room - 3) // 2
        found, sums, means = s[own][:3], s[own][3 : 3 + half], s[own][3 + half :]
        rows, rest = wide_rows(sums.size, x[start:stop])
        _batch_moments(rows, rest, stop - start, sums.reshape(-1), means.reshape(-1), found)

    workers.run(work, len(shares))
    _join_moments(s, room, len(shares), len(x), out)


@inner
def _part_moments(x: Array, m: int, sums: Array, means: Array) -> None:
    """Write the mean of each column of a few wide rows, and the sum of the squares of what is left without it."""
    kind = x.dtype.type
    width = x.shape[1]
    means[:width] = kind(0)
    add_sums(x, means)
    fold(means, m, width)
    for j in range(m):
        means[j] /= kind(x.size // m)
    repeat(means, m, width)
    sums[:width] = kind(0)
    add_squares(x, means, sums)
    fold(sums, m, width)


@inner
def _divide(out: Array, n: int) -> None:
    """Turn sums of squares over n rows into variances."""
    kind = out.dtype.type
    for j in range(out.shape[1]):
        out[2, j] = out[1, j] / kind(max(n - 1, 1))
        out[1, j] /= kind(n)


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
    _divide(out, n)


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
    _divide(out, n)
