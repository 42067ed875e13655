"""Normalisation of each example over its places and a group of features, a tile at a time.

Kernels are calls (`specnet.engines.numpy.calls`) over the examples that one worker has. A tile is some places of one
example, or a few whole examples, so that its passes find it in cache. Several places are taken as one row, over which
vectors of features are laid out, so that what is done element by element is done to many contiguous elements at once,
and means are products with equal shares. Nothing is allocated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from specnet.engines.numpy.calls import Call
from specnet.graph.ops.normalising_groups import GROUP_TILE

Array = np.ndarray[Any, Any]


def group_moments(
    x: Array,
    epsilon: float,
    average: Array,
    share: Array,
    s: Array,
    sums: Array,
    part: Array,
    over: Array,
    out: Array,
) -> Iterator[Call]:
    """Write the mean and 1 / sqrt(variance + epsilon) of each feature's group to `out` (n, 2, m), for x (n, places, m).

    `average` (1, places) is full of 1 / places, and `share` (size,) of 1 / size for a group of so many features, so
    that two products make the mean of a group. The variance is that of what is left once the mean is taken off.
    """
    for start in range(0, len(x), len(sums)):
        some, found = x[start : start + len(sums)], out[start : start + len(sums)]
        mean, root = found[:, :1], found[:, 1:]
        squares = sums[: len(some)]
        yield np.matmul, (average, some, squares)
        yield from _over_groups(squares, share, part, mean)
        for examples, places in _tiles(some, over):
            yield from _lay(mean[examples], over)
            for between in places:
                tile = _rows(some[examples, between], over)
                left = _like(tile, s)
                yield np.subtract, (tile, _laid(over, tile), left)
                yield np.multiply, (left, left, left)
                yield from _add_means(left, average, between, part, squares[examples])
        yield from _over_groups(squares, share, part, squares)
        yield np.add, (squares, epsilon, squares)
        yield np.sqrt, (squares, squares)
        yield np.reciprocal, (squares, squares)
        yield np.copyto, (root, squares)


def group_norm(x: Array, moments: Array, mean: Array, root: Array, out: Array) -> Iterator[Call]:
    """Write (x - mean) / sqrt(variance + epsilon), given what `group_moments` found."""
    for examples, places in _tiles(x, mean):
        yield from _lay(moments[examples, :1], mean)
        yield from _lay(moments[examples, 1:], root)
        for between in places:
            tile, made = (_rows(a[examples, between], mean) for a in (x, out))
            yield np.subtract, (tile, _laid(mean, tile), made)
            yield np.multiply, (made, _laid(root, tile), made)


def group_norm_grad(
    g: Array,
    y: Array,
    moments: Array,
    average: Array,
    share: Array,
    s: Array,
    total: Array,
    product: Array,
    part: Array,
    by_g: Array,
    by_y: Array,
    shift: Array,
    out: Array,
) -> Iterator[Call]:
    """Write the gradient of what `group_norm` is given, y being what it gave.

    It is r * (g - mean(g) - y * mean(g * y)) with r = 1 / sqrt(variance + epsilon) and means over a group (Wu and He,
    2018), as by_g * g - by_y * y - shift.
    """
    for start in range(0, len(g), len(total)):
        slopes, normal, made = (a[start : start + len(total)] for a in (g, y, out))
        root = moments[start : start + len(total), 1:]
        sums, roots = (total[: len(root)], product[: len(root)]), part[: len(root)]
        for examples, places in _tiles(slopes, by_g):
            for between in places:
                tiles = [_rows(a[examples, between], by_g) for a in (slopes, normal)]
                both = _like(tiles[0], s)
                yield np.multiply, (*tiles, both)
                for tile, found in zip((tiles[0], both), sums, strict=True):
                    yield from _add_means(tile, average, between, part, found[examples])
        for found in sums:
            yield from _over_groups(found, share, part, found)
        yield np.copyto, (roots, root)
        for found in sums:
            yield np.multiply, (found, roots, found)
        for examples, places in _tiles(slopes, by_g):
            for vector, row in ((roots, by_g), (sums[1], by_y), (sums[0], shift)):
                yield from _lay(vector[examples], row)
            for between in places:
                tile, other, result = (_rows(a[examples, between], by_g) for a in (slopes, normal, made))
                left = _like(tile, s)
                yield np.multiply, (other, _laid(by_y, tile), left)
                yield np.multiply, (tile, _laid(by_g, tile), result)
                yield np.subtract, (result, left, result)
                yield np.subtract, (result, _laid(shift, tile), result)


def _tiles(x: Array, over: Array) -> Iterator[tuple[slice, list[slice]]]:
    """Yield the examples of each tile, and their places: as many rows at once as fit, and what is left of a row."""
    count, places, m = x.shape
    several, joined, _ = over.shape
    whole = places - places % joined
    step = max(1, GROUP_TILE // (joined * m)) * joined
    between = [slice(start, min(start + step, whole)) for start in range(0, whole, step)]
    between += [slice(whole, places)] if whole < places else []
    for start in range(0, count, several):
        yield slice(start, min(start + several, count)), between


def _rows(tile: Array, over: Array) -> Array:
    """Return a tile with several places in each row, if there are so many."""
    examples, places, m = tile.shape
    return tile.reshape(examples, -1, min(places, over.shape[1]) * m)


def _like(tile: Array, s: Array) -> Array:
    """Return scratch of the shape of a tile."""
    return s[: tile.size].reshape(tile.shape)


def _lay(vectors: Array, over: Array) -> Iterator[Call]:
    """Lay vectors (examples, 1, m) out over several places."""
    yield np.copyto, (over[: len(vectors)], vectors)


def _laid(over: Array, tile: Array) -> Array:
    """Return vectors that are laid out so as rows of a tile."""
    return over.reshape(len(over), 1, -1)[: len(tile), :, : tile.shape[2]]


def _add_means(tile: Array, average: Array, between: slice, part: Array, means: Array) -> Iterator[Call]:
    """Add what some places have in the means over all of them; the first ones are written."""
    examples, m = len(means), means.shape[2]
    out = part[:examples] if between.start else means
    yield np.matmul, (average[:, between], tile.reshape(examples, -1, m), out)
    if between.start:
        yield np.add, (means, out, means)


def _over_groups(vectors: Array, share: Array, part: Array, out: Array) -> Iterator[Call]:
    """Give each feature the mean of its group: vectors (examples, 1, m)."""
    groups = vectors.size // share.size
    means = part.reshape(-1)[:groups]
    yield np.dot, (vectors.reshape(groups, -1), share, means)
    shape = len(vectors), groups // len(vectors), share.size
    yield np.copyto, (out.reshape(shape), means.reshape(*shape[:2], 1))
