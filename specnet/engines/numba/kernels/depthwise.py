"""Convolutions whose channels are groups of their own, place by place over all channels.

Kernels of 3 x 3, by far the most frequent, are written out: at stride 1 four neighbouring places at once, which look at
six columns of the image, so that each number is read once for all four.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from specnet.engines.numba.kernels.compiled import inner, loops
from specnet.engines.numpy.calls import Call
from specnet.graph.geometry import Geometry

Array = np.ndarray[Any, Any]
Pair = tuple[int, int]


def convolve(
    x: Array, w: Array, b: Array | None, scratch: Array, how: Geometry, out: Array
) -> Iterator[Call]:
    """Write the convolution of images x with a kernel w, plus a bias b, into `out`."""
    taps, bias = w.reshape(*how.kernel, how.filters), np.zeros(how.filters, w.dtype) if b is None else b
    made = _convolve if how.made == 1 else _convolve_several
    yield made, (x, taps, bias, how.strides, _before(how), how.dilation, out)


def convolve_input(g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write what flows back to the images into `out`.

    At stride 1 that is a convolution as well, with the taps in reverse.
    """
    taps, before = w.reshape(*how.kernel, how.filters), _before(how)
    if how.strides == (1, 1) and how.made == 1:
        turned = scratch[: w.size].reshape(taps.shape)
        yield np.copyto, (turned, taps[::-1, ::-1])
        top, left = ((k - 1) * d - p for k, d, p in zip(how.kernel, how.dilation, before, strict=True))
        none = np.zeros(how.filters, w.dtype)
        yield _convolve, (g, turned, none, how.strides, (top, left), how.dilation, out)
    else:
        yield _spread, (g, taps, how.strides, before, how.dilation, out)


def convolve_kernel(
    x: Array, g: Array, scratch: Array, how: Geometry, overwrite: bool, out: Array
) -> Iterator[Call]:
    """Add what flows back to the kernel to `out`, or `overwrite` it."""
    taps = out.reshape(*how.kernel, how.filters)
    if overwrite:
        yield taps.fill, (0.0,)
    yield _correlate, (x, g, how.strides, _before(how), how.dilation, taps)


def _before(how: Geometry) -> Pair:
    """Return the zeros above an image and to the left of it."""
    return how.padding[0][0], how.padding[1][0]


@inner
def _place(
    x: Array, w: Array, bias: Array, n: int, y: int, z: int, dilation: Pair, out: Array, r: int, j: int
) -> None:
    """Write one place of the output, whose first tap is at (y, z); taps may be outside the image."""
    height, width = x.shape[1], x.shape[2]
    for c in range(bias.size):
        out[n, r, j, c] = bias[c]
    for p in range(w.shape[0]):
        row = y + p * dilation[0]
        if row < 0 or row >= height:
            continue
        for q in range(w.shape[1]):
            column = z + q * dilation[1]
            if column < 0 or column >= width:
                continue
            for c in range(bias.size):
                out[n, r, j, c] += x[n, row, column, c] * w[p, q, c]


@inner
def _nine(
    x: Array, w: Array, bias: Array, n: int, y: int, z: int, dilation: Pair, out: Array, r: int, j: int
) -> None:
    """Write one place of the output that has nine taps; what is read for one outside the image does not count."""
    height, width = x.shape[1], x.shape[2]
    none = x.dtype.type(0)
    for c in range(bias.size):
        total = bias[c]
        for p in range(3):
            for q in range(3):
                row, column = y + p * dilation[0], z + q * dilation[1]
                inside = 0 <= row < height and 0 <= column < width
                seen = x[n, min(max(row, 0), height - 1), min(max(column, 0), width - 1), c]
                total += seen * w[p, q, c] if inside else none
        out[n, r, j, c] = total


@inner
def _four_of_nine(
    x: Array, w: Array, bias: Array, n: int, y: int, z: int, out: Array, r: int, j: int
) -> None:
    """Write four neighbouring places of the output, whose nine taps are all within the image."""
    for c in range(bias.size):
        t0 = t1 = t2 = t3 = bias[c]
        for p in range(3):
            w0, w1, w2 = w[p, 0, c], w[p, 1, c], w[p, 2, c]
            x0, x1, x2 = x[n, y + p, z, c], x[n, y + p, z + 1, c], x[n, y + p, z + 2, c]
            x3, x4, x5 = x[n, y + p, z + 3, c], x[n, y + p, z + 4, c], x[n, y + p, z + 5, c]
            t0 += x0 * w0 + x1 * w1 + x2 * w2
            t1 += x1 * w0 + x2 * w1 + x3 * w2
            t2 += x2 * w0 + x3 * w1 + x4 * w2
            t3 += x3 * w0 + x4 * w1 + x5 * w2
        out[n, r, j, c], out[n, r, j + 1, c] = t0, t1
        out[n, r, j + 2, c], out[n, r, j + 3, c] = t2, t3


