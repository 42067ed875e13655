"""Convolutions whose channels are groups of their own: each tap multiplies and adds, there being no matrices.

A filter is channel * multiplier + number, so that a kernel (kh, kw, 1, filters) is (taps, channels, multiplier).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.runtime.geometry import Geometry
from specnet.runtime.workers import Workers

Array = np.ndarray[Any, Any]


def convolve(
    workers: Workers, x: Array, w: Array, b: Array | None, scratch: Array, how: Geometry, out: Array
) -> None:
    """Write the convolution of images x with a kernel w, plus a bias b, into `out`."""
    taps, made = w.reshape(how.taps, how.channels, how.made), _by_number(out, how)
    shares = workers.shares(len(x))

    def work(worker: int) -> None:
        for first, stop in _tiles(*shares[worker], how):
            out[first:stop] = 0.0 if b is None else b
            for tap, (rows, columns, down, right) in enumerate(how.seen):
                seen = x[first:stop, down, right]
                more = scratch[worker, : seen.size].reshape(seen.shape)
                for number in range(how.made):
                    there = made[first:stop, rows, columns, :, number]
                    np.multiply(seen, taps[tap, :, number], more)
                    np.add(there, more, there)

    workers.run(work, len(shares))


def convolve_input(workers: Workers, g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> None:
    """Write what flows back to the images into `out`."""
    taps, flowing = w.reshape(how.taps, how.channels, how.made), _by_number(g, how)
    shares = workers.shares(len(g))

    def work(worker: int) -> None:
        for first, stop in _tiles(*shares[worker], how):
            out[first:stop].fill(0.0)
            for tap, (rows, columns, down, right) in enumerate(how.seen):
                there = out[first:stop, down, right]
                more = scratch[worker, : there.size].reshape(there.shape)
                for number in range(how.made):
                    np.multiply(flowing[first:stop, rows, columns, :, number], taps[tap, :, number], more)
                    np.add(there, more, there)

    workers.run(work, len(shares))


def convolve_kernel(
    workers: Workers, x: Array, g: Array, scratch: Array, sums: Array, how: Geometry, out: Array
) -> None:
    """Write what flows back to the kernel into `out`."""
    whole, flowing = out.reshape(how.taps, how.channels, how.made), _by_number(g, how)
    shares = workers.shares(len(x))

    def work(worker: int) -> None:
        total = whole if worker == 0 else sums[worker].reshape(whole.shape)
        for number, (first, stop) in enumerate(_tiles(*shares[worker], how)):
            for tap, (rows, columns, down, right) in enumerate(how.seen):
                seen = x[first:stop, down, right]
                more = scratch[worker, : seen.size].reshape(seen.shape)
                summed = scratch[worker, seen.size : seen.size + how.channels]
                for filter_ in range(how.made):
                    np.multiply(seen, flowing[first:stop, rows, columns, :, filter_], more)
                    np.add.reduce(more.reshape(-1, how.channels), 0, None, out=summed)
                    if number == 0:
                        np.copyto(total[tap, :, filter_], summed)
                    else:
                        np.add(total[tap, :, filter_], summed, total[tap, :, filter_])

    workers.run(work, len(shares))
    for worker in range(1, len(shares)):
        np.add(whole, sums[worker].reshape(whole.shape), whole)


def _by_number(out: Array, how: Geometry) -> Array:
    """Return an output as (rows, height, width, channels, multiplier)."""
    return out.reshape(len(out), *how.out, how.channels, how.made)


def _tiles(start: int, stop: int, how: Geometry) -> list[tuple[int, int]]:
    images = how.tile[0]
    return [(first, min(first + images, stop)) for first in range(start, stop, images)]
