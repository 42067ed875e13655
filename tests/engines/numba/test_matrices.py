"""Products of the matrix library at its address, and of vectors."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from specnet.engines.blas import product_addresses
from specnet.engines.numba.matrices import BY_BLOCKS, gemm32, gemm64
from specnet.engines.numba.products import product_functions


@numba.njit
def multiply(single, table, address):
    if single:
        gemm32(table, address, 1)
    else:
        gemm64(table, address, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("a_t", [False, True])
@pytest.mark.parametrize("b_t", [False, True])
@pytest.mark.parametrize(
    "shape", [(5, 7, 3), (1, 40, 9), (9, 41, 1), (1, 6, 9), (7, 3, 1), (1, 5, 1), (4, 1, 3)]
)
def test_products_of_matrices(shape, dtype, a_t, b_t):
    if product_addresses() is None:
        pytest.skip("NumPy's matrix library is another")
    rng = np.random.default_rng(0)
    n, k, m = shape
    a = rng.normal(size=(k, n) if a_t else (n, k)).astype(dtype)
    b = rng.normal(size=(m, k) if b_t else (k, m)).astype(dtype)
    out = np.full((n, m), np.nan, dtype)
    places = [array.ctypes.data for array in (a, b, out)]
    table = [0, a_t, b_t, n, m, k, places[0], a.shape[1], places[1], b.shape[1], places[2], m]
    expected = (a.T if a_t else a) @ (b.T if b_t else b)
    for blocks in (0, BY_BLOCKS)[: 1 if b_t else 2]:
        table[1] = a_t + blocks
        multiply(dtype == "float32", np.array(table, np.int64), product_functions(a.itemsize))
        np.testing.assert_allclose(out, expected, 1e-5 if dtype == "float32" else 1e-12)
        out[:] = np.nan
    table[1], table[3] = a_t, 0  # n
    out[:] = 1
    multiply(dtype == "float32", np.array(table, np.int64), 0)
    assert (out == 1).all(), "a product without rows does nothing"
