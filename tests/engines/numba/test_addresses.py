"""Where arrays lie, as compiled code is told."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba.addresses import address_of


def test_the_address_of_a_view_is_that_of_its_first_element():
    array = np.arange(12.0).reshape(3, 4)
    assert address_of(array[1:, 2:]) == array.ctypes.data + 8 * 6
