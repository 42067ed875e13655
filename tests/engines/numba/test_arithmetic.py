"""Rows that arithmetic changes have the bits that NumPy gives them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba.arithmetic import OPERATIONS, PIECE, writer
from tests.support.examples import DTYPES


@pytest.mark.parametrize("made", DTYPES)
@pytest.mark.parametrize("given", DTYPES)
@pytest.mark.parametrize("shape", [(1, 7), (3, 2, 5), (2, PIECE + 3)])
@pytest.mark.parametrize("single", [False, True])
def test_rows_are_written_as_numpy_writes_them(single, shape, given, made):
    rng = np.random.default_rng(0)
    rows, out = rng.normal(size=shape).astype(given), np.empty(shape, made)
    numbers = [rng.normal(size=() if single else shape[1:]) for _ in OPERATIONS]
    expected = rows.astype(np.float64)
    for name, number in zip(OPERATIONS, numbers, strict=True):
        expected = getattr(np, name)(expected, number)
    write = writer(list(zip(OPERATIONS, numbers, strict=True)), rows, out)
    assert write()
    assert out.tobytes() == expected.astype(made).tobytes()


def test_other_rows_are_read_where_they_lie():
    rows, out = np.zeros((2, 3), np.float32), np.empty((2, 3), np.float32)
    write = writer([("multiply", np.array(2.0))], rows, out)
    for number in (1.0, 3.0):
        assert write.of(np.full((2, 3), number, np.float32))
        assert (out == 2 * number).all()
    assert not write.of(np.full((2, 3), np.nan, np.float32))
    assert write()
    assert (out == 0).all()


@pytest.mark.parametrize("place", [0, PIECE - 1, PIECE, PIECE + 2])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_not_finite_in_the_end_is_noticed(wrong, place):
    rows, out = np.ones((2, PIECE + 3)), np.empty((2, PIECE + 3), np.float32)
    write = writer([("multiply", np.array(2.0))], rows, out)
    assert write()
    rows[1, place] = wrong
    assert not write()
    rows[1, place] = 1.0
    assert write()
