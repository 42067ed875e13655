"""Convolutions whose channels are groups of their own, place by place over all channels.

Kernels of 3 x 3, by far the most frequent, are written out: at stride 1 four or eight neighbouring places at once, so
that each number of the image is read once for all of them. There, images are vectors of all their numbers, and places
are counted without a sign: the compiler need not ask at each tap whether an index counts from the end of an axis.
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


def _four(count: int) -> Any:
    """Return what writes four neighbouring places of the output that see three columns, and `count` rows, within it.

    `first` is where the first tap is in the image, `tap` where it is in the kernel, and `there` is the first place of
    the output; `row` numbers are a row of the image.
    """

    @inner
    def four(x: Array, w: Array, bias: Array, first: Any, row: Any, tap: Any, out: Array, there: Any) -> None:
        m = np.uint64(bias.size)
        for c in range(np.uint64(0), m):
            t0 = t1 = t2 = t3 = bias[c]
            for p in range(count):
                k, l = first + np.uint64(p) * row + c, tap + np.uint64(3 * p) * m + c
                w0, w1, w2 = w[l], w[l + m], w[l + np.uint64(2) * m]
                x0, x1, x2 = x[k], x[k + m], x[k + np.uint64(2) * m]
                x3, x4, x5 = x[k + np.uint64(3) * m], x[k + np.uint64(4) * m], x[k + np.uint64(5) * m]
                t0 += x0 * w0 + x1 * w1 + x2 * w2
                t1 += x1 * w0 + x2 * w1 + x3 * w2
                t2 += x2 * w0 + x3 * w1 + x4 * w2
                t3 += x3 * w0 + x4 * w1 + x5 * w2
            out[there + c], out[there + m + c] = t0, t1
            out[there + np.uint64(2) * m + c], out[there + np.uint64(3) * m + c] = t2, t3

    return four


def _one(count: int) -> Any:
    """Return what writes one place that sees two columns, and `count` rows, as `_four`."""

    @inner
    def one(x: Array, w: Array, bias: Array, first: Any, row: Any, tap: Any, out: Array, there: Any) -> None:
        m = np.uint64(bias.size)
        for c in range(np.uint64(0), m):
            total = bias[c]
            for p in range(count):
                k, l = first + np.uint64(p) * row + c, tap + np.uint64(3 * p) * m + c
                total += x[k] * w[l] + x[k + m] * w[l + m]
            out[there + c] = total

    return one


_four_of_six, _four_of_nine = _four(2), _four(3)
_one_of_four, _one_of_six = _one(2), _one(3)


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
    first, stop = max(before[1], 0), min(width - 2 + before[1], columns)
    four = nine and strides[1] == 1 and dilation[0] == 1 and dilation[1] == 1 and stop - first >= 4
    m = bias.size
    flat, taps, made, row = x.reshape(-1), w.reshape(-1), out.reshape(-1), np.uint64(width * m)
    for n in range(len(x)):
        for r in range(rows):
            top = r * strides[0] - before[0]
            above, below = max(-top, 0), max(top + 3 - height, 0)
            near = four and above + below <= 1
            j = 0
            while j < columns:
                left = j * strides[1] - before[1]
                inside = near and first <= j < stop
                if inside or (near and -1 <= left <= width - 2):
                    # The last four may be partly those before: they get the same numbers again.
                    left -= max(j - (stop - 4), 0) if inside else 0
                    column = max(left, 0)
                    j = left + before[1]
                    seen = np.uint64(((n * height + top + above) * width + column) * m)
                    tap = np.uint64((above * 3 + column - left) * m)
                    there = np.uint64(((n * rows + r) * columns + j) * m)
                    if inside:
                        if above + below == 0:
                            _four_of_nine(flat, taps, bias, seen, row, tap, made, there)
                        else:
                            _four_of_six(flat, taps, bias, seen, row, tap, made, there)
                        j += 4
                    else:
                        if above + below == 0:
                            _one_of_six(flat, taps, bias, seen, row, tap, made, there)
                        else:
                            _one_of_four(flat, taps, bias, seen, row, tap, made, there)
                        j += 1
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
def _one_by_nine(x: Array, g: Array, first: Any, row: Any, there: Any, out: Array) -> None:
    """Add to nine taps the products of one place with what it sees, all within the image; as `_four_of_nine`."""
    m = np.uint64(out.size // 9)
    for c in range(np.uint64(0), m):
        sent = g[there + c]
        for p in range(3):
            k, l = first + np.uint64(p) * row + c, np.uint64(3 * p) * m + c
            out[l] += x[k] * sent
            out[l + m] += x[k + m] * sent
            out[l + np.uint64(2) * m] += x[k + np.uint64(2) * m] * sent


@inner
def _eight_by_nine(x: Array, g: Array, first: Any, row: Any, there: Any, out: Array) -> None:
    """Add to nine taps the products of eight neighbouring places with what they see."""
    m = np.uint64(out.size // 9)
    for c in range(np.uint64(0), m):
        s = there + c
        g0, g1, g2, g3 = g[s], g[s + m], g[s + np.uint64(2) * m], g[s + np.uint64(3) * m]
        s += np.uint64(4) * m
        g4, g5, g6, g7 = g[s], g[s + m], g[s + np.uint64(2) * m], g[s + np.uint64(3) * m]
        for p in range(3):
            k, l = first + np.uint64(p) * row + c, np.uint64(3 * p) * m + c
            x0, x1, x2 = x[k], x[k + m], x[k + np.uint64(2) * m]
            x3, x4, x5 = x[k + np.uint64(3) * m], x[k + np.uint64(4) * m], x[k + np.uint64(5) * m]
            x6, x7 = x[k + np.uint64(6) * m], x[k + np.uint64(7) * m]
            x8, x9 = x[k + np.uint64(8) * m], x[k + np.uint64(9) * m]
            out[l] += x0 * g0 + x1 * g1 + x2 * g2 + x3 * g3 + x4 * g4 + x5 * g5 + x6 * g6 + x7 * g7
            out[l + m] += x1 * g0 + x2 * g1 + x3 * g2 + x4 * g3 + x5 * g4 + x6 * g5 + x7 * g6 + x8 * g7
            out[l + np.uint64(2) * m] += (
                x2 * g0 + x3 * g1 + x4 * g2 + x5 * g3 + x6 * g4 + x7 * g5 + x8 * g6 + x9 * g7
            )


@loops
def _correlate(x: Array, g: Array, strides: Pair, before: Pair, dilation: Pair, out: Array) -> None:
    """Add to each tap the products of all places of the output with what the tap sees from there."""
    rows, columns = g.shape[1], g.shape[2]
    height, width, channels = x.shape[1], x.shape[2], x.shape[3]
    made = out.shape[2] // channels
    nine = out.shape[0] == 3 and out.shape[1] == 3 and made == 1
    near = nine and dilation == (1, 1)
    flat, sends, taps, row = x.reshape(-1), g.reshape(-1), out.reshape(-1), np.uint64(width * channels)
    for n in range(len(x)):
        for r in range(rows):
            top = r * strides[0] - before[0]
            inside = near and _within(top, 3, 1, height)
            j = 0
            while j < columns:
                left = j * strides[1] - before[1]
                if inside and _within(left, 3, 1, width):
                    first = np.uint64(((n * height + top) * width + left) * channels)
                    there = np.uint64(((n * rows + r) * columns + j) * channels)
                    if strides[1] == 1 and left + 9 < width and j + 7 < columns:
                        _eight_by_nine(flat, sends, first, row, there, taps)
                        j += 8
                    else:
                        _one_by_nine(flat, sends, first, row, there, taps)
                        j += 1
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
