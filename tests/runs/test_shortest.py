"""Predictions are written with as many digits as NumPy writes for their type, a whole array at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specnet.runs.shortest import shortest

SINGLE = st.floats(width=32)


def check(values):
    found = shortest(values)
    assert found.dtype == np.float64
    for value, text in zip(values, map(repr, found.tolist()), strict=True):
        # NumPy writes 1e-04 and 1.6777216e+07, which Python writes with fewer signs.
        expected = float(str(value))
        assert repr(expected) == text
        assert np.float32(text).tobytes() == value.tobytes() or np.isnan(value)


@given(st.lists(SINGLE, min_size=1, max_size=60))
def test_drawn_numbers(found):
    check(np.array(found, np.float32))


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e-3, 1.0, 1e4, 1e12, 1e30])
def test_numbers_of_each_size(scale):
    random = np.random.default_rng(3)
    check((random.normal(size=3000) * scale).astype(np.float32))


def test_powers_of_two_and_numbers_that_have_few_digits():
    check(np.float32(2.0) ** np.arange(-149, 128, dtype=np.float32))
    check(np.arange(-2000, 2000, dtype=np.float32) / np.float32(1000))


def test_double_precision_is_as_it_is():
    values = np.array([0.1, 1 / 3])
    assert shortest(values) is values
