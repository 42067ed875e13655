"""Products of a vector and a matrix, as compiled functions give them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba import products
from specnet.engines.numba.blocks import BlockShape
from specnet.engines.numba.matrices import BY_BLOCKS
from specnet.engines.numba.vector_products import most_vectors
from tests.support.examples import DTYPES

FUNCTIONS = {"float32": products.multiply_float32, "float64": products.multiply_float64}


def multiplied(x, w, apart=1, before=3):
    """Return the product of numbers that lie so far apart and a matrix whose rows have others between them."""
    (k, m), dtype = w.shape, w.dtype
    wide, out = np.full((k, m + 5), np.nan, dtype), np.full(m + 2 * before, 7, dtype)
    wide[:, 2 : m + 2] = w
    spread = np.full(max(1, k) * apart, np.nan, dtype)
    spread[: k * apart : apart] = x
    places = [spread.ctypes.data, wide[:, 2:].ctypes.data, out[before:].ctypes.data]
    FUNCTIONS[dtype.name](apart > 1, 1, m, k, places[0], apart, places[1], m + 5, places[2], m)
    assert (out[:before] == 7).all()
    assert (out[before + m :] == 7).all()
    return out[before : before + m]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("apart", [1, 3])
@pytest.mark.parametrize("k", [0, 1, 7, 16, 129])
@pytest.mark.parametrize("m", [1, 2, 5, 8, 16, 17, 40, 300])
def test_products_of_a_vector(dtype, apart, k, m):
    rng = np.random.default_rng(k * m)
    x, w = rng.normal(size=k).astype(dtype), rng.normal(size=(k, m)).astype(dtype)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    expected = x.astype(np.float64) @ w
    np.testing.assert_allclose(multiplied(x, w, apart), expected, tolerance, tolerance * 10)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_number_of_columns_is_computed(dtype):
    item = np.dtype(dtype).itemsize
    counts = [m for m in range(1, 300) if products.is_by_blocks(1, m, 9, item)]
    assert counts == list(range(1, len(counts) + 1)), "all up to the widest"
    assert len(counts) >= 128 // item
    for m in counts:
        x, w = np.arange(1, 10).astype(dtype), np.arange(9 * m).reshape(9, m).astype(dtype)
        np.testing.assert_array_equal(multiplied(x, w), x @ w)


def test_what_is_not_finite_reaches_its_columns_alone():
    x, w = np.ones(20, np.float32), np.ones((20, 50), np.float32)
    w[3, 4], w[19, 49], w[0, 0] = np.nan, np.inf, -np.inf
    expected = np.full(50, 20, np.float32)
    expected[[4, 49, 0]] = np.nan, np.inf, -np.inf
    np.testing.assert_array_equal(multiplied(x, w), expected)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [(BlockShape(64, 8, 3), 16), (BlockShape(16, 8, 3, masks=False), 16), (BlockShape(32, 6, 2), 8)],
)
def test_sums_leave_registers_for_what_is_read(shape, expected):
    assert most_vectors(shape) == expected


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_column_is_multiplied_as_a_row(dtype):
    rng = np.random.default_rng(0)
    a, b, out = (
        rng.normal(size=(40, 6)).astype(dtype).T,
        rng.normal(size=40).astype(dtype),
        np.empty(6, dtype),
    )
    (entry,) = np.reshape(products.product_parts(a, b, out, 1), (1, 11)).tolist()
    assert entry[:5] == [1 + BY_BLOCKS, 0, 1, 6, 40]
    FUNCTIONS[dtype](1, *entry[2:])
    np.testing.assert_allclose(out, a @ b, 1e-4 if dtype == "float32" else 1e-12)
