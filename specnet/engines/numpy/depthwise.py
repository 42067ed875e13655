"""Convolutions whose channels are groups of their own: each tap multiplies and adds, there being no matrices.

Images with zeros around them are laid out as lattices (`Geometry.lattice`): in these, what a tap sees of all images is
one long stretch of memory, which begins later for each further tap. What stands for the output lies in rows as long as
a lattice's, with places at the end of each row and of each image that mean nothing. So NumPy goes over long arrays, not
over the channels of one place. A filter is channel * multiplier + number, so that a kernel (kh, kw, 1, filters) is
(taps, channels, multiplier).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from specnet.engines.numpy.calls import Call
from specnet.graph.geometry import Geometry

Array = np.ndarray[Any, Any]


def convolve(
    x: Array, w: Array, b: Array | None, scratch: Array, how: Geometry, out: Array
) -> Iterator[Call]:
    """Write the convolution of images x with a kernel w, plus a bias b, into `out`."""
    room, made = _Room(scratch, how), _by_number(out, how)
    yield room.lattices.fill, (0.0,)
    yield from room.lay_kernel(w)
    for first, stop in _tiles(len(x), how):
        yield from room.lay_images(x[first:stop])
        for number in range(how.made):
            if b is not None:
                yield np.copyto, (room.bias, b.reshape(how.channels, how.made)[:, number])
            for rows in room.stretches(stop - first):
                total = room.places[rows].reshape(-1, how.lattice.row)
                more = room.more[: total.size].reshape(total.shape)
                for tap in range(how.taps):
                    seen = room.seen(tap, rows).reshape(total.shape)
                    yield np.multiply, (seen, room.kernel[number, tap], more if tap else total)
                    if tap:
                        yield np.add, (total, more, total)
                if b is not None:
                    yield np.add, (total, room.bias.reshape(-1), total)
            yield np.copyto, (made[first:stop, ..., number], room.of_output(stop - first))


def convolve_input(g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write what flows back to the images into `out`."""
    room, flowing = _Room(scratch, how), _by_number(g, how)
    yield room.places.fill, (0.0,)
    yield from room.lay_kernel(w)
    for first, stop in _tiles(len(g), how):
        yield room.lattices.fill, (0.0,)
        for number in range(how.made):
            yield np.copyto, (room.of_output(stop - first), flowing[first:stop, ..., number])
            for rows in room.stretches(stop - first):
                sent = room.places[rows].reshape(-1, how.lattice.row)
                more = room.more[: sent.size]
                for tap in range(how.taps):
                    yield np.multiply, (sent, room.kernel[number, tap], more.reshape(sent.shape))
                    there = room.seen(tap, rows)
                    yield np.add, (there, more, there)
        yield from room.take_images(out[first:stop])


def convolve_kernel(
    x: Array, g: Array, scratch: Array, how: Geometry, overwrite: bool, out: Array
) -> Iterator[Call]:
    """Add what flows back to the kernel to `out`, or `overwrite` it."""
    room, flowing = _Room(scratch, how), _by_number(g, how)
    total = out.reshape(how.taps, how.channels, how.made)
    yield room.lattices.fill, (0.0,)
    yield room.places.fill, (0.0,)
    yield room.ones.fill, (1.0,)
    if overwrite:
        yield out.fill, (0.0,)
    for first, stop in _tiles(len(x), how):
        yield from room.lay_images(x[first:stop])
        for number in range(how.made):
            yield np.copyto, (room.of_output(stop - first), flowing[first:stop, ..., number])
            for rows in room.stretches(stop - first):
                sent = room.places[rows]
                more = room.more[: sent.size]
                for tap in range(how.taps):
                    yield np.multiply, (room.seen(tap, rows), sent, more)
                    pairs = more.reshape(-1, how.channels)
                    yield np.dot, (room.ones[: len(pairs)], pairs, room.summed)
                    there = total[tap, :, number]
                    yield np.add, (there, room.summed, there)


