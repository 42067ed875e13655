"""Compiled convolution of each channel by itself, against the NumPy engine's."""

from __future__ import annotations

import pytest

pytest.importorskip("numba")

from specnet.engines.numba.kernels import convolution as compiled
from specnet.engines.numpy import convolution
from tests.support.examples import DTYPES
from tests.support.kernels import check_same_convolution


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize(
    ("size", "kernel", "options"),
    [
        ((6, 7), (3, 2), {}),
        ((9, 11), (3, 3), {"padding": ((1, 1), (1, 1))}),
        ((1, 5), (3, 3), {"padding": ((1, 1), (1, 1))}),
        ((9, 11), (3, 3), {"padding": ((0, 1), (0, 1)), "strides": (2, 2)}),
        ((9, 11), (3, 3), {"padding": ((2, 2), (3, 3)), "dilation": (2, 3)}),
        ((9, 11), (3, 3), {"padding": ((3, 3), (4, 4))}),
        ((6, 7), (3, 2), {"padding": ((1, 1), (2, 0)), "strides": (2, 1)}),
        ((6, 9), (1, 5), {"dilation": (2, 1), "padding": ((0, 2), (1, 1))}),
    ],
    ids=["plain", "3 x 3", "one row", "strided 3 x 3", "dilated 3 x 3", "wide padding", "strided", "dilated"],
)
def test_output_and_gradients_are_those_of_the_numpy_engine(size, kernel, options, multiplier, dtype):
    how = check_same_convolution(
        convolution, compiled, size, (*kernel, 1, 5 * multiplier), groups=5, dtype=dtype, **options
    )
    assert how.depthwise
