"""Random numbers of compiled steps, against the generators whose functions they call."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.drawing import drawn32, drawn64
from specnet.engines.numba.language import float32_at, float64_at, int64_at
from specnet.engines.numba.stepping import _numbers


@numba.njit
def draw32(table, out):
    drawn32(float32_at(out), int64_at(table), 1)


@numba.njit
def draw64(table, out):
    drawn64(float64_at(out), int64_at(table), 1)


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.Philox, np.random.MT19937])
def test_they_are_what_the_generator_would_draw_and_leave_it_as_that_would(bits):
    own, other = (np.random.Generator(bits(5)) for _ in range(2))
    for draw, dtype in ((draw32, "float32"), (draw64, "float64"), (draw32, "float32")):
        out = np.full(7, np.nan, dtype)
        table = np.array([0, *_numbers(("stream", "s", "out"), {"s": own, "out": out})], np.int64)
        draw(address_of(table), address_of(out))
        np.testing.assert_array_equal(out, other.random(7, dtype))
    assert own.integers(1000) == other.integers(1000)
