"""Moments of columns, tile by tile; the other kernels are tried by the rows of their ops."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.normalising import batch_moments


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
