"""Compiled reductions, against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba.kernels.reductions import (
    add_reduce,
    log_softmax,
    maximum_reduce,
    softmax,
    sum_between,
)

dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


def drawn(shape, dtype):
    return np.random.default_rng(0).normal(0.5, 2.0, shape).astype(dtype)


@dtypes
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((5, 7), (0,)),
        ((5, 7), (1,)),
        ((5, 7), -1),
        ((1, 9), (0,)),
        ((9, 1), (1,)),
        ((3, 4, 5), (1,)),
        ((3, 4, 5), (0, 2)),
        ((3, 4, 5), (0, 1)),
        ((2, 3, 2, 4, 3, 5), (2, 4)),
        ((2, 3, 2, 4, 3, 1), (2, 4)),
        ((2, 3, 2, 3, 2, 3, 2), (1, 3, 5)),
        ((0, 4), (0,)),
        ((1, 1), (0,)),
    ],
)
def test_sums_over_axes(shape, axes, dtype):
    x = drawn(shape, dtype)
    expected = np.add.reduce(x, axes)
    out = np.full(expected.shape, np.nan, dtype)
    add_reduce(x, axes, None, out)
    np.testing.assert_allclose(out, expected, TOLERANCE[dtype], TOLERANCE[dtype])
    again = np.full_like(out, np.nan)
    sum_between(x, axes, np.ones(0, dtype), again)
    np.testing.assert_array_equal(again, out)


@dtypes
def test_a_sum_of_all(dtype):
    x = drawn(1_003, dtype)
    np.testing.assert_allclose(add_reduce(x), x.sum(dtype="float64"), TOLERANCE[dtype])


def test_whole_numbers_and_truth_values_are_numpys_to_sum():
    out = np.zeros(3, np.int64)
    add_reduce(np.ones((4, 3), bool), (0,), None, out)
    assert out.tolist() == [4, 4, 4]


axes = pytest.mark.parametrize(
    ("shape", "axis"), [((5, 7), -1), ((5, 1), -1), ((3, 4, 5), -2), ((6, 33), -1)]
)


@dtypes
@axes
@pytest.mark.parametrize("bad", [None, np.nan, np.inf, -np.inf])
def test_the_largest(shape, axis, bad, dtype):
    x = drawn(shape, dtype)
    if bad is not None:
        x[1, 0] = bad
    expected = np.maximum.reduce(x, axis, keepdims=True)
    out = np.empty_like(expected)
    maximum_reduce(x, axis, None, out, True)
    np.testing.assert_array_equal(out, expected)


@dtypes
@axes
@pytest.mark.parametrize("bad", [None, np.nan, np.inf, -np.inf])
def test_softmax_and_its_logarithm(shape, axis, bad, dtype):
    x = 20 * drawn(shape, dtype)
    if bad is not None:
        x[1, 0] = bad
    with np.errstate(all="ignore"):
        shifted = x - x.max(axis, keepdims=True)
        expected = np.exp(shifted) / np.exp(shifted).sum(axis, keepdims=True)
        logarithm = shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))
    out = np.empty_like(x)
    softmax(x, axis, out)
    np.testing.assert_allclose(out, expected, TOLERANCE[dtype], TOLERANCE[dtype])
    log_softmax(x, axis, out)
    np.testing.assert_allclose(out, logarithm, TOLERANCE[dtype], TOLERANCE[dtype])
