"""Convolutions whose channels are groups of their own: each tap multiplies and adds, there being no matrices.

Images with zeros around them are laid out as lattices (`Geometry.lattice`), where what a tap sees of all places of the
output is an array with the same strides for each tap. So one call of `einsum` multiplies and adds for all taps, row by
row: its loop goes over a row's columns and channels. Two calls for each tap, to multiply and to add, move three times
as much between the caches, and are so short that two workers mostly wait for the interpreter's lock. A filter is
channel * multiplier + number, so that a kernel (kh, kw, 1, filters) is (kh, kw, channels, multiplier).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy._core import multiarray

from specnet.engines.numpy.calls import Call
from specnet.engines.numpy.scratch import ScratchPool
from specnet.graph.geometry import Geometry, Pair
from specnet.graph.lattice import LatticeTaps

Array = np.ndarray[Any, Any]
Within = tuple[slice, slice]
"""Rows and columns."""

_einsum = getattr(multiarray, "c_einsum", np.einsum)
"""`np.einsum` without the Python code in front of it."""


def add_products(subscripts: str, a: Array, b: Array, out: Array) -> None:
    """Write sums of products to `out`, as `np.einsum` does."""
    _einsum(subscripts, a, b, out=out)


def convolve(
    x: Array, w: Array, b: Array | None, scratch: Array, how: Geometry, out: Array
) -> Iterator[Call]:
    """Write the convolution of images x with a kernel w, plus a bias b, into `out`."""
    room, made = _Room(scratch, how, len(x)), _by_number(out, how)
    yield from room.lay_kernel(w)
    yield from room.lay_zeros()
    for first, stop in _tiles(len(x), how):
        yield from room.lay_images(x[first:stop])
        for number in range(how.made):
            there = made[first:stop, ..., number]
            total = there if how.made == 1 else room.places(there.shape)
            for place, (offset, taps) in enumerate(room.groups):
                sums = room.places(there.shape, second=True) if place else total
                seen = room.seen(offset, taps, len(there))
                yield _sum_of_taps(seen, room.kernel_of(number, taps), sums)
                if place:
                    yield np.add, (total, sums, total)
            if b is not None:
                yield np.copyto, (room.bias, b.reshape(how.channels, how.made)[:, number])
                yield np.add, (total, room.bias, total)
            if how.made > 1:
                yield np.copyto, (there, total)


def convolve_input(g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write what flows back to the images into `out`."""
    room, flowing = _Room(scratch, how, len(g)), _by_number(g, how)
    yield from room.lay_kernel(w)
    yield from room.lay_zeros_back()
    for first, stop in _tiles(len(g), how):
        images = out[first:stop]
        if not room.covers:
            yield images.fill, (0.0,)
        for number in range(how.made):
            yield np.copyto, (room.back[: len(images), *room.inside], flowing[first:stop, ..., number])
            for offset, taps in room.groups:
                there = images[:, *room.within(offset)[1]]
                if not there.size:
                    continue  # all of the lattice lies in the zeros
                direct = number == 0 and how.strides == (1, 1)
                sums = there if direct else room.places(there.shape)
                seen = room.seen_back(offset, taps, there.shape)
                yield _sum_of_taps(seen, room.kernel_of(number, taps)[::-1, ::-1], sums)
                if number:
                    yield np.add, (there, sums, there)
                elif not direct:
                    yield np.copyto, (there, sums)


def convolve_kernel(
    x: Array, g: Array, scratch: Array, how: Geometry, overwrite: bool, out: Array
) -> Iterator[Call]:
    """Add what flows back to the kernel to `out`, or `overwrite` it."""
    room, flowing = _Room(scratch, how, len(x)), _by_number(g, how)
    total = out.reshape(*how.kernel, how.channels, how.made)
    slopes, ones, summed = room.slopes()
    yield ones.fill, (1.0,)
    yield from room.lay_zeros()
    if overwrite:
        yield out.fill, (0.0,)
    for first, stop in _tiles(len(x), how):
        yield from room.lay_images(x[first:stop])
        for number in range(how.made):
            sent = flowing[first:stop, ..., number]
            if how.made > 1:
                laid = room.places(sent.shape)
                yield np.copyto, (laid, sent)
                sent = laid
            rows = sent.reshape(len(sent), how.out[0], -1)
            for offset, taps in room.groups:
                seen = room.seen(offset, taps, len(sent))
                own = slopes[taps[0].numbers, taps[1].numbers]
                for down, right in np.ndindex(own.shape[:2]):
                    # A call for each tap: of all taps at once, each row of sums would be read and written anew.
                    yield add_products, ("nrk,nrk->k", seen[:, :, down, right], rows, own[down, right])
            yield np.matmul, (ones, slopes.reshape(*how.kernel, how.out[1], -1), summed)
            there = total[..., number]
            yield np.add, (there, summed, there)


def _sum_of_taps(seen: Array, kernel: Array, out: Array) -> Call:
    """Return what writes the sums over taps (images, rows, down, across, numbers) by a kernel into `out`."""
    rows = out.reshape(*out.shape[:2], -1)
    return add_products, ("nrdak,dak->nrk", seen, kernel[..., : rows.shape[-1]], rows)


