"""Pooling along one axis, by windows of every kind, against its meaning."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.calls import perform
from specnet.engines.numpy.pooling import pick_max, pool_max, pool_sum, spread_sum, unpool_max
from specnet.graph.windows import Windows
from tests.support.op_rows import SPANS
from tests.support.reference import first_largest

spans = pytest.mark.parametrize(("windows", "size"), SPANS)


def seen(windows, size):
    return [slice(max(start, 0), min(stop, size)) for start, stop in windows]


def drawn(size):
    """Return numbers (outer, size, inner) among which there are equals, and some below 0."""
    return np.random.default_rng(0).integers(-3, 3, (4, size, 2)).astype(float)


@spans
@pytest.mark.parametrize("floor", [False, True])
def test_the_largest_of_each_window(windows, size, floor):
    x, out = drawn(size), np.full((4, len(windows), 2), np.nan)
    perform(pool_max(x, Windows(windows, size, 2), out, floor))
    expected = np.stack([x[:, part].max(1) for part in seen(windows, size)], 1)
    np.testing.assert_array_equal(out, np.maximum(expected, 0.0) if floor else expected)


@spans
def test_what_flows_back_goes_to_the_first_of_the_largest(windows, size):
    x = drawn(size)
    y = np.stack([x[:, part].max(1) for part in seen(windows, size)], 1)
    g = np.random.default_rng(1).normal(size=y.shape)
    out, left, part = np.full(x.shape, np.nan), np.empty(g.size), np.empty(g.size)
    perform(unpool_max(g, x, y, left, part, np.empty(g.size, bool), Windows(windows, size, 2), out))
    expected, at = np.zeros(x.shape), first_largest(x, 1, windows)
    for place in np.ndindex(g.shape):
        expected[place[0], at[place], place[2]] += g[place]
    np.testing.assert_allclose(out, expected, 1e-13, 1e-13)


@spans
def test_sums_of_windows_and_what_flows_back_from_them(windows, size):
    x, out = drawn(size), np.full((4, len(windows), 2), np.nan)
    how = Windows(windows, size, 2)
    perform(pool_sum(x, how, out))
    np.testing.assert_allclose(out, np.stack([x[:, part].sum(1) for part in seen(windows, size)], 1), 1e-13)
    g, back = np.random.default_rng(1).normal(size=out.shape), np.full(x.shape, np.nan)
    perform(spread_sum(g, how, back))
    # The adjoint: both ways of weighing the sums are the same number.
    np.testing.assert_allclose((back * x).sum(), (g * out).sum(), 1e-12)


@spans
def test_picked_are_the_values_at_the_first_of_the_largest(windows, size):
    x, values = drawn(size), np.random.default_rng(1).normal(size=(4, size, 2))
    y = np.stack([x[:, part].max(1) for part in seen(windows, size)], 1)
    out, same, taken = np.full(y.shape, np.nan), np.empty(y.size, bool), np.empty(y.size, bool)
    perform(pick_max(values, x, y, same, taken, Windows(windows, size, 2), out))
    np.testing.assert_array_equal(out, np.take_along_axis(values, first_largest(x, 1, windows), 1))
