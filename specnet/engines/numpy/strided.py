"""What flows back to images through strides: convolutions without strides, whose places are then put in order.

See `specnet.graph.stride_parts`. A product and a sum over every other place for each tap of a kernel take longer: these
sums go over the channels of one place at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from specnet.engines.numpy.calls import Call
from specnet.engines.numpy.scratch import ScratchPool
from specnet.engines.numpy.strips import lumps
from specnet.graph.stride_parts import StridePart, StrideParts

Array = np.ndarray[Any, Any]
Convolve = Callable[..., Iterator[Call]]


def convolve_input(
    g: Array, w: Array, scratch: Array, parts: StrideParts, convolve: Convolve, out: Array
) -> Iterator[Call]:
    """Write what flows back to the images into `out`; `convolve` is the kernel of a convolution without strides."""
    if not parts.whole:
        yield out.fill, (0.0,)
    for part in parts.parts:
        pool = ScratchPool(scratch)
        how = part.geometry
        kernel = pool.take((*how.kernel, how.channels, how.filters))
        yield from _lay_kernel(w, part, kernel)
        made = pool.take((min(parts.images, len(g)), *how.laid))
        for first in range(0, len(g), parts.images):
            images = out[first : first + parts.images]
            places = made[: len(images)]
            yield from convolve(g[first : first + parts.images], kernel, None, pool.rest, how, places)
            yield from _in_order(places, part, images)


def _lay_kernel(w: Array, part: StridePart, kernel: Array) -> Iterator[Call]:
    """Copy the taps of each remainder, in reverse, with filters and channels exchanged."""
    (down, right), channels = part.how.strides, part.how.channels
    numbers = [len(axis.remainders) for axis in part.axes]
    by_remainder = kernel.reshape(*kernel.shape[:3], *numbers, channels)
    for (y, z), (row, column) in part.remainders():
        taps = w[row::down, column::right][::-1, ::-1]
        yield np.copyto, (by_remainder[:, :, :, y, z], taps.transpose(0, 1, 3, 2))


def _in_order(places: Array, part: StridePart, images: Array) -> Iterator[Call]:
    """Copy the places of each remainder to where an image has them."""
    numbers = [len(axis.remainders) for axis in part.axes]
    by_remainder = places.reshape(*places.shape[:3], *numbers, part.how.channels)
    for (y, z), remainders in part.remainders():
        made, own = part.sent(remainders)
        yield np.copyto, (_pixels(images[:, *own]), _pixels(by_remainder[:, *made, y, z]))


def _pixels(array: Array) -> Array:
    """Return images whose elements are pixels; one channel is that already."""
    return array[..., 0] if array.shape[-1] == 1 else lumps(array)
