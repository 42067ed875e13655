"""Normalisation of each example over its places and a group of features.

Several places are taken as one wide row, so that the inner loops are long even where there are few features. Sums are
those of each place in such a row first, then of each feature, then of each group: no loop goes over a group's features
of one place, which are few.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np

from specnet.engines.numba.column_passes import (
    add_products,
    add_squares,
    add_sums,
    combined,
    normalised,
    wide_columns,
)
from specnet.engines.numba.kernels.columns import fold, repeat
from specnet.engines.numba.kernels.compiled import inner, loops
from specnet.engines.numpy.calls import Call

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
    """Write what `group_moments` of the NumPy engine does."""
    wide = _wide(over)
    yield _group_moments, (_examples(x), share.size, epsilon, s[: wide.size], wide, out)


def group_norm(x: Array, moments: Array, mean: Array, root: Array, out: Array) -> Iterator[Call]:
    """Write (x - mean) / sqrt(variance + epsilon), given what `group_moments` found."""
    yield _group_norm, (_examples(x), moments, _wide(mean), _wide(root), _examples(out))


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
    """Write what `group_norm_grad` of the NumPy engine does, which holds the formula."""
    tiles = map(_wide, (by_g, by_y, shift))
    yield _group_norm_grad, (_examples(g), _examples(y), moments, share.size, *tiles, _examples(out))


def _examples(x: Array) -> Array:
    """Return each example as a row."""
    count, places, m = x.shape
    return x.reshape(count, places * m)


def _wide(over: Array) -> Array:
    """Return scratch for a wide row, of what holds one for the NumPy engine."""
    row: Array = over[0].reshape(-1)
    return row[: wide_columns(over.shape[2], over.itemsize, row.size)]


@inner
def _parts(example: Array, width: int, m: int) -> tuple[Array, Array]:
    """Return an example as wide rows, and as the places (m,) that are left over."""
    rows = example.size // width
    whole = rows * width
    return example[:whole].reshape((rows, width)), example[whole:].reshape(((example.size - whole) // m, m))


@inner
def _sums(wide: Array, rest: Array, sums: Array) -> None:
    """Write the sum of each feature over an example's places."""
    m, width = rest.shape[1], wide.shape[1]
    sums[:width] = wide.dtype.type(0)
    add_sums(wide, sums)
    fold(sums, m, width)
    add_sums(rest, sums)


@inner
def _squares(wide: Array, rest: Array, means: Array, sums: Array) -> None:
    """Write the sum of (x - mean)^2 of each feature over an example's places."""
    m, width = rest.shape[1], wide.shape[1]
    sums[:width] = wide.dtype.type(0)
    add_squares(wide, means, sums)
    fold(sums, m, width)
    add_squares(rest, means, sums)


@inner
def _means_over_groups(sums: Array, size: int, count: int, means: Array) -> None:
    """Give each feature the sum over its group, divided by the number of elements."""
    kind = means.dtype.type
    for start in range(0, means.size, size):
        total = kind(0)
        for j in range(start, start + size):
            total += sums[j]
        total /= kind(count)
        for j in range(start, start + size):
            means[j] = total


@loops
def _group_moments(x: Array, size: int, epsilon: float, sums: Array, means: Array, out: Array) -> None:
    kind = out.dtype.type
    m, width = out.shape[2], means.size
    count = x.shape[1] // m * size
    for n in range(len(x)):
        mean, root = out[n, 0], out[n, 1]
        wide, rest = _parts(x[n], width, m)
        _sums(wide, rest, sums)
        _means_over_groups(sums, size, count, mean)
        means[:m] = mean
        repeat(means, m, width)
        _squares(wide, rest, means, sums)
        _means_over_groups(sums, size, count, root)
        for j in range(m):
            root[j] = kind(1) / kind(sqrt(root[j] + kind(epsilon)))


@loops
def _group_norm(x: Array, moments: Array, means: Array, roots: Array, out: Array) -> None:
    m, width = moments.shape[2], means.size
    for n in range(len(x)):
        means[:m] = moments[n, 0]
        roots[:m] = moments[n, 1]
        repeat(means, m, width)
        repeat(roots, m, width)
        wide, rest = _parts(x[n], width, m)
        made, last = _parts(out[n], width, m)
        normalised(wide, means, roots, made)
        normalised(rest, means, roots, last)


@inner
def _slope_sums(g: Array, y: Array, more: Array, others: Array, product: Array, total: Array) -> None:
    """Write for each feature of an example the sums of g * y and of g: wide rows, and the places left over."""
    m, width = more.shape[1], g.shape[1]
    total[:width] = g.dtype.type(0)
    product[:width] = g.dtype.type(0)
    add_products(g, y, total, product)
    fold(total, m, width)
    fold(product, m, width)
    add_products(more, others, total, product)


@loops
def _group_norm_grad(
    g: Array, y: Array, moments: Array, size: int, by_g: Array, by_y: Array, shift: Array, out: Array
) -> None:
    m, width = moments.shape[2], by_g.size
    count = g.shape[1] // m * size
    for n in range(len(g)):
        slopes, more = _parts(g[n], width, m)
        normal, others = _parts(y[n], width, m)
        made, last = _parts(out[n], width, m)
        _slope_sums(slopes, normal, more, others, by_y, shift)
        _means_over_groups(by_y, size, count, by_y[:m])
        _means_over_groups(shift, size, count, shift[:m])
        for j in range(m):
            by_g[j] = moments[n, 1, j]
            by_y[j] *= -by_g[j]
            shift[j] *= -by_g[j]
        repeat(by_g, m, width)
        repeat(by_y, m, width)
        repeat(shift, m, width)
        combined(slopes, normal, by_g, by_y, shift, made)
        combined(more, others, by_g, by_y, shift, last)
