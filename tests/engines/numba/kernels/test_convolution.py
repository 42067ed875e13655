"""Convolutions and what flows back from them, against the NumPy engine's and PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba.kernels import convolution as compiled
from specnet.engines.numba.kernels import direct
from specnet.engines.numpy import convolution
from specnet.engines.numpy.calls import perform
from specnet.graph.convolution_scratch import ConvolutionScratch
from specnet.graph.geometry import Geometry
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
        ((70, 60), (3, 3, 18, 17), {"padding": SAME, "batch": 2}),
        ((9, 7), (3, 3, 33, 24), {"padding": SAME}),
        ((9, 7), (5, 3, 24, 33), {"strides": (2, 1), "padding": ((2, 2), (0, 0))}),
        ((6, 5), (3, 3, 1, 50), {}),
        ((11, 9), (5, 4, 3, 17), {"phases": (3, 2)}),
        ((9, 8), (3, 3, 16, 1), {"padding": SAME}),
        ((9, 8), (3, 2, 33, 3), {"padding": ((2, 0), (0, 1))}),
        ((9, 8), (3, 3, 40, 2), {"dilation": (1, 2), "phases": (1, 2)}),
        ((9, 8), (3, 3, 19, 1), {"strides": (2, 2), "padding": SAME}),
        ((60, 70), (3, 3, 20, 2), {"padding": SAME, "batch": 2}),
        ((9, 9), (1, 1, 5, 16), {"strides": (2, 2)}),
        ((9, 9), (2, 2, 5, 16), {"strides": (3, 3), "dilation": (2, 2)}),
        (
            (9, 9),
            (3, 3, 8, 16),
            {"strides": (2, 2), "dilation": (2, 3), "padding": ((2, 2), (3, 3)), "groups": 2},
        ),
        ((6, 7), (3, 3, 2, 4), {"padding": SAME}),
        ((8, 8), (3, 3, 18, 4), {"padding": SAME, "phases": (2, 2)}),
        ((7, 8), (3, 3, 18, 4), {"padding": ((2, 0), (0, 3)), "strides": (2, 3)}),
        ((6, 7), (3, 3, 16, 6), {"groups": 2, "padding": SAME}),
        ((6, 7), (1, 1, 3, 4), {}),
        ((5, 6), (5, 5, 6, 7), {}),
        ((5, 5), (3, 3, 19, 46), {"groups": 2, "padding": SAME}),
        ((7, 7), (3, 3, 230, 260), {"padding": SAME, "batch": 2}),
    ],
    ids=[
        "padded",
        "plain",
        "dilated",
        "padding beyond the kernel",
        "5 x 5",
        "rows of an image at a time",
        "odd numbers of channels",
        "rectangular",
        "grey",
        "phases of grey images",
        "one filter",
        "few filters",
        "few filters, dilated and by phases",
        "one filter, strided",
        "few filters, rows of an image at a time",
        "places that no tap sees",
        "taps that reach some phases",
        "grouped, strided and dilated",
        "few channels",
        "phases",
        "strided",
        "grouped",
        "pointwise",
        "few places",
        "grouped, odd numbers of channels",
        "large kernel of many channels",
    ],
)
def test_output_and_gradients_are_those_of_the_numpy_engine(size, kernel, options, dtype):
    check_same_convolution(convolution, compiled, size, kernel, dtype=dtype, **options)


def pytorch(x, w, b, g, how):
    torch = pytest.importorskip("torch")
    images, kernel, flowing = (torch.tensor(each) for each in (x, w, g))
    images, kernel = images.movedim(-1, 1).requires_grad_(), kernel.permute(3, 2, 0, 1).requires_grad_()
    bias, (padding, _) = torch.tensor(b), zip(*how.padding, strict=True)
    y = torch.nn.functional.conv2d(images, kernel, bias, how.strides, padding, how.dilation, how.groups)
    y.backward(flowing.movedim(-1, 1))
    found = y.movedim(1, -1), images.grad.movedim(1, -1), kernel.grad.permute(2, 3, 1, 0)
    return [each.detach().numpy() for each in found]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3, 5, 24, 33])
@pytest.mark.parametrize(
    "options",
    [
        {"kernel": (3, 3), "strides": (1, 1), "padding": 1},
        {"kernel": (4, 3), "strides": (2, 2), "padding": 0},
    ],
    ids=["same", "strided"],
)
def test_direct_convolutions_are_those_of_pytorch(options, channels, dtype):
    rng, around = np.random.default_rng(0), (options["padding"],) * 2
    how = Geometry(
        (11, 13),
        channels,
        options["kernel"],
        24,
        options["strides"],
        (around,) * 2,
        (1, 1),
        1,
        np.dtype(dtype).itemsize,
    )
    shapes = (2, 11, 13, channels), (*how.kernel, channels, 24), (24,), (2, *how.out, 24)
    x, w, b, g = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    y, back, total, scratch = (
        np.empty_like(each) for each in (g, x, w, np.zeros(ConvolutionScratch(how).input, dtype))
    )
    perform(direct.convolve(x, w, b, scratch, how, y))
    perform(direct.convolve_input(g, w, scratch, how, back))
    perform(direct.convolve_kernel(x, g, scratch, how, True, total))
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    for own, expected in zip((y, back, total), pytorch(x, w, b, g, how), strict=True):
        np.testing.assert_allclose(own, expected, tolerance, tolerance * np.abs(expected).max())


def test_infinite_and_missing_numbers_stay_what_they_are():
    how = Geometry((4, 4), 2, (3, 3), 24, (1, 1), ((1, 1), (1, 1)), (1, 1), 1, 4)
    x, w = np.ones((3, 4, 4, 2), np.float32), np.ones((3, 3, 2, 24), np.float32)
    x[1, 0, 0, 0], x[2, 3, 3, 1] = np.inf, np.nan
    outs = [np.empty((3, 4, 4, 24), np.float32) for _ in range(2)]
    for module, out in zip((convolution, compiled), outs, strict=True):
        perform(module.convolve(x, w, None, np.empty(ConvolutionScratch(how).forward, np.float32), how, out))
    np.testing.assert_array_equal(*outs)
