"""Tiles of images and kernels as they are transformed for convolutions (`specnet.engines.numpy.winograd`)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from specnet.engines.numpy.calls import Call
from specnet.engines.numpy.halves import EveryOther, halves, lines, part, strided
from specnet.engines.numpy.scratch import ScratchPool
from specnet.engines.numpy.strips import lumps
from specnet.graph.geometry import Geometry, Pair, Unit
from specnet.graph.lattice import MAXIMUM
from specnet.graph.winograd import POINTS

Array = np.ndarray[Any, Any]
UnitCall = tuple[Callable[..., object], tuple[Any, ...], Array | None]
"""A call, whose last argument is a unit's part of some images, if there are any."""

TAPS = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 1.0))
"""G: what each product on an axis takes of three taps."""


class WinogradTiles:
    """The transformed tiles of some images, and then of others, in one worker's scratch memory."""

    def __init__(self, images: int, phases: Pair, pool: ScratchPool, how: Geometry) -> None:
        assert how.winograd is not None
        self.phases, self.how, self.sizes = phases, how, how.winograd
        most, rows = self.sizes.at_once(MAXIMUM)
        size = min(images, most), rows
        self.unit = size[0], 2 * rows
        """Images of a unit, and the rows of the output that it has of each."""
        self.banded = rows < self.sizes.grid[0]
        """Whether an image has several units."""
        self.padded = pool.take(self.sizes.padded(*size))
        self.transformed = pool.take((prod(self.sizes.tiles(*size)),))
        self.shares = _shares(self.sizes.parts)
        self.patches = pool.take((self.sizes.seen(*size),))
        self.passing = pool.take((max(prod(self.sizes.lines(*size)), prod(self.sizes.made(*size))),))

    def start(self) -> Iterator[Call]:
        """Write the zeros around images; above and below bands of them, they are written with each."""
        halved = self._padded(self.padded.shape[2])
        height, width = (2 * places for places in self.padded.shape[3:5])
        outside = [(lines(0, height), self._outside(1, 0, width))]
        if not self.banded:
            outside.append((self._outside(0, 0, height), lines(0, width)))
        for rows, columns in outside:
            for each in product(rows, columns):
                yield part(halved, *each).fill, (0.0,)

    def lay(self, x: Array, unit: Unit) -> Iterator[UnitCall]:
        """Lay the images of a unit out, and transform their tiles."""
        images, rows = size_of(unit)
        _, _, top, _ = unit
        height, width = 2 * (rows + self.sizes.parts[0]), 2 * self.padded.shape[4]
        there, seen = self._padded(images), halves(x, self.phases)
        if self.banded:
            for each in product(self._outside(0, top, height), lines(0, width)):
                yield part(there, *each).fill, (0.0,), None
        (above, _), (left, _) = self.how.padding
        for down, right in product(lines(*self._inside(0, top, height)), lines(*self._inside(1, 0, width))):
            own = part(there, down, right)
            yield np.copyto, (lumps(own),), lumps(part(seen, down.moved(top - above), right.moved(-left)))
        passing = self._part(self.passing, self.sizes.lines(images, rows))
        yield from _transform(self.padded[:, :, :images], passing, axis=2)
        yield from _transform(passing.swapaxes(0, 1), self.tiles(unit).swapaxes(0, 1), axis=3)

    def seen(self, unit: Unit, share: Share) -> Generator[UnitCall, None, Array]:
        """Return what parts of a kernel see, for some of the products: matrices (tiles, numbers that are seen)."""
        tiles = self.tiles(unit)
        if share.parts == self.sizes.parts == (1, 1):
            return tiles.reshape(POINTS, POINTS, -1, self.how.channels)
        images, rows = size_of(unit)
        down, across = share.parts
        *products, image, row, column, channel = tiles.strides
        steps = (*products, row, column)
        starts = (share.rows.start, share.columns.start, *share.first)
        first = sum(start * step for start, step in zip(starts, steps, strict=True))
        # Neighbours on a row lie together.
        shape = (*share.shape, images, rows, self.sizes.grid[1], down, across * self.how.channels)
        strides = (*products, image, row, column, row, channel)
        there = np.ndarray(shape, tiles.dtype, tiles.reshape(-1)[first // tiles.itemsize :], 0, strides)
        patches = self._part(self.patches, shape)
        yield np.copyto, (lumps(patches), lumps(there)), None
        return patches.reshape(*share.shape, -1, down * shape[-1])

    def tiles(self, unit: Unit) -> Array:
        """Return where transformed tiles are."""
        return self._part(self.transformed, self.sizes.tiles(*size_of(unit)))

    def made(self, unit: Unit) -> Array:
        """Return where products are: what is transformed on one axis alone is not needed any more."""
        return self._part(self.passing, self.sizes.made(*size_of(unit)))

    def _part(self, numbers: Array, shape: tuple[int, ...]) -> Array:
        return numbers[: prod(shape)].reshape(shape)

    def _padded(self, images: int) -> Array:
        """Return where some images lie with zeros around them, as `halves` does."""
        return self.padded[:, :, :images].transpose(2, 0, 1, 3, 4, 5)

    def _inside(self, axis: int, lead: int, size: int) -> Pair:
        """Return from where to where an image reaches, of a unit's lines of an axis, which begins so far inside."""
        before = self.how.padding[axis][0] - lead
        first = min(max(0, before), size)
        return first, max(first, min(self.how.size[axis] + before, size))

    def _outside(self, axis: int, lead: int, size: int) -> Iterator[EveryOther]:
        """Go through the lines before and behind it."""
        first, stop = self._inside(axis, lead, size)
        yield from lines(0, first)
        yield from lines(stop, size)


@dataclass(frozen=True)
class Share:
    """Some of the products, and the parts of a kernel that they multiply by."""

    rows: slice
    columns: slice
    first: Pair
    """The first of the parts."""
    parts: Pair
    begin: int
    """Where they are in the transformed kernel."""

    @property
    def shape(self) -> Pair:
        """How many products there are, down and across."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def stop(self) -> int:
        """Where its parts end in the transformed kernel."""
        return self.begin + prod(self.shape) * prod(self.parts)

    def kernel(self, kernels: Array) -> Array:
        """Return what is multiplied by, of a transformed kernel."""
        own: Array = kernels[self.begin : self.stop].reshape(*self.shape, -1, kernels.shape[-1])
        return own

    def product(self, made: Array) -> Array:
        """Return where the products are, among all."""
        own: Array = made[self.rows, self.columns].reshape(*self.shape, -1, made.shape[-1])
        return own


@cache
def _shares(parts: Pair) -> tuple[Share, ...]:
    """Return what to multiply for a kernel of so many parts.

    All parts have a share in the first products on an axis, but only the last one, which has three taps, in the last.
    """
    if parts == (1, 1):
        return (Share(slice(0, POINTS), slice(0, POINTS), (0, 0), parts, 0),)
    found: list[Share] = []
    for down, right in product(
        *(((0, POINTS - 1, 0, own), (POINTS - 1, POINTS, own - 1, 1)) for own in parts)
    ):
        begin = found[-1].stop if found else 0
        first, own = (down[2], right[2]), (down[3], right[3])
        found.append(Share(slice(*down[:2]), slice(*right[:2]), first, own, begin))
    return tuple(found)


@cache
def coefficients(kernel: Pair, dtype: str) -> Array:
    """Return the matrix (numbers of a transformed kernel, taps) that transforms a kernel."""
    axes = [_axis(taps) for taps in kernel]
    rows = [
        np.outer(above, left).reshape(-1)
        for share in _shares((kernel[0] // 2, kernel[1] // 2))
        for row, column in product(axes[0][share.rows], axes[1][share.columns])
        for above, left in product(row, column)
    ]
    return np.array(rows, dtype)


def _axis(taps: int) -> list[list[Array]]:
    """Return for each product on an axis what it takes of the taps of each part that has a share in it."""
    parts = taps // 2
    found: list[list[Array]] = []
    for point, weights in enumerate(TAPS):
        shares = []
        for first in range(parts - 1 if point == POINTS - 1 else 0, parts):
            share = np.zeros(taps)
            own = share[2 * first : 2 * first + (3 if first == parts - 1 else 2)]
            own[:] = weights[: len(own)]
            shares.append(share)
        found.append(shares)
    return found


def _transform(halved: Array, out: Array, axis: int) -> Iterator[UnitCall]:
    """Write Bᵀ d for lines d of an axis, of which there are even and odd ones, to `out`, by products."""
    even, odd = halved
    count = out.shape[axis + 1]
    before = (slice(None),) * axis
    zeroth, first, second = (
        half[(*before, slice(start, start + count))] for half, start in ((even, 0), (odd, 0), (even, 1))
    )
    # The first product, d0 - d2, and the last, d3 - d1, are one call: from d0 to d3 it is as far as from d2 to d1 is
    # for numbers of the other line.
    half, line = halved.strides[0], even.strides[axis]
    shape = 2, *zeroth.shape
    whole, less = (
        strided(begin, shape, (step, *zeroth.strides))
        for begin, step in ((zeroth, half + line), (second, half - line))
    )
    yield np.subtract, (whole, less, out[::3]), None
    yield np.add, (first, second, out[1]), None
    yield np.subtract, (second, first, out[2]), None


def size_of(unit: Unit) -> Pair:
    """Return how many images a unit has, and rows of tiles of each."""
    first, stop, top, bottom = unit
    return stop - first, (bottom - top + 1) // 2
