"""The error function against the one of the C library."""

from __future__ import annotations

import math

import numpy as np
import pytest

from specnet.engines.numpy.erf import _FIT, erf
from tests.support.memory import growth


def computed(x):
    out, s, s2 = (np.full_like(x, np.nan) for _ in range(3))
    erf(x, s, s2, np.empty(x.shape, bool), out)
    return out


GRIDS = [
    np.linspace(-7.0, 7.0, 200_001),
    np.logspace(-300, 2, 20_000),
    -np.logspace(-20, 1, 20_000),
    np.nextafter(0.5, [0.0, 0.5, 1.0]),
]


@pytest.mark.parametrize("x", GRIDS, ids=["dense", "small", "negative", "split"])
def test_float64_is_within_three_units_in_the_last_place(x):
    meant = np.array([math.erf(v) for v in x])
    assert (np.abs(computed(x) - meant) <= 3 * np.spacing(np.abs(meant))).all()


@pytest.mark.parametrize("x", [GRIDS[0], np.logspace(-30, 2, 20_000)], ids=["dense", "small"])
def test_float32_is_within_three_units_in_the_last_place(x):
    x = x.astype(np.float32)
    meant = np.array([math.erf(v) for v in x.tolist()])
    assert (np.abs(computed(x) - meant) <= 3 * np.spacing(np.abs(meant).astype(np.float32))).all()


def test_the_coefficients_of_float32_are_those_of_the_fit_that_is_described():
    x = np.linspace(0.0, 4.0, 8001)[1:]
    complement = np.array([math.erfc(v) for v in x])
    # An error d of the polynomial changes erf by x * erfc * d.
    weight = x * complement / (1.0 - complement)
    fit = np.polynomial.Chebyshev.fit(x, -np.log(complement) / x, 8, w=weight)
    np.testing.assert_allclose(fit.convert(kind=np.polynomial.Polynomial).coef[::-1], _FIT, 1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes(dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e30], dtype)
    got = computed(x)
    np.testing.assert_array_equal(got, [0.0, 0.0, 1.0, -1.0, np.nan, 1.0, -1.0])
    assert np.signbit(got[1])
    assert not np.signbit(got[0])


def test_it_allocates_no_array():
    x, out, s, s2, small = np.linspace(-3, 3, 50_000), *np.empty((3, 50_000)), np.empty(50_000, bool)
    assert growth(lambda: erf(x, s, s2, small, out)) < 10_000
