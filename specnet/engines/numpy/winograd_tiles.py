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

PARITIES = tuple(product((0, 1), (0, 1)))


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
        for parity in (0, 1):
            own, columns = self.padded[:, parity], self._span(1, parity, 0)
            outside = [own[:, :, :, : columns.start], own[:, :, :, columns.stop :]]
            if not self.banded:
                own, lines = self.padded[parity], self._span(0, parity, 0)
                outside += [own[:, :, : lines.start], own[:, :, lines.stop :]]
            for part in outside:
                if part.size:
                    yield part.fill, (0.0,)

    def lay(self, x: Array, unit: Unit) -> Iterator[UnitCall]:
        """Lay the images of a unit out, and transform their tiles."""
        images, rows = size_of(unit)
        height = rows + self.sizes.parts[0]
        padded = self.padded[:, :, :images]
        for down, right in PARITIES:
            own = padded[down, right]
            lines, columns = self._span(0, down, unit[2] // 2, height), self._span(1, right, 0)
            if self.banded:
                yield from clear(own[:, : lines.start], own[:, lines.stop : height])
            there = own[:, lines.start : lines.stop, columns.start : columns.stop]
            if there.size:
                seen = quarter(x, self.phases, lines.parity, columns.parity)[:, lines.seen, columns.seen]
                yield np.copyto, (lumps(there),), lumps(seen)
        passing = self._part(self.passing, self.sizes.lines(images, rows))
        even, odd = padded
        yield from _transform(even, odd, passing, axis=2)
        even, odd = passing.swapaxes(0, 1)
        yield from _transform(even, odd, self.tiles(unit).swapaxes(0, 1), axis=3)

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

    def _span(self, axis: int, parity: int, lead: int, places: int = 0) -> _Span:
        """Return where an image's lines of an axis lie among the even or odd ones with zeros around them.

        `lead` is the first of the tiles there, of so many `places`.
        """
        places = places or self.padded.shape[3 + axis]
        before, size = self.how.padding[axis][0], self.how.size[axis]
        own = (parity - before) % 2
        shift = (own + before - parity) // 2 - lead
        start, first = min(max(0, shift), places), max(0, -shift)
        count = max(0, min((size - own + 1) // 2 - first, places - start))
        return _Span(own, slice(first, first + count), start, start + count)


@dataclass(frozen=True)
class _Span:
    """Every other line of an image, and where it lies."""

    parity: int
    seen: slice
    start: int
    stop: int


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
        lines = []
        for part in range(parts - 1 if point == POINTS - 1 else 0, parts):
            line = np.zeros(taps)
            own = line[2 * part : 2 * part + (3 if part == parts - 1 else 2)]
            own[:] = weights[: len(own)]
            lines.append(line)
        found.append(lines)
    return found


def _transform(even: Array, odd: Array, out: Array, axis: int) -> Iterator[UnitCall]:
    """Write Bᵀ d for lines d of an axis, of which there are even and odd ones, to `out`, by products."""
    count = out.shape[axis + 1]
    before = (slice(None),) * axis
    zeroth, first, second, third = (
        lines[(*before, slice(start, start + count))] for start in (0, 1) for lines in (even, odd)
    )
    yield np.subtract, (zeroth, second, out[0]), None
    yield np.add, (first, second, out[1]), None
    yield np.subtract, (second, first, out[2]), None
    yield np.subtract, (third, first, out[3]), None


def quarter(array: Array, phases: Pair, down: int, right: int) -> Array:
    """Return every other row and column of images, which may lie together."""
    if phases == (1, 1):
        return array[:, down::2, right::2]
    images, _, *place = array.shape
    return array.reshape(images, 2, 2, *place)[:, down, right]


def size_of(unit: Unit) -> Pair:
    """Return how many images a unit has, and rows of tiles of each."""
    first, stop, top, bottom = unit
    return stop - first, (bottom - top + 1) // 2


def clear(*parts: Array) -> Iterator[UnitCall]:
    """Write zeros."""
    for part in parts:
        if part.size:
            yield part.fill, (0.0,), None
