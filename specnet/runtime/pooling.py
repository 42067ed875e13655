"""Pooling along one axis, tap by tap: what the windows see first, what they see second, and so on.

Arrays are seen as (outer, size, inner), and tiles of `outer` are shared out over workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from specnet.runtime.windows import Run, Windows
from specnet.runtime.workers import Workers

Array = np.ndarray[Any, Any]


def pool_max(workers: Workers, x: Array, how: Windows, out: Array, *, floor: bool) -> None:
    """Write the largest of each window into `out`, or 0 if there is a floor and it is larger."""
    seen, made = _places(x, how), _windows(out, how)
    head, others = (how.taps[0][0], how.taps[1:]) if how.full else (None, how.taps)

    def work(start: int, stop: int, _: int) -> None:
        x, y, rest = seen[start:stop], made[start:stop], others
        if head is None:
            y.fill(-np.inf)
        elif rest and len(rest[0]) == 1 and rest[0][0][0] == head[0]:
            np.maximum(x[:, head[1]], x[:, rest[0][0][1]], out=y)
            rest = rest[1:]
        else:
            np.copyto(y, x[:, head[1]])
        for runs in rest:
            for windows, places in runs:
                there = y[:, windows]
                np.maximum(there, x[:, places], out=there)
        if floor:
            np.maximum(y, 0.0, out=y)

    _tiled(workers, len(seen), how.rows, work)


def unpool_max(
    workers: Workers,
    g: Array,
    x: Array,
    y: Array,
    left: Array,
    part: Array,
    same: Array,
    how: Windows,
    out: Array,
) -> None:
    """Write g into `out` where x is the first to equal its window's largest, y; 0 elsewhere.

    `left` and `part` (workers, n) are scratch of g's dtype, `same` of bool.
    """
    flowing, largest = _windows(g, how), _windows(y, how)
    seen, made = _places(x, how), _places(out, how)
    taps = how.taps
    if how.even:
        runs = [run for (run,) in taps]

        def divide(start: int, stop: int, worker: int) -> None:
            g, x, y, into = (array[start:stop] for array in (flowing, seen, largest, made))
            rest, given, found = (_like(scratch[worker], g) for scratch in (left, part, same))
            _divide(g, x, y, into, rest, given, found, runs, how.unseen)

        _tiled(workers, len(seen), how.rows, divide)
        return

    def work(start: int, stop: int, worker: int) -> None:
        x, y, into = seen[start:stop], largest[start:stop], made[start:stop]
        remains = _like(left[worker], y)
        np.copyto(remains, flowing[start:stop])
        if how.apart:
            for places in how.unseen:
                into[:, places] = 0.0
        else:
            into.fill(0.0)
        for number, runs in enumerate(taps):
            for windows, places in runs:
                rest, there = remains[:, windows], into[:, places]
                if number == len(taps) - 1 and how.apart:
                    # Whoever has not found its place before has it here.
                    np.copyto(there, rest)
                    continue
                found = _like(same[worker], rest)
                np.equal(x[:, places], y[:, windows], found)
                given = _like(part[worker], rest)
                np.copyto(given, found)
                np.multiply(given, rest, given)
                np.subtract(rest, given, rest)
                if how.apart:
                    np.copyto(there, given)
                else:
                    np.add(there, given, there)

    _tiled(workers, len(seen), how.rows, work)


def _divide(
    g: Array,
    x: Array,
    y: Array,
    into: Array,
    left: Array,
    part: Array,
    same: Array,
    runs: Sequence[Run],
    unseen: Sequence[slice],
) -> None:
    """Divide g among the taps of windows that are alike and apart: what one has not taken is left for the next."""
    for places in unseen:
        into[:, places] = 0.0
    rest = g
    for (_, places), (_, following) in pairwise(runs):
        np.equal(x[:, places], y, same)
        np.copyto(part, same)
        np.multiply(part, rest, part)
        np.copyto(into[:, places], part)
        if following is runs[-1][1]:
            # Whoever has not found its place before has it in the last one.
            np.subtract(rest, part, into[:, following])
        else:
            np.subtract(rest, part, left)
            rest = left
    if len(runs) == 1:
        np.copyto(into[:, runs[0][1]], g)


def pick_max(
    workers: Workers, v: Array, x: Array, y: Array, same: Array, taken: Array, how: Windows, out: Array
) -> None:
    """Write the v of each window into `out` at whose place x is the first to equal the window's largest, y.

    `same` and `taken` (workers, n) are scratch of bool.
    """
    values, seen = _places(v, how), _places(x, how)
    largest, made = _windows(y, how), _windows(out, how)

    def work(start: int, stop: int, worker: int) -> None:
        into = made[start:stop]
        done = _like(taken[worker], into)
        done.fill(False)
        into.fill(0.0)
        for runs in how.taps:
            for windows, places in runs:
                found = _like(same[worker], into[:, windows])
                np.equal(seen[start:stop, places], largest[start:stop, windows], found)
                np.greater(found, done[:, windows], found)
                np.logical_or(done[:, windows], found, done[:, windows])
                np.copyto(into[:, windows], values[start:stop, places], where=found)

    _tiled(workers, len(seen), how.rows, work)


def pool_sum(workers: Workers, x: Array, how: Windows, out: Array) -> None:
    """Write the sum of each window into `out`."""
    seen, made = _places(x, how), _windows(out, how)

    def work(start: int, stop: int, _: int) -> None:
        x, y = seen[start:stop], made[start:stop]
        y.fill(0.0)
        for runs in how.taps:
            for windows, places in runs:
                there = y[:, windows]
                np.add(there, x[:, places], there)

    _tiled(workers, len(seen), how.rows, work)


def spread_sum(workers: Workers, g: Array, how: Windows, out: Array) -> None:
    """Write into `out`, for each place, the sum of g over the windows that see it."""
    flowing, made = _windows(g, how), _places(out, how)

    def work(start: int, stop: int, _: int) -> None:
        g, into = flowing[start:stop], made[start:stop]
        into.fill(0.0)
        for runs in how.taps:
            for windows, places in runs:
                there = into[:, places]
                np.add(there, g[:, windows], there)

    _tiled(workers, len(made), how.rows, work)


def _tiled(workers: Workers, outer: int, rows: int, work: Callable[[int, int, int], None]) -> None:
    """Call `work(start, stop, worker)` for each tile."""
    shares = workers.shares(outer)

    def share(worker: int) -> None:
        start, stop = shares[worker]
        for first in range(start, stop, rows):
            work(first, min(first + rows, stop), worker)

    workers.run(share, len(shares))


def _places(x: Array, how: Windows) -> Array:
    """Return an array of all places as (outer, size, inner)."""
    return x.reshape(-1, how.size, how.inner)


def _windows(y: Array, how: Windows) -> Array:
    """Return an array of all windows as (outer, windows, inner)."""
    return y.reshape(-1, len(how.spans), how.inner)


def _like(scratch: Array, like: Array) -> Array:
    """Return scratch in the shape of an array."""
    return scratch[: like.size].reshape(like.shape)
