"""Functions for compiled loops against the C library's, and whether loops over them use vector instructions."""

from __future__ import annotations

import math
import re
from functools import cache

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from specnet.engines.numba import mathematics

NAMES = ("exp", "expm1", "log", "log1p", "tanh", "erf")

RANGES = {
    "exp": (-100.0, 90.0),
    "expm1": (-30.0, 90.0),
    "log": (1e-5, 1e5),
    "log1p": (-0.999, 100.0),
    "tanh": (-12.0, 12.0),
    "erf": (-5.0, 5.0),
}

SPECIAL = [
    np.nan,
    np.inf,
    -np.inf,
    0.0,
    -0.0,
    1e300,
    -1e300,
    1e-310,
    1e-40,
    -1.0,
    -2.0,
    800.0,
    -800.0,
    -745.2,
    88.8,
]


@cache
def over(name, dtype):
    """Return a compiled loop over a function of numbers of one type."""
    function, array = getattr(mathematics, name), getattr(numba, dtype)[::1]

    @numba.njit([(array, array)], error_model="numpy")
    def loop(x, out):
        for i in range(len(x)):
            out[i] = function(x[i])

    return loop


def exactly(name, x):
    """Return what the C library gives in float64, and NumPy where that raises."""

    def one(number):
        try:
            return getattr(math, name)(number)
        except (ValueError, OverflowError):
            with np.errstate(all="ignore"):
                return float(getattr(np, name)(number))

    return np.array([one(float(number)) for number in x])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_right_to_a_few_units_in_the_last_place(name, dtype):
    rng = np.random.default_rng(0)
    low, high = RANGES[name]
    # Near 0, where a difference of large numbers would show.
    small = rng.uniform(max(low, -1.0), 1.0, 5_000) * 10.0 ** rng.uniform(-6, 0, 5_000)
    x = np.concatenate([rng.uniform(low, high, 20_000), abs(small) if low > 0.0 else small]).astype(dtype)
    got = np.empty_like(x)
    over(name, dtype)(x, got)
    expected = exactly(name, x)
    with np.errstate(over="ignore"):
        rounded = expected.astype(dtype)
    finite = np.isfinite(rounded)
    assert finite.sum() > 20_000
    distance = abs(got[finite] - expected[finite]) / np.spacing(abs(rounded[finite]))
    assert distance.max() < 4.0
    assert (got[~finite] == rounded[~finite]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_limits_are_those_of_the_c_library(name, dtype):
    with np.errstate(all="ignore"):
        x = np.array(SPECIAL).astype(dtype)
        expected = exactly(name, x).astype(dtype)
    got = np.empty_like(x)
    over(name, dtype)(x, got)
    np.testing.assert_allclose(got, expected, 1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_called_for_an_element(name, dtype):
    loop = over(name, dtype)
    x = np.ones(8, dtype)
    loop(x, x.copy())
    (llvm,) = loop.inspect_llvm().values()
    vectors = re.findall(r"fmul (?:\w+ )*<\d+ x (?:float|double)>", llvm)
    assert vectors
    assert not re.findall(rf"call .*@(?:{name}f?|llvm\.{name}\.\w+)\(", llvm)
