"""Convolutions whose channels are groups of their own: each tap multiplies and adds, there being no matrices.

A filter is channel * multiplier + number, so that a kernel (kh, kw, 1, filters) is (taps, channels, multiplier).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from specnet.engines.numpy.calls import Call
from specnet.graph.geometry import Geometry

Array = np.ndarray[Any, Any]


def convolve(
    x: Array, w: Array, b: Array | None, scratch: Array, how: Geometry, out: Array
) -> Iterator[Call]:
    """Write the convolution of images x with a kernel w, plus a bias b, into `out`."""
    taps, made = w.reshape(how.taps, how.channels, how.made), _by_number(out, how)
    for first, stop in _tiles(len(x), how):
        yield np.copyto, (out[first:stop], 0.0 if b is None else b)
        for tap, (rows, columns, down, right) in enumerate(how.seen):
            seen = x[first:stop, down, right]
            more = scratch[: seen.size].reshape(seen.shape)
            for number in range(how.made):
                there = made[first:stop, rows, columns, :, number]
                yield np.multiply, (seen, taps[tap, :, number], more)
                yield np.add, (there, more, there)


def convolve_input(g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write what flows back to the images into `out`."""
    taps, flowing = w.reshape(how.taps, how.channels, how.made), _by_number(g, how)
    for first, stop in _tiles(len(g), how):
        yield out[first:stop].fill, (0.0,)
        for tap, (rows, columns, down, right) in enumerate(how.seen):
            there = out[first:stop, down, right]
            more = scratch[: there.size].reshape(there.shape)
            for number in range(how.made):
                sent = flowing[first:stop, rows, columns, :, number]
                yield np.multiply, (sent, taps[tap, :, number], more)
                yield np.add, (there, more, there)


def convolve_kernel(
    x: Array, g: Array, scratch: Array, how: Geometry, overwrite: bool, out: Array
) -> Iterator[Call]:
    """Add what flows back to the kernel to `out`, or `overwrite` it."""
    total, flowing = out.reshape(how.taps, how.channels, how.made), _by_number(g, how)
    for tile, (begin, stop) in enumerate(_tiles(len(x), how)):
        for tap, (rows, columns, down, right) in enumerate(how.seen):
            seen = x[begin:stop, down, right]
            more = scratch[: seen.size].reshape(seen.shape)
            summed = scratch[seen.size : seen.size + how.channels]
            for number in range(how.made):
                yield np.multiply, (seen, flowing[begin:stop, rows, columns, :, number], more)
                yield np.add.reduce, (more.reshape(-1, how.channels), 0, None, summed)
                there = total[tap, :, number]
                if overwrite and tile == 0:
                    yield np.copyto, (there, summed)
                else:
                    yield np.add, (there, summed, there)


def _by_number(out: Array, how: Geometry) -> Array:
    """Return an output as (rows, height, width, channels, multiplier)."""
    return out.reshape(len(out), *how.out, how.channels, how.made)


def _tiles(size: int, how: Geometry) -> list[tuple[int, int]]:
    images = how.tile[0]
    return [(first, min(first + images, size)) for first in range(0, size, images)]
