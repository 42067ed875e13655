"""Normalisation of rows, tile by tile; the other kernels are tried by the rows of their ops."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.normalising import layer_norm, layer_norm_grad

EPSILON, COLUMNS, TILE = 1e-5, 6, 4


def normal(x, center):
    left = x - x.mean(1, keepdims=True) if center else x
    return left / np.sqrt((left**2).mean(1, keepdims=True) + EPSILON)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("rows", [1, 4, 5, 16, 23])
def test_rows_are_normalised_whatever_the_tiles(rows, center):
    rng = np.random.default_rng(0)
    x, g, direction = (rng.normal(size=(rows, COLUMNS)) for _ in range(3))
    average = np.full(COLUMNS, 1 / COLUMNS)
    tile, column, mean = np.empty((TILE, COLUMNS)), np.empty(TILE), np.empty(TILE)
    y, back = np.full_like(x, np.nan), np.full_like(x, np.nan)
    layer_norm(x, center, EPSILON, average, tile, column, y)
    np.testing.assert_allclose(y, normal(x, center), 1e-12)
    layer_norm_grad(g, y, x, center, EPSILON, average, tile, column, mean, back)
    step = 1e-6 * direction
    slope = (normal(x + step, center) - normal(x - step, center)) / 2e-6
    assert (back * direction).sum() == pytest.approx((g * slope).sum(), rel=1e-6)
