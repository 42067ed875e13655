"""Convolutions with several filters for each channel, place by place over all channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from specnet.engines.numba.kernels.compiled import loops
from specnet.engines.numpy.calls import Call
from specnet.graph.geometry import Geometry

Array = np.ndarray[Any, Any]
Pair = tuple[int, int]


def convolve(x: Array, w: Array, bias: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write the convolution of images x with a kernel w, plus a bias, into `out`."""
    yield (
        _convolve,
        (x, w.reshape(*how.kernel, how.filters), bias, how.strides, _before(how), how.dilation, out),
    )


def convolve_input(g: Array, w: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write what flows back to the images into `out`."""
    yield _spread, (g, w.reshape(*how.kernel, how.filters), how.strides, _before(how), how.dilation, out)


def convolve_kernel(x: Array, g: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Add what flows back to the kernel to `out`."""
    taps = out.reshape(*how.kernel, how.filters)
    yield _correlate, (x, g, how.strides, _before(how), how.dilation, taps)


def _before(how: Geometry) -> Pair:
    """Return the zeros above an image and to the left of it."""
    return how.padding[0][0], how.padding[1][0]


@loops
def _convolve(
    x: Array, w: Array, bias: Array, strides: Pair, before: Pair, dilation: Pair, out: Array
) -> None:
    """Convolve images, one channel's filters after the other."""
    height, width, channels = x.shape[1], x.shape[2], x.shape[3]
    made = w.shape[2] // channels
    for n in range(len(x)):
        for r in range(out.shape[1]):
            for j in range(out.shape[2]):
                there = out[n, r, j].reshape(-1)
                for k in range(bias.size):
                    there[k] = bias[k]
                for p in range(w.shape[0]):
                    y = r * strides[0] - before[0] + p * dilation[0]
                    if y < 0 or y >= height:
                        continue
                    for q in range(w.shape[1]):
                        z = j * strides[1] - before[1] + q * dilation[1]
                        if z < 0 or z >= width:
                            continue
                        seen, tap = x[n, y, z], w[p, q]
                        for c in range(channels):
                            for k in range(c * made, (c + 1) * made):
                                there[k] += seen[c] * tap[k]


@loops
def _spread(g: Array, w: Array, strides: Pair, before: Pair, dilation: Pair, out: Array) -> None:
    """Add what each place of the output sends back to the places that it sees."""
    height, width, channels = out.shape[1], out.shape[2], out.shape[3]
    made = w.shape[2] // channels
    for n in range(len(g)):
        out[n] = 0
        for r in range(g.shape[1]):
            for j in range(g.shape[2]):
                sent = g[n, r, j]
                for p in range(w.shape[0]):
                    y = r * strides[0] - before[0] + p * dilation[0]
                    if y < 0 or y >= height:
                        continue
                    for q in range(w.shape[1]):
                        z = j * strides[1] - before[1] + q * dilation[1]
                        if z < 0 or z >= width:
                            continue
                        there, tap = out[n, y, z], w[p, q]
                        for c in range(channels):
                            for k in range(c * made, (c + 1) * made):
                                there[c] += sent[k] * tap[k]


@loops
def _correlate(x: Array, g: Array, strides: Pair, before: Pair, dilation: Pair, out: Array) -> None:
    """Add to each tap the products of all places of the output with what the tap sees from there."""
    height, width, channels = x.shape[1], x.shape[2], x.shape[3]
    made = out.shape[2] // channels
    for n in range(len(x)):
        for r in range(g.shape[1]):
            for j in range(g.shape[2]):
                sent = g[n, r, j]
                for p in range(out.shape[0]):
                    y = r * strides[0] - before[0] + p * dilation[0]
                    if y < 0 or y >= height:
                        continue
                    for q in range(out.shape[1]):
                        z = j * strides[1] - before[1] + q * dilation[1]
                        if z < 0 or z >= width:
                            continue
                        seen, tap = x[n, y, z], out[p, q]
                        for c in range(channels):
                            for k in range(c * made, (c + 1) * made):
                                tap[k] += seen[c] * sent[k]
