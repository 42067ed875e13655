"""Moments of a matrix's columns, a tile of rows at a time, so that a tile's passes find it in cache."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from specnet.engines.numpy.normalising import lines
from specnet.engines.workers import Workers

Array = np.ndarray[Any, Any]

BLOCK = 256
"""Rows whose sums are added up."""

LEAST_ROWS = 3
"""Rows of scratch that a worker needs: two vectors, and a tile."""


def batch_moments(x: Array, ones: Array, s: Array, wide: Array, part: Array, out: Array) -> None:
    """Write mean, variance and unbiased variance of each column of x (n, m) to `out` (3, m).

    The variance is the mean square of what is left once the mean is taken off: it is exact where the mean is
    large. The unbiased one divides by n - 1, or by 1 where n is 1.
    """
    mean, variance, _ = out
    _sum(x, ones, s, part, mean, None)
    _average(len(x), mean, wide)
    _sum(x, ones, s, part, variance, wide)
    _variances(len(x), out)


def shared_moments(
    workers: Workers, x: Array, ones: Array, s: Array, wide: Array, part: Array, out: Array
) -> None:
    """Write what `batch_moments` does; each worker sums some rows of x, in some rows of the scratch `s`."""
    shares = workers.shares(len(x))
    room = len(s) // max(len(shares), 1)
    if len(shares) < 2 or room < LEAST_ROWS:
        batch_moments(x, ones, s, wide, part, out)
        return
    places = [s[worker * room : (worker + 1) * room] for worker in range(len(shares))]

    def add(mean: Array | None, worker: int) -> None:
        (start, stop), place = shares[worker], places[worker]
        _sum(x[start:stop], ones, place[2:], place[1], place[0], mean)

    mean, variance, _ = out
    for result, known in ((mean, None), (variance, wide)):
        if known is not None:
            _average(len(x), mean, known)
        workers.run(partial(add, known), len(shares))
        np.copyto(result, places[0][0])
        for place in places[1:]:
            np.add(result, place[0], result)
    _variances(len(x), out)


def _sum(x: Array, ones: Array, tile: Array, part: Array, total: Array, mean: Array | None) -> None:
    """Write the sum of each column to `total`, or if the `mean` is known, repeated, that of squares about it."""
    total.fill(0.0)
    if mean is None:
        at_once = min(len(ones), BLOCK * len(tile))
        for start in range(0, len(x), at_once):
            _add_blocks(x[start : start + at_once], ones, tile, part, total)
        return
    for (line,) in lines(min(len(mean), len(tile)), tile.size, x):
        squares = tile.reshape(-1)[: line.size].reshape(line.shape)
        np.subtract(line, mean.reshape(-1)[: line.shape[1]], squares)
        np.multiply(squares, squares, squares)
        rows = squares.reshape(-1, x.shape[1])
        np.dot(ones[: len(rows)], rows, part)
        np.add(total, part, total)


def _add_blocks(rows: Array, ones: Array, sums: Array, part: Array, total: Array) -> None:
    """Add rows to a total, by blocks: a sum of thousands of numbers far from 0 would lose digits."""
    blocks = len(rows) // BLOCK
    whole = blocks * BLOCK
    if blocks:
        each = sums[:blocks]
        np.matmul(ones[:BLOCK], rows[:whole].reshape(blocks, BLOCK, -1), each)
        np.dot(ones[:blocks], each, part)
        np.add(total, part, total)
    if whole < len(rows):
        np.dot(ones[: len(rows) - whole], rows[whole:], part)
        np.add(total, part, total)


def _average(count: int, mean: Array, wide: Array) -> None:
    """Turn sums over so many rows into means, and repeat these."""
    np.multiply(mean, 1.0 / count, mean)
    np.copyto(wide, mean)


def _variances(count: int, moments: Array) -> None:
    _, variance, unbiased = moments
    np.multiply(variance, 1.0 / max(count - 1, 1), unbiased)
    np.multiply(variance, 1.0 / count, variance)
