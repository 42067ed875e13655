"""Convolutions: depthwise and direct ones by compiled loops, others as the NumPy engine computes them.

Pointwise ones are matrix products, which the library computes as fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from specnet.engines.numba.kernels import depthwise, direct
from specnet.engines.numba.kernels.direct_sizes import forward_pays, input_pays, kernel_pays
from specnet.engines.numpy import convolution
from specnet.engines.numpy.calls import Call
from specnet.graph.geometry import Geometry

Array = np.ndarray[Any, Any]


def convolve(
    x: Array, w: Array, b: Array | None, scratch: Array, how: Geometry, out: Array
) -> Iterator[Call]:
    """Write the convolution of images x with a kernel w, plus a bias b, into `out`."""
    if how.depthwise:
        return depthwise.convolve(x, w, b, scratch, how, out)
    if forward_pays(how, scratch):
        return direct.convolve(x, w, b, scratch, how, out)
    return convolution.convolve(x, w, b, scratch, how, out)


def convolve_input(g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write what flows back to the images, for g that flows back to the output, into `out`."""
    if how.depthwise:
        return depthwise.convolve_input(g, w, scratch, how, out)
    if input_pays(how):
        return direct.convolve_input(g, w, scratch, how, out)
    return convolution.convolve_input(g, w, scratch, how, out)


def convolve_kernel(
    x: Array, g: Array, scratch: Array, more: Array, how: Geometry, overwrite: bool, out: Array
) -> Iterator[Call]:
    """Add what flows back to the kernel to `out`, or `overwrite` it, for images x and g that flows back to y."""
    if how.depthwise:
        return depthwise.convolve_kernel(x, g, scratch, how, overwrite, out)
    if kernel_pays(how, scratch):
        return direct.convolve_kernel(x, g, scratch, how, overwrite, out)
    return convolution.convolve_kernel(x, g, scratch, more, how, overwrite, out)
