"""Passes over matrices, column by column, as compiled functions make them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from specnet.engines.numba import column_passes as passes
from specnet.engines.numba.column_passes import BAND, wide_columns
from tests.support.processors import older_processors, run_as_if_on

add_sums, add_squares, add_products = passes.add_sums, passes.add_squares, passes.add_products
add_products_of_rest, normalised = passes.add_products_of_rest, passes.normalised
scaled, combined = passes.scaled, passes.combined


@numba.njit
def compute(x, y, own, sums, made):
    add_sums(x, sums[0])
    add_squares(x, own[0], sums[1])
    add_products(x, y, sums[2], sums[3])
    add_products_of_rest(x, y, own[0], sums[4], sums[5])
    normalised(x, own[0], own[1], made[0])
    scaled(x, own[0], own[1], made[1])
    combined(x, y, own[0], own[1], own[2], made[2])


def check(shape, dtype):
    """Check all passes over matrices of a shape, in memory in which nothing else is written."""
    rng, columns = np.random.default_rng(0), shape[1]
    x, y = rng.normal(size=(2, *shape)).astype(dtype)
    own, start = (rng.normal(size=(count, columns + 1)).astype(dtype) for count in (3, 6))
    sums, made = start.copy(), np.full((3, shape[0] + 1, columns), np.nan, dtype)
    compute(x, y, own, sums, made[:, :-1])
    p, q, r = own[:, :columns]
    exact, other = x.astype("float64"), y.astype("float64")
    expected = [exact, (exact - p) ** 2, exact, exact * other, exact, exact * (other - p)]
    tolerance = 1e-3 if dtype == "float32" else 1e-11
    found = sums[:, :columns] - start[:, :columns]
    np.testing.assert_allclose(found, [each.sum(0) for each in expected], tolerance, tolerance)
    expected = [(exact - p) * q, exact * p + q, exact * p + other * q + r]
    np.testing.assert_allclose(made[:, :-1], expected, tolerance / 10, tolerance / 10)
    assert np.isnan(made[:, -1]).all()
    np.testing.assert_array_equal(sums[:, columns], start[:, columns])


@pytest.mark.parametrize("columns", [1, 7, 8, 16, 45, 128, 333])
def test_passes_are_those_of_numpy(columns):
    check((9, columns), "float32")


@pytest.mark.parametrize("rows", [0, 1, 2 * BAND // 800 + 3])
def test_there_may_be_any_number_of_rows(rows):
    check((rows, 200), "float32")


def test_what_is_not_finite_stays_in_its_column():
    x, own, sums, made = (np.ones(shape, "float32") for shape in ((5, 20), (3, 20), (6, 20), (3, 5, 20)))
    x[2, 17] = np.nan
    compute(x, np.ones_like(x), own, sums, made)
    assert np.isfinite(sums).all(axis=0).tolist() == [column != 17 for column in range(20)]
    assert np.argwhere(~np.isfinite(made)).tolist() == [[n, 2, 17] for n in range(3)]


@pytest.mark.parametrize(
    ("columns", "most", "expected"),
    [
        (64, 8192, 128),
        (24, 8192, 384),
        (24, 120, 48),
        (10, 8192, 80),
        (7, 8192, 112),
        (7, 20, 14),
        (600, 8192, 600),
    ],
)
def test_wide_rows_are_divided_by_vectors(columns, most, expected):
    assert wide_columns(columns, 4, most) == expected


@older_processors
def test_vectors_may_be_shorter(name, features):
    code = 'from tests.engines.numba import test_column_passes as tests; tests.check((9, 45), "float32"); print("done")'
    assert run_as_if_on(name, features, code) == "done"