@inner
def _within(first: int, taps: int, dilation: int, size: int) -> bool:
    """Return whether all taps see places of an axis."""
    return first >= 0 and first + (taps - 1) * dilation < size


@loops
def _convolve(
    x: Array, w: Array, bias: Array, strides: Pair, before: Pair, dilation: Pair, out: Array
) -> None:
    """Convolve images, with one filter for each channel."""
    rows, columns = out.shape[1], out.shape[2]
    height, width = x.shape[1], x.shape[2]
    nine = w.shape[0] == 3 and w.shape[1] == 3
    four = nine and strides[1] == 1 and dilation[0] == 1 and dilation[1] == 1
    for n in range(len(x)):
        for r in range(rows):
            top = r * strides[0] - before[0]
            inside = nine and _within(top, 3, dilation[0], height)
            j = 0
            while j < columns:
                left = j * strides[1] - before[1]
                if inside and four and left >= 0 and left + 5 < width and j + 3 < columns:
                    _four_of_nine(x, w, bias, n, top, left, out, r, j)
                    j += 4
                elif nine:
                    _nine(x, w, bias, n, top, left, dilation, out, r, j)
                    j += 1
                else:
                    _place(x, w, bias, n, top, left, dilation, out, r, j)
                    j += 1


@loops
def _convolve_several(
    x: Array, w: Array, bias: Array, strides: Pair, before: Pair, dilation: Pair, out: Array
) -> None:
    """Convolve images, with several filters for each channel, one after the other."""
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
                        if made == 1:
                            for c in range(channels):
                                there[c] += sent[c] * tap[c]
                        else:
                            for c in range(channels):
                                for k in range(c * made, (c + 1) * made):
                                    there[c] += sent[k] * tap[k]


@inner
def _four_by_nine(x: Array, g: Array, n: int, r: int, j: int, y: int, z: int, out: Array) -> None:
    """Add to nine taps the products of four neighbouring places with what they see, all within the image."""
    for c in range(out.shape[2]):
        g0, g1, g2, g3 = g[n, r, j, c], g[n, r, j + 1, c], g[n, r, j + 2, c], g[n, r, j + 3, c]
        for p in range(3):
            x0, x1, x2 = x[n, y + p, z, c], x[n, y + p, z + 1, c], x[n, y + p, z + 2, c]
            x3, x4, x5 = x[n, y + p, z + 3, c], x[n, y + p, z + 4, c], x[n, y + p, z + 5, c]
            out[p, 0, c] += x0 * g0 + x1 * g1 + x2 * g2 + x3 * g3
            out[p, 1, c] += x1 * g0 + x2 * g1 + x3 * g2 + x4 * g3
            out[p, 2, c] += x2 * g0 + x3 * g1 + x4 * g2 + x5 * g3


@loops
def _correlate(x: Array, g: Array, strides: Pair, before: Pair, dilation: Pair, out: Array) -> None:
    """Add to each tap the products of all places of the output with what the tap sees from there."""
    rows, columns = g.shape[1], g.shape[2]
    height, width, channels = x.shape[1], x.shape[2], x.shape[3]
    made = out.shape[2] // channels
    nine = out.shape[0] == 3 and out.shape[1] == 3 and made == 1
    four = nine and strides[1] == 1 and dilation == (1, 1)
    for n in range(len(x)):
        for r in range(rows):
            top = r * strides[0] - before[0]
            inside = four and _within(top, 3, 1, height)
            j = 0
            while j < columns:
                left = j * strides[1] - before[1]
                if inside and left >= 0 and left + 5 < width and j + 3 < columns:
                    _four_by_nine(x, g, n, r, j, top, left, out)
                    j += 4
                    continue
                sent = g[n, r, j]
                for p in range(out.shape[0]):
                    y = top + p * dilation[0]
                    if y < 0 or y >= height:
                        continue
                    for q in range(out.shape[1]):
                        z = left + q * dilation[1]
                        if z < 0 or z >= width:
                            continue
                        seen, tap = x[n, y, z], out[p, q]
                        if made == 1:
                            for c in range(channels):
                                tap[c] += seen[c] * sent[c]
                        else:
                            for c in range(channels):
                                for k in range(c * made, (c + 1) * made):
                                    tap[k] += seen[c] * sent[k]
                j += 1
