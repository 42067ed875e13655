"""The kernels of convolution over arrays, against the meaning of their ops."""

from __future__ import annotations

import numpy as np

from specnet.engines.numpy.calls import perform
from specnet.engines.numpy.convolution import convolve, convolve_input, convolve_kernel
from specnet.graph.convolution_scratch import ConvolutionScratch
from specnet.graph.geometry import Geometry
from tests.support.reference import conv2d, conv2d_input, conv2d_kernel


def check_convolution(
    size, kernel, *, strides=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1, batch=5
):
    """Check output and gradients of one convolution, in scratch memory of just the size that is asked for."""
    rng = np.random.default_rng(0)
    channels, filters = kernel[2] * groups, kernel[3]
    how = Geometry(size, channels, kernel[:2], filters, strides, padding, dilation, groups, item=8)
    settings = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    x, w, b = rng.normal(size=(batch, *size, channels)), rng.normal(size=kernel), rng.normal(size=filters)
    y = np.full((batch, *how.out, filters), np.nan)
    g = rng.normal(size=y.shape)
    for bias in (None, b):
        perform(convolve(x, w, bias, np.full(ConvolutionScratch(how).forward, np.nan), how, y))
        np.testing.assert_allclose(y, conv2d(x, w, 0.0 if bias is None else bias, **settings), 1e-11, 1e-11)
    back = np.full(x.shape, np.nan)
    perform(convolve_input(g, w, np.full(ConvolutionScratch(how).input, np.nan), how, back))
    np.testing.assert_allclose(back, conv2d_input(g, w, size, **settings), 1e-11, 1e-11)
    total, expected = np.full(kernel, np.nan), conv2d_kernel(x, g, (*kernel[:2],), **settings)
    for times in (1, 2):
        scratch, more = np.full(ConvolutionScratch(how).kernel, np.nan), np.full(kernel, np.nan)
        perform(convolve_kernel(x, g, scratch, more, how, times == 1, total))
        np.testing.assert_allclose(total, times * expected, 1e-11, 1e-11)
    return how


def check_same_convolution(
    expected,
    tried,
    size,
    kernel,
    *,
    strides=(1, 1),
    padding=((0, 0), (0, 0)),
    dilation=(1, 1),
    groups=1,
    phases=(1, 1),
    batch=5,
    dtype="float64",
):
    """Check that two modules give the same output and gradients of one convolution."""
    rng = np.random.default_rng(0)
    channels, filters = kernel[2] * groups, kernel[3]
    item = np.dtype(dtype).itemsize
    how = Geometry(size, channels, kernel[:2], filters, strides, padding, dilation, groups, item, phases)
    shapes = (batch, *size, channels), kernel, filters, (batch, *how.laid)
    x, w, b, g = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    tolerance = 1e-5 if dtype == "float32" else 1e-12

    def check(name, start, numbers, *given):
        outs = []
        for module in (expected, tried):
            out, scratch = start.copy(), np.full(numbers, np.nan, dtype)
            arguments = (scratch if each is Ellipsis else each for each in given)
            perform(getattr(module, name)(*arguments, out))
            outs.append(out)
        np.testing.assert_allclose(outs[1], outs[0], tolerance, tolerance * np.abs(outs[0]).max(initial=1.0))

    for bias in (None, b):
        check("convolve", np.full_like(g, np.nan), ConvolutionScratch(how).forward, x, w, bias, ..., how)
    check("convolve_input", np.full_like(x, np.nan), ConvolutionScratch(how).input, g, w, ..., how)
    for overwrite in (True, False):
        more = np.full_like(w, np.nan)
        check("convolve_kernel", w, ConvolutionScratch(how).kernel, x, g, ..., more, how, overwrite)
    return how
