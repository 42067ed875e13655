"""Arrays that begin with a cache line."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.aligned import LINE, aligned, filled


@pytest.mark.parametrize("shape", [(0,), (7,), (300_001,), (5, 3)])
@pytest.mark.parametrize("number", [0.0, 1.5])
def test_arrays_begin_with_a_line(shape, number):
    array = filled(shape, number, "float32")
    assert array.size == 0 or array.ctypes.data % LINE == 0  # of none, NumPy gives another address
    assert array.flags.c_contiguous
    assert array.flags.writeable
    np.testing.assert_array_equal(array, np.full(shape, number, np.float32), strict=True)


def test_bytes_are_what_is_had_by_default():
    array = aligned((65,))
    assert (array.shape, array.dtype, array.ctypes.data % LINE) == ((65,), np.uint8, 0)
