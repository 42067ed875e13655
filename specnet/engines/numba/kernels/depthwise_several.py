"""Convolutions with several filters for each channel, place by place over all channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from specnet.engines.numba.kernels.compiled import inlined, loops
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


def _walk(at_tap: Any) -> Any:
    """Return a function that goes through the places of an output and all that their taps see of an image.

    `at_tap` gets the channels of what is seen, the filters of the place and of the tap, and how many each channel has.
    """

    @inlined
    def walk(image: Array, places: Array, taps: Array, strides: Pair, before: Pair, dilation: Pair) -> None:
        height, width, channels = image.shape
        made = taps.shape[2] // channels
        for r in range(places.shape[0]):
            for j in range(places.shape[1]):
                place = places[r, j]
                for p in range(taps.shape[0]):
                    y = r * strides[0] - before[0] + p * dilation[0]
                    if y < 0 or y >= height:
                        continue
                    for q in range(taps.shape[1]):
                        z = j * strides[1] - before[1] + q * dilation[1]
                        if z < 0 or z >= width:
                            continue
                        at_tap(image[y, z], place, taps[p, q], made)

    return walk


@inlined
def _add_to_place(seen: Array, place: Array, tap: Array, made: int) -> None:
    for c in range(len(seen)):
        for k in range(c * made, (c + 1) * made):
            place[k] += seen[c] * tap[k]


@inlined
def _add_to_seen(seen: Array, place: Array, tap: Array, made: int) -> None:
    for c in range(len(seen)):
        for k in range(c * made, (c + 1) * made):
            seen[c] += place[k] * tap[k]


@inlined
def _add_to_tap(seen: Array, place: Array, tap: Array, made: int) -> None:
    for c in range(len(seen)):
        for k in range(c * made, (c + 1) * made):
            tap[k] += seen[c] * place[k]


_sum_over_taps, _send_by_taps, _sum_over_places = map(_walk, (_add_to_place, _add_to_seen, _add_to_tap))


@loops
def _convolve(
    x: Array, w: Array, bias: Array, strides: Pair, before: Pair, dilation: Pair, out: Array
) -> None:
    """Convolve images, one channel's filters after the other."""
    for n in range(len(x)):
        places = out[n].reshape(-1, bias.size)
        for place in range(len(places)):
            for k in range(bias.size):
                places[place, k] = bias[k]
        _sum_over_taps(x[n], out[n], w, strides, before, dilation)


@loops
def _spread(g: Array, w: Array, strides: Pair, before: Pair, dilation: Pair, out: Array) -> None:
    """Add what each place of the output sends back to the places that it sees."""
    for n in range(len(g)):
        out[n] = 0
        _send_by_taps(out[n], g[n], w, strides, before, dilation)


@loops
def _correlate(x: Array, g: Array, strides: Pair, before: Pair, dilation: Pair, out: Array) -> None:
    """Add to each tap the products of all places of the output with what the tap sees from there."""
    for n in range(len(x)):
        _sum_over_places(x[n], g[n], out, strides, before, dilation)
