"""Products and sums of small arrays within one compiled function, against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from specnet.engines.numba import small

dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def drawn(*shape, dtype="float64"):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def call(name, *arguments, sizes):
    """Call a function with arrays as if they were addresses, and with the place of the sizes in a table."""
    function = getattr(small, name)
    names = ", ".join(f"a{number}" for number in range(len(arguments)))
    scope = {"function": function}
    exec(f"def run({names}, t):\n    return function({names}, t, 1)", scope)
    given = [a.reshape(-1) if isinstance(a, np.ndarray) and a.flags.c_contiguous else a for a in arguments]
    return numba.njit(scope["run"])(*given, np.array([-1, *sizes]))


@dtypes
def test_products_of_matrices_laid_out_either_way(dtype):
    a, b, out = drawn(3, 4, dtype=dtype), drawn(5, 4, dtype=dtype), np.empty((3, 5), dtype)
    call("product", a, b, out, sizes=(3, 4, 5, 4, 1, 1, 4))
    np.testing.assert_allclose(out, a @ b.T, 1e-5)


@dtypes
def test_sums(dtype):
    a, b, out = drawn(2, 3, 4, dtype=dtype), drawn(2, 3, 4, dtype=dtype), np.empty((2, 4), dtype)
    assert call("inner_product", a, b, sizes=(24,)) == pytest.approx((a * b).sum(), 1e-5)
    assert call("total", a, sizes=(24,)) == pytest.approx(a.sum(), 1e-5)
    call("sum_along", a, out, sizes=(2, 3, 4))
    np.testing.assert_allclose(out, a.sum(1), 1e-5, 1e-6)


@dtypes
@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_logarithms_of_softmax(bad, dtype):
    a = 30 * drawn(3, 5, dtype=dtype)
    a[1, 2] += bad
    out = np.empty_like(a)
    call("logarithms", a, out, sizes=(3, 5))
    with np.errstate(all="ignore"):
        shifted = a - a.max(1, keepdims=True)
        expected = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    np.testing.assert_allclose(out, expected, 1e-5, 1e-5)


@dtypes
def test_what_is_copied_and_filled(dtype):
    a, b, out = drawn(4, dtype=dtype), drawn(4, dtype=dtype), np.empty(4, dtype)
    call("added", a, b, out, sizes=(4,))
    np.testing.assert_array_equal(out, a + b)
    call("copied", a, out, sizes=(4,))
    np.testing.assert_array_equal(out, a)
    call("filled", 0.5, out, sizes=(4,))
    assert out.tolist() == [0.5] * 4


def test_elements_at_indices():
    a, index, out = drawn(4), np.array([2, -1, 9]), np.empty(3)
    call("taken", a, index, out, sizes=(4, 3, 0))
    assert out.tolist() == [a[2], a[0], a[3]]
    placed = np.zeros(5)
    call("placed", placed, np.array([1, 9]), np.array([7.0, 8.0]), sizes=(5, 2, 2))
    assert placed.tolist() == [0, 7, 0, 0, 8]
    call("placed", placed, np.array([0, 2]), np.array([1.0]), sizes=(5, 2, 1))
    assert placed.tolist() == [1, 7, 1, 0, 8]


@dtypes
def test_softmax_of_rows(dtype):
    a, out = drawn(5, 4, dtype=dtype) * 300, np.empty((5, 4), dtype)
    call("proportions", a, out, sizes=(5, 4))
    shifted = np.exp((a - a.max(1, keepdims=True)).astype("float64"))
    np.testing.assert_allclose(out, shifted / shifted.sum(1, keepdims=True), 1e-5, 1e-30)


def test_the_place_of_the_largest_of_each_row_is_that_of_numpy():
    a = drawn(6, 4)
    a[1], a[2, 1:], a[3], a[4, ::2] = 1, np.nan, -np.inf, np.inf
    out = np.empty(6, np.int64)
    call("largest", a, out, sizes=(6, 4))
    np.testing.assert_array_equal(out, np.argmax(a, 1))


def test_how_many_are_true():
    a = drawn(3, 5) > 0
    assert call("number_of", a.view(np.uint8), sizes=(15,)) == a.sum()
