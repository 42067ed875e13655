"""Tiles and kernels as they are transformed."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.calls import perform
from specnet.engines.numpy.scratch import ScratchPool
from specnet.engines.numpy.winograd_tiles import WinogradTiles, coefficients, size_of
from specnet.graph.geometry import Geometry
from specnet.graph.winograd import Winograd

ACROSS = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]], float)
"""Bᵀ."""

GATHERED = np.array([[1, 1, 1, 0], [0, 1, -1, 1]], float)
"""Aᵀ."""


def test_a_tile_and_a_kernel_make_two_by_two_places():
    rng = np.random.default_rng(0)
    pixels, taps = rng.normal(size=(4, 4)), rng.normal(size=(3, 3))
    kernel = (coefficients((3, 3), "float64") @ taps.reshape(-1)).reshape(4, 4)
    places = GATHERED @ (kernel * (ACROSS @ pixels @ ACROSS.T)) @ GATHERED.T
    wanted = [[(pixels[i : i + 3, j : j + 3] * taps).sum() for j in (0, 1)] for i in (0, 1)]
    np.testing.assert_allclose(places, wanted, 1e-12)


@pytest.mark.parametrize(("taps", "products"), [(3, 4), (5, 7), (7, 10)])
def test_a_longer_kernel_is_a_sum_of_parts(taps, products):
    matrix = coefficients((taps, 3), "float32")
    assert matrix.dtype == np.float32
    assert matrix.shape == (products * 4, taps * 3)
    assert Winograd((6, 6), (taps, 3), 1, 1, 4).blocks == products * 4
    # The first product of each part takes its first tap, the last one of all the last tap.
    rows = [np.flatnonzero(row) for row in matrix]
    assert [row[0] for row in rows[: taps // 2]] == [0, 6, 12][: taps // 2]
    assert rows[-1].tolist() == [taps * 3 - 1]


@pytest.mark.parametrize("padding", [((1, 1), (1, 1)), ((0, 2), (2, 0)), ((0, 0), (0, 0))])
def test_tiles_overlap_by_two_pixels(padding):
    how = Geometry((5, 6), 2, (3, 3), 1, (1, 1), padding, (1, 1), 1, 4)
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 2), np.float32)
    tiles = WinogradTiles(2, (1, 1), ScratchPool(np.full(10_000, np.nan, np.float32)), how)
    unit = (0, 2, 0, how.out[0])
    perform(tiles.start())
    perform(
        (call, (*given, images)) if images is not None else (call, given)
        for call, given, images in tiles.lay(x, unit)
    )
    around = np.pad(x, ((0, 0), *[(before, behind + 2) for before, behind in padding], (0, 0)))
    found = tiles.tiles(unit)
    images, rows = size_of(unit)
    assert found.shape == (4, 4, images, rows, (how.out[1] + 1) // 2, 2)
    for row in range(rows):
        for column in range(found.shape[4]):
            pixels = around[:, 2 * row : 2 * row + 4, 2 * column : 2 * column + 4]
            wanted = np.einsum("ia,jb,nabc->ijnc", ACROSS, ACROSS, pixels)
            np.testing.assert_allclose(found[:, :, :, row, column], wanted, 1e-5, 1e-6)
