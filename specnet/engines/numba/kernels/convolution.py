"""What flows back from a convolution to its images, as one more convolution.

At stride 1 it is that of what flows back to the output, with the taps in reverse. So it takes one product for a tile,
where the NumPy engine takes one for each tap and adds them up. The other products and their patches are the NumPy
engine's, which lays patches out as fast as a compiled loop does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from specnet.engines.numba.kernels import depthwise
from specnet.engines.numba.kernels.compiled import loops
from specnet.engines.numpy import convolution
from specnet.engines.numpy.calls import Call
from specnet.graph.geometry import Geometry, Pair

Array = np.ndarray[Any, Any]


def convolve(
    x: Array, w: Array, b: Array | None, scratch: Array, how: Geometry, out: Array
) -> Iterator[Call]:
    """Write the convolution of images x with a kernel w, plus a bias b, into `out`."""
    if how.depthwise:
        return depthwise.convolve(x, w, b, scratch, how, out)
    return convolution.convolve(x, w, b, scratch, how, out)


def convolve_kernel(
    x: Array, g: Array, scratch: Array, more: Array, how: Geometry, overwrite: bool, out: Array
) -> Iterator[Call]:
    """Add what flows back to the kernel to `out`, or `overwrite` it, for images x and g that flows back to y."""
    if how.depthwise:
        return depthwise.convolve_kernel(x, g, scratch, how, overwrite, out)
    return convolution.convolve_kernel(x, g, scratch, more, how, overwrite, out)


def convolve_input(g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write what flows back to the images, for g that flows back to the output, into `out`."""
    if how.depthwise:
        return depthwise.convolve_input(g, w, scratch, how, out)
    steps = how.strides + how.phases
    least = how.taps * how.filters * (how.own + how.size[1])
    if steps != (1, 1, 1, 1) or how.groups > 1 or how.pointwise or how.across or scratch.size < least:
        return convolution.convolve_input(g, w, scratch, how, out)
    return _convolve_back(g, w, scratch, how, out)


def _convolve_back(g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Convolve g with the taps of w in reverse, for as many rows of an image at once as scratch has space for."""
    (height, width), depth = how.size, how.taps * how.filters
    turned, space = scratch[: w.size], scratch[w.size :]
    yield np.copyto, (turned.reshape(*how.kernel, how.filters, how.own), w[::-1, ::-1].swapaxes(2, 3))
    (top, _), (left, _) = how.padding
    before = (how.kernel[0] - 1) * how.dilation[0] - top, (how.kernel[1] - 1) * how.dilation[1] - left
    rows = min(height, space.size // (width * depth))
    for image in range(len(g)):
        seen = g[image].reshape(how.out[0], -1)
        for first in range(0, height, rows):
            stop = min(first + rows, height)
            patches = space[: (stop - first) * width * depth].reshape(stop - first, width, -1)
            laid = patches.reshape(stop - first, width, *how.kernel, how.filters)
            yield _lay, (seen, first, before, how.dilation, laid)
            made = out[image, first:stop].reshape(-1, how.own)
            yield np.dot, (patches.reshape(-1, depth), turned.reshape(depth, how.own), made)


@loops
def _lay(x: Array, top: int, before: Pair, dilation: Pair, out: Array) -> None:
    """Write the patches (rows, columns, kh, kw, channels) of some rows of an image (height, width * channels).

    Numbers of the image are counted without a sign: the compiler need not ask whether they count from its end.
    """
    height, width, channels = x.shape[0], x.shape[1], out.shape[4]
    for r in range(out.shape[0]):
        for j in range(out.shape[1]):
            for p in range(out.shape[2]):
                y = top + r - before[0] + p * dilation[0]
                for q in range(out.shape[3]):
                    first = (j - before[1] + q * dilation[1]) * channels
                    if 0 <= y < height and 0 <= first < width:
                        for c in range(np.uint64(0), np.uint64(channels)):
                            out[r, j, p, q, c] = x[y, np.uint64(first) + c]
                    else:
                        for c in range(channels):
                            out[r, j, p, q, c] = 0
