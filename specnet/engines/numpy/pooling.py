"""Pooling along one axis, tap by tap: what the windows see first, what they see second, and so on.

Arrays are seen as (outer, size, inner), and worked through by tiles of `outer`. Kernels are calls
(`specnet.engines.numpy.calls`) over the images that one worker has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from specnet.engines.numpy.calls import Call, clip, maximum
from specnet.graph.windows import Run, Windows

Array = np.ndarray[Any, Any]


def pool_max(x: Array, how: Windows, out: Array, floor: bool) -> Iterator[Call]:
    """Write the largest of each window into `out`, or 0 if there is a floor and it is larger."""
    head, others = (how.taps[0][0], how.taps[1:]) if how.full else (None, how.taps)
    for seen, y in _tiles(how, _places(x, how), _windows(out, how)):
        rest = others
        if head is None:
            yield y.fill, (-np.inf,)
        elif rest and len(rest[0]) == 1 and rest[0][0][0] == head[0]:
            yield maximum, (seen[:, head[1]], seen[:, rest[0][0][1]], y)
            rest = rest[1:]
        else:
            yield np.copyto, (y, seen[:, head[1]])
        for runs in rest:
            for windows, places in runs:
                there = y[:, windows]
                yield maximum, (there, seen[:, places], there)
        if floor:
            yield clip, (y, 0.0, np.inf, y)


def unpool_max(
    g: Array, x: Array, y: Array, left: Array, part: Array, same: Array, how: Windows, out: Array
) -> Iterator[Call]:
    """Write g into `out` where x is the first to equal its window's largest, y; 0 elsewhere.

    `left` and `part` are scratch of g's dtype, `same` of bool.
    """
    arrays = (_windows(g, how), _places(x, how), _windows(y, how), _places(out, how))
    for flowing, seen, largest, into in _tiles(how, *arrays):
        rest, given, found = (_like(scratch, flowing) for scratch in (left, part, same))
        if how.even:
            runs = [run for (run,) in how.taps]
            yield from _divide(flowing, seen, largest, into, rest, given, found, runs, how.unseen)
        else:
            yield from _take(flowing, seen, largest, into, rest, part, same, how)


def _take(
    g: Array, x: Array, y: Array, into: Array, left: Array, part: Array, same: Array, how: Windows
) -> Iterator[Call]:
    """Have each tap of any windows take what is left of g for its place, if the largest is there."""
    taps = how.taps
    yield np.copyto, (left, g)
    if how.apart:
        for places in how.unseen:
            yield into[:, places].fill, (0.0,)
    else:
        yield into.fill, (0.0,)
    for number, runs in enumerate(taps):
        for windows, places in runs:
            rest, there = left[:, windows], into[:, places]
            if number == len(taps) - 1 and how.apart:
                # Whoever has not found its place before has it here.
                yield np.copyto, (there, rest)
                continue
            found, given = _like(same, rest), _like(part, rest)
            yield np.equal, (x[:, places], y[:, windows], found)
            yield np.copyto, (given, found)
            yield np.multiply, (given, rest, given)
            yield np.subtract, (rest, given, rest)
            if how.apart:
                yield np.copyto, (there, given)
            else:
                yield np.add, (there, given, there)


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
) -> Iterator[Call]:
    """Divide g among the taps of windows that are alike and apart: what one has not taken is left for the next."""
    for places in unseen:
        yield into[:, places].fill, (0.0,)
    rest, alone = g, len(y[0]) == 1
    for (_, places), (_, following) in pairwise(runs):
        # What a single window sees is contiguous, and as fast to compute in as scratch.
        given = into[:, places] if alone else part
        yield np.equal, (x[:, places], y, same)
        yield np.copyto, (part, same)
        yield np.multiply, (part, rest, given)
        if not alone:
            yield np.copyto, (into[:, places], part)
        if following is runs[-1][1]:
            # Whoever has not found its place before has it in the last one.
            yield np.subtract, (rest, given, into[:, following])
        else:
            yield np.subtract, (rest, given, left)
            rest = left
    if len(runs) == 1:
        yield np.copyto, (into[:, runs[0][1]], g)


def pick_max(
    v: Array, x: Array, y: Array, same: Array, taken: Array, how: Windows, out: Array
) -> Iterator[Call]:
    """Write the v of each window into `out` at whose place x is the first to equal the window's largest, y.

    `same` and `taken` are scratch of bool.
    """
    arrays = (_places(v, how), _places(x, how), _windows(y, how), _windows(out, how))
    for values, seen, largest, into in _tiles(how, *arrays):
        done = _like(taken, into)
        yield done.fill, (False,)
        yield into.fill, (0.0,)
        for runs in how.taps:
            for windows, places in runs:
                already = done[:, windows]
                found = _like(same, already)
                yield np.equal, (seen[:, places], largest[:, windows], found)
                yield np.greater, (found, already, found)
                yield np.logical_or, (already, found, already)
                yield np.copyto, (into[:, windows], values[:, places], "same_kind", found)


def pool_sum(x: Array, how: Windows, out: Array) -> Iterator[Call]:
    """Write the sum of each window into `out`."""
    for seen, y in _tiles(how, _places(x, how), _windows(out, how)):
        yield y.fill, (0.0,)
        for runs in how.taps:
            for windows, places in runs:
                there = y[:, windows]
                yield np.add, (there, seen[:, places], there)


def spread_sum(g: Array, how: Windows, out: Array) -> Iterator[Call]:
    """Write into `out`, for each place, the sum of g over the windows that see it."""
    for flowing, into in _tiles(how, _windows(g, how), _places(out, how)):
        yield into.fill, (0.0,)
        for runs in how.taps:
            for windows, places in runs:
                there = into[:, places]
                yield np.add, (there, flowing[:, windows], there)


def _tiles(how: Windows, *arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Go through arrays tile by tile."""
    for start in range(0, len(arrays[0]), how.rows):
        yield tuple(array[start : start + how.rows] for array in arrays)


def _places(x: Array, how: Windows) -> Array:
    """Return an array of all places as (outer, size, inner)."""
    return x.reshape(-1, how.size, how.inner)


def _windows(y: Array, how: Windows) -> Array:
    """Return an array of all windows as (outer, windows, inner)."""
    return y.reshape(-1, how.spans.number, how.inner)


def _like(scratch: Array, like: Array) -> Array:
    """Return scratch in the shape of an array."""
    return scratch[: like.size].reshape(like.shape)
