"""Moments of columns, tile by tile, and by several workers."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.moments import LEAST_ROWS, batch_moments, shared_moments
from specnet.engines.workers import Workers
from tests.support.threads import KNOWN


@pytest.mark.parametrize("rows", [1, 4, 5, 16, 23])
def test_moments_of_columns_whatever_the_tiles(rows):
    x = np.random.default_rng(0).normal(size=(rows, 3)) + 1e6
    tile, columns = 4, 3
    out = np.full((3, columns), np.nan)
    batch_moments(
        x, np.ones(tile), np.empty((tile, columns)), np.empty((tile, columns)), np.empty(columns), out
    )
    np.testing.assert_allclose(out[0], x.mean(0), 1e-12)
    np.testing.assert_allclose(out[1], x.var(0), 1e-8)
    np.testing.assert_allclose(out[2], x.var(0, ddof=1) if rows > 1 else np.zeros(3), 1e-8)


@KNOWN
@pytest.mark.parametrize("rows", [1, 2, 5, 23, 64])
@pytest.mark.parametrize("tile", [2, 3 * LEAST_ROWS, 16])
def test_workers_share_the_rows_and_the_scratch(rows, tile, monkeypatch):
    x = np.random.default_rng(0).normal(size=(rows, 3)) + 1e6
    alone, shared, parts = np.full((3, 3), np.nan), np.full((3, 3), np.nan), []
    room = np.ones(tile), np.empty((tile, 3)), np.empty((tile, 3)), np.empty(3)
    batch_moments(x, *room, alone)
    workers = Workers(3)
    run = workers.run
    monkeypatch.setattr(workers, "run", lambda task, count: parts.append(count) or run(task, count))
    shared_moments(workers, x, *room, shared)
    np.testing.assert_allclose(shared, alone, 1e-8)
    # Once for the mean and once for the variance, except where there is too little scratch or one row.
    assert parts == ([] if tile == 2 or rows == 1 else [min(rows, 3)] * 2)
    again = np.empty((3, 3))
    shared_moments(workers, x, *room, again)
    np.testing.assert_array_equal(again, shared)
