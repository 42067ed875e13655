"""Where arrays lie, as compiled code is told."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba.addresses import TILE, address_of, product_parts


def test_the_address_of_a_view_is_that_of_its_first_element():
    array = np.arange(12.0).reshape(3, 4)
    assert address_of(array[1:, 2:]) == array.ctypes.data + 8 * 6


@pytest.mark.parametrize(("n", "m"), [(100, 7), (7, 100)])
def test_parts_are_whole_tiles_of_rows_or_columns(n, m):
    a, b, out = np.ones((n, 5)), np.ones((5, m)), np.empty((n, m))
    entries = np.reshape(product_parts(a, b, out, 3), (3, 11))
    sizes = entries[:, 2 if n > m else 3]
    assert sizes.sum() == 100
    assert all(size % TILE == 0 for size in sizes[:-1])


def test_a_part_of_a_wider_array_is_written_row_by_row():
    wide = np.zeros((4, 10))
    (entry,) = np.reshape(product_parts(np.ones((4, 5)), np.ones((5, 3)), wide[:, 2:5], 1), (1, 11))
    assert entry[-2:].tolist() == [wide.ctypes.data + 16, 10]