class _Room:
    """Scratch memory for one tile of images after another."""

    def __init__(self, scratch: Array, how: Geometry) -> None:
        self.how = how
        (down, right), numbers, reach = how.strides, how.lattice.numbers, how.lattice.reach
        sizes = (
            down * right * (numbers + reach),
            numbers,
            how.lattice.stretch,
            how.lattice.row * how.taps * how.made,
        )
        ends = np.cumsum(sizes).tolist()
        lattices, self.places, self.more, kernel, rest = np.split(scratch, ends)
        self.lattices = lattices.reshape(down, right, -1)
        """Images as lattices, and some more zeros that the last taps see."""
        self.kernel = kernel.reshape(how.made, how.taps, -1)
        """For each number of a channel, the kernel's taps, each repeated over a row of a lattice."""
        self.bias = rest[: how.lattice.row].reshape(-1, how.channels)
        self.summed, self.ones = rest[: how.channels], rest[how.channels :]

    def lay_kernel(self, w: Array) -> Iterator[Call]:
        """Repeat each tap over a row."""
        how = self.how
        taps = w.reshape(how.taps, 1, how.channels, how.made).transpose(3, 0, 1, 2)
        yield np.copyto, (self.kernel.reshape(how.made, how.taps, -1, how.channels), taps)

    def stretches(self, images: int) -> Iterator[slice]:
        """Go through the rows of the lattices of so many images, some at once."""
        end = images * self.how.lattice.size[0] * self.how.lattice.row
        for start in range(0, end, self.how.lattice.stretch):
            yield slice(start, min(start + self.how.lattice.stretch, end))

    def seen(self, tap: int, rows: slice) -> Array:
        """Return what a tap sees from some rows of places of the output."""
        how = self.how
        place = [at * step for at, step in zip(divmod(tap, how.kernel[1]), how.dilation, strict=True)]
        (y, down), (z, right) = map(divmod, place, how.strides)
        start = y * how.lattice.row + z * how.channels
        return self.lattices[down, right, start + rows.start : start + rows.stop]

    def of_output(self, images: int) -> Array:
        """Return the places that mean something: (images, height, width, channels)."""
        height, width = self.how.out
        return self._rows(self.places, images)[:, :height, :width]

    def lay_images(self, x: Array) -> Iterator[Call]:
        """Copy images into their lattices."""
        for there, image in self._within(x):
            yield np.copyto, (there, image)

    def take_images(self, x: Array) -> Iterator[Call]:
        """Copy images out of their lattices; what no tap sees is 0."""
        yield x.fill, (0.0,)
        for there, image in self._within(x):
            yield np.copyto, (image, there)

    def _within(self, x: Array) -> Iterator[tuple[Array, Array]]:
        """Go through the lattices: the part of each that is not zeros, and the same places of the images."""
        for first in product(*map(range, self.how.strides)):
            (rows, down), (columns, right) = (self._axis(axis, first[axis]) for axis in (0, 1))
            yield self._rows(self.lattices[first], len(x))[:, rows, columns], x[:, down, right]

    def _axis(self, axis: int, first: int) -> tuple[slice, slice]:
        """Return the places of a lattice, and those of the image, on an axis; `first` is where the lattice begins."""
        how = self.how
        before, step, size = how.padding[axis][0], how.strides[axis], how.size[axis]
        start = max(0, -((first - before) // step))
        begin = start * step + first - before
        count = max(0, min(how.lattice.size[axis] - start, (size - 1 - begin) // step + 1))
        return slice(start, start + count), slice(begin, begin + count * step, step)

    def _rows(self, lattice: Array, images: int) -> Array:
        height, width = self.how.lattice.size
        numbers = images * height * self.how.lattice.row
        return lattice[:numbers].reshape(images, height, width, self.how.channels)


def _by_number(out: Array, how: Geometry) -> Array:
    """Return an output as (rows, height, width, channels, multiplier)."""
    return out.reshape(len(out), *how.out, how.channels, how.made)


def _tiles(size: int, how: Geometry) -> list[tuple[int, int]]:
    images = how.tile[0]
    return [(first, min(first + images, size)) for first in range(0, size, images)]
