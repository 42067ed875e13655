"""Products in the tables of compiled steps."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba import products
from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.matrices import BY_BLOCKS
from specnet.engines.numba.multiplying import SECOND_TURNED
from specnet.engines.numba.products import TILE, calls_library, is_by_blocks, product_parts


def test_blocks_are_for_sizes_that_fill_them(monkeypatch):
    shape = products.BlockShape(64, 8, 3)
    monkeypatch.setattr(products, "_shape", lambda: shape)
    is_by_blocks.cache_clear()
    assert is_by_blocks(64, 256, 784, 4)
    assert is_by_blocks(5, 256, 784, 4), "the library copies more than it multiplies"
    assert not is_by_blocks(4, 256, 784, 4)
    assert is_by_blocks(1000, 10, 64, 4), "more than half of a vector is full"
    assert not is_by_blocks(1000, 9, 64, 4), "half of a vector would be empty"
    assert not is_by_blocks(64, 4096, 4096, 4), "its copies fit in cache, and the matrix does not"
    is_by_blocks.cache_clear()


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


def test_whether_the_matrix_library_is_called_follows_from_the_sizes():
    def found(n, k, m, *, turned=False):
        b = np.ones((m, k)).T if turned else np.ones((k, m))
        return calls_library(product_parts(np.ones((n, k)), b, np.empty((n, m)), 2))

    assert found(8, 96, 47, turned=True)
    assert not found(64, 96, 48, turned=True)
    assert not found(64, 96, 48)
    assert not found(1, 96, 4096)
    assert not found(64, 96, 1)


@pytest.mark.skipif(not products.product_functions(4), reason="the matrix library is not known")
def test_threads_that_ask_first_are_given_addresses_that_stay(monkeypatch):
    monkeypatch.setattr(products, "_TABLES", {})
    asked = [products.product_functions.__wrapped__(4) for _ in range(2)]  # as by two threads at once
    assert asked == [address_of(products._TABLES[4])] * 2


def test_a_second_matrix_that_lies_column_by_column_is_transposed_for_enough_rows():
    turned = np.ones((48, 96)).T

    def lies(n):
        return product_parts(np.ones((n, 96)), turned, np.empty((n, 48)), 1)[0]

    assert lies(64) == SECOND_TURNED + BY_BLOCKS
    assert lies(8) == 0
