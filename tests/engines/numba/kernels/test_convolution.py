"""What flows back from a convolution as one more, against the NumPy engine's."""

from __future__ import annotations

import pytest

pytest.importorskip("numba")

from specnet.engines.numba.kernels import convolution as compiled
from specnet.engines.numpy import convolution
from tests.support.examples import DTYPES
from tests.support.kernels import check_same_convolution

SAME = ((1, 1), (1, 1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("size", "kernel", "options"),
    [
        ((6, 7), (3, 3, 18, 5), {"padding": SAME}),
        ((6, 7), (3, 3, 18, 5), {}),
        ((8, 9), (2, 3, 16, 3), {"dilation": (2, 3), "padding": ((3, 0), (4, 1))}),
        ((1, 1), (1, 1, 18, 2), {"padding": SAME}),
        ((20, 20), (5, 5, 16, 64), {"padding": ((2, 2), (2, 2))}),
        ((6, 7), (3, 3, 2, 4), {"padding": SAME}),
        ((8, 8), (3, 3, 18, 4), {"padding": SAME, "phases": (2, 2)}),
        ((7, 8), (3, 3, 18, 4), {"padding": ((2, 0), (0, 3)), "strides": (2, 3)}),
        ((6, 7), (3, 3, 16, 6), {"groups": 2, "padding": SAME}),
        ((6, 7), (1, 1, 3, 4), {}),
    ],
    ids=[
        "padded",
        "plain",
        "dilated",
        "padding beyond the kernel",
        "rows of an image at a time",
        "few channels",
        "phases",
        "strided",
        "grouped",
        "pointwise",
    ],
)
def test_output_and_gradients_are_those_of_the_numpy_engine(size, kernel, options, dtype):
    check_same_convolution(convolution, compiled, size, kernel, dtype=dtype, **options)