class _Room:
    """Scratch memory for one tile of images after another."""

    def __init__(self, scratch: Array, how: Geometry, images: int) -> None:
        lattice = how.lattice
        images = min(images, lattice.images)
        pool = ScratchPool(scratch)
        self.how = how
        self.lattices = pool.for_now((*how.strides, images, *lattice.size, how.channels))
        """Images as lattices."""
        self.back = pool.for_now((images, *lattice.around, how.channels))
        """What flows back, with zeros around it, as those see it that a place of an image is seen by."""
        pool.take((lattice.image_numbers,))
        self._places = pool.take((2, lattice.places))
        self._kernel = pool.take((how.made, *how.kernel, lattice.row))
        self.bias = pool.for_now((how.out[1], how.channels))
        self._rest = pool
        self.groups = [
            (offset, taps) for offset in lattice.offsets if (taps := lattice.seeing(offset)) is not None
        ]
        """Each lattice that taps see, and which ones do."""

    @property
    def covers(self) -> bool:
        """Whether taps see all of an image."""
        seen = [self.within(offset)[1] for offset, _ in self.groups]
        places = sum(
            len(range(*down.indices(self.how.size[0]))) * len(range(*right.indices(self.how.size[1])))
            for down, right in seen
        )
        return places == self.how.size[0] * self.how.size[1]

    def places(self, shape: tuple[int, ...], *, second: bool = False) -> Array:
        """Return memory for places of a tile, or a second one."""
        return ScratchPool(self._places[int(second)]).for_now(shape)

    def slopes(self) -> tuple[Array, Array, Array]:
        """Return memory for what flows back to each tap from each column, for ones, and for the sums over columns."""
        how = self.how
        pool = ScratchPool(self._rest.rest)
        slopes = ScratchPool(self._kernel.reshape(-1)).take((*how.kernel, how.out[1] * how.channels))
        return slopes, pool.take((how.out[1],)), pool.take((*how.kernel, how.channels))

    def lay_kernel(self, w: Array) -> Iterator[Call]:
        """Repeat each tap over a row."""
        how = self.how
        taps = w.reshape(*how.kernel, 1, how.channels, how.made)
        yield (
            np.copyto,
            (self._kernel.reshape(how.made, *how.kernel, -1, how.channels), np.moveaxis(taps, -1, 0)),
        )

    def kernel_of(self, number: int, taps: tuple[LatticeTaps, LatticeTaps]) -> Array:
        """Return some taps of one filter of each channel, repeated over a row."""
        return self._kernel[number, taps[0].numbers, taps[1].numbers]

    def lay_zeros(self) -> Iterator[Call]:
        """Write the zeros around images into their lattices."""
        for offset in self.how.lattice.offsets:
            yield from _zeros_around(self.lattices[offset], self.within(offset)[0])

    def lay_zeros_back(self) -> Iterator[Call]:
        """Write the zeros around what flows back."""
        yield from _zeros_around(self.back, self.inside)

    def lay_images(self, x: Array) -> Iterator[Call]:
        """Copy images into their lattices."""
        for offset in self.how.lattice.offsets:
            inside, own = self.within(offset)
            yield np.copyto, (self.lattices[offset][: len(x), *inside], x[:, *own])

    @property
    def inside(self) -> Within:
        """Where what flows back lies within the zeros."""
        rows, columns = (
            slice(before, before + size)
            for before, size in zip(self.how.lattice.reach, self.how.out, strict=True)
        )
        return rows, columns

    def seen(self, offset: Pair, taps: tuple[LatticeTaps, LatticeTaps], images: int) -> Array:
        """Return what taps see from all places of the output: (images, rows, down, across, columns x channels)."""
        starts = taps[0].shift, taps[1].shift
        return self._seen(self.lattices[offset], starts, taps, images, self.how.out)

    def seen_back(self, offset: Pair, taps: tuple[LatticeTaps, LatticeTaps], shape: tuple[int, ...]) -> Array:
        """Return, for places of images, what flows back to them by each tap, from the last tap to the first."""
        first, second = (
            inside.start + reach - axis.shift - (axis.count - 1) * axis.apart
            for inside, reach, axis in zip(self.within(offset)[0], self.how.lattice.reach, taps, strict=True)
        )
        return self._seen(self.back, (first, second), taps, shape[0], (shape[1], shape[2]))

    def _seen(
        self,
        laid: Array,
        starts: Pair,
        taps: tuple[LatticeTaps, LatticeTaps],
        images: int,
        size: Pair,
    ) -> Array:
        image, row, column, item = laid.strides
        shape = (images, size[0], taps[0].count, taps[1].count, size[1] * self.how.channels)
        strides = (image, row, taps[0].apart * row, taps[1].apart * column, item)
        begin = laid[:, starts[0] :, starts[1] :]
        return np.lib.stride_tricks.as_strided(begin, shape, strides)

    def within(self, offset: Pair) -> tuple[Within, Within]:
        """Return where a lattice has numbers of an image, and where these are in the image."""
        (rows, down), (columns, right) = (self._axis(axis, offset[axis]) for axis in (0, 1))
        return (rows, columns), (down, right)

    def _axis(self, axis: int, offset: int) -> tuple[slice, slice]:
        how = self.how
        before, step, size = how.padding[axis][0], how.strides[axis], how.size[axis]
        start = max(0, -((offset - before) // step))
        begin = start * step + offset - before
        count = max(0, min(how.lattice.size[axis] - start, (size - 1 - begin) // step + 1))
        return slice(start, start + count), slice(begin, begin + count * step, step)


def _zeros_around(laid: Array, inside: Within) -> Iterator[Call]:
    """Write zeros around the inside of images."""
    rows, columns = inside
    for outside in (
        laid[:, : rows.start],
        laid[:, rows.stop :],
        laid[:, rows, : columns.start],
        laid[:, rows, columns.stop :],
    ):
        if outside.size:
            yield outside.fill, (0.0,)


def _by_number(out: Array, how: Geometry) -> Array:
    """Return an output as (rows, height, width, channels, multiplier)."""
    return out.reshape(len(out), *how.out, how.channels, how.made)


def _tiles(size: int, how: Geometry) -> list[tuple[int, int]]:
    images = how.tile[0]
    return [(first, min(first + images, size)) for first in range(0, size, images)]
