"""Products of matrices by blocks, and what compiled code is told of products."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba import products
from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.matrices import BY_BLOCKS
from specnet.engines.numba.products import TILE, TURNED, calls_library, is_by_blocks, is_turned, product_parts
from tests.support.examples import DTYPES

FUNCTIONS = {"float32": products.multiply_float32, "float64": products.multiply_float64}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("a_t", [False, True])
@pytest.mark.parametrize("shape", [(16, 20, 96), (1, 1, 1), (13, 600, 50), (8, 300, 7), (70, 3, 33)])
def test_blocks_multiply_matrices(shape, a_t, dtype):
    rng = np.random.default_rng(0)
    n, k, m = shape
    a = rng.normal(size=(k, n + 2) if a_t else (n, k + 2)).astype(dtype)
    b, wide = rng.normal(size=(k, m)).astype(dtype), np.full((n, m + 3), 7, dtype)
    given = a_t, n, m, k, a.ctypes.data, a.shape[1], b.ctypes.data, m, wide[:, 1:].ctypes.data, m + 3
    FUNCTIONS[dtype](*given)
    expected = (a[:, :n].T if a_t else a[:, :k]).astype(np.float64) @ b
    np.testing.assert_allclose(wide[:, 1 : m + 1], expected, 1e-4 if dtype == "float32" else 1e-12, 1e-4)
    assert (wide[:, [0, -2, -1]] == 7).all(), "what lies around the result stays as it is"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(32, 64, 16), (48, 300, 32), (16, 600, 64), (80, 65, 16)])
def test_matrices_that_lie_column_by_column(shape, dtype):
    n, k, m = shape
    if not is_turned(n, m, k, np.dtype(dtype).itemsize):
        pytest.skip("squares are not filled by the blocks of this processor")
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(k, n + 2)).astype(dtype), rng.normal(size=(m, k + 3)).astype(dtype)
    wide = np.full((n, m + 3), 7, dtype)
    out = wide[:, 1 : m + 1]
    (entry,) = np.reshape(product_parts(a[:, :n].T, b[:, :k].T, out, 1), (1, 11)).tolist()
    assert entry[:2] == [TURNED + BY_BLOCKS, 1]
    FUNCTIONS[dtype](TURNED, *entry[2:])
    expected = a[:, :n].T.astype(np.float64) @ b[:, :k].T
    np.testing.assert_allclose(out, expected, 1e-4 if dtype == "float32" else 1e-12, 1e-4)
    assert (wide[:, [0, -2, -1]] == 7).all(), "what lies around the result stays as it is"


def test_squares_are_for_sizes_that_are_made_of_them(monkeypatch):
    for shape, fits in ((products.BlockShape(64, 8, 3), True), (products.BlockShape(32, 6, 2), False)):
        monkeypatch.setattr(products, "_shape", lambda shape=shape: shape)
        is_turned.cache_clear()
        assert is_turned(256, 16, 784, 4) is fits
    monkeypatch.setattr(products, "_shape", lambda: products.BlockShape(64, 8, 3))
    is_turned.cache_clear()
    assert not is_turned(256, 10, 784, 4)
    assert not is_turned(250, 16, 784, 4)
    assert not is_turned(784, 256, 16, 4), "transposing would take as long as the sums"
    assert is_turned(256, 1024, 784, 4)
    assert not is_turned(1024, 1024, 1024, 4), "the library's copies take less"
    is_turned.cache_clear()


def test_a_row_has_the_same_bits_in_any_part_of_a_product():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(40, 500)).astype(np.float32), rng.normal(size=(500, 64)).astype(np.float32)
    whole, part = np.empty((40, 64), np.float32), np.empty((40, 64), np.float32)
    a_at, b_at, whole_at, part_at = (each.ctypes.data for each in (a, b, whole, part))
    products.multiply_float32(0, 40, 64, 500, a_at, 500, b_at, 64, whole_at, 64)
    for row in range(0, 40, 5):
        for column in (0, 16, 32, 48):
            first, second, to = a_at + 2000 * row, b_at + 4 * column, part_at + 4 * (64 * row + column)
            products.multiply_float32(0, 5, 16, 500, first, 500, second, 64, to, 64)
    assert part.tobytes() == whole.tobytes()


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

    assert found(64, 96, 47, turned=True)
    assert not found(64, 96, 48)
    assert not found(1, 96, 4096)
    assert not found(64, 96, 1)


@pytest.mark.skipif(not products.product_functions(4), reason="the matrix library is not known")
def test_threads_that_ask_first_are_given_addresses_that_stay(monkeypatch):
    monkeypatch.setattr(products, "_TABLES", {})
    asked = [products.product_functions.__wrapped__(4) for _ in range(2)]  # as by two threads at once
    assert asked == [address_of(products._TABLES[4])] * 2


def test_only_a_second_matrix_that_lies_row_by_row_is_read_where_it_lies():
    a, b, out = np.ones((64, 96)), np.ones((96, 48)), np.empty((64, 48))
    turned = np.ones((48, 96)).T
    assert [product_parts(a, each, out, 1)[0] >= BY_BLOCKS for each in (b, turned)] == [True, False]
