"""Convolutions as products of transformed tiles and transformed kernels (`specnet.graph.winograd`).

Of 4 x 4 pixels d and 3 x 3 taps w, 2 x 2 places of the output are Aᵀ((G w Gᵀ) * (Bᵀ d B))A, where * multiplies number
by number: 16 matrix products over all tiles. Images are laid out with even and odd rows and columns apart, so that the
sums of a transform are over long stretches of memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any

import numpy as np

from specnet.engines.numpy.calls import Call, perform
from specnet.engines.numpy.halves import EveryOther, halves, lines, part
from specnet.engines.numpy.scratch import ScratchPool
from specnet.engines.numpy.strips import lumps
from specnet.engines.numpy.winograd_tiles import UnitCall, WinogradTiles, coefficients
from specnet.graph.geometry import Geometry, Pair, Unit
from specnet.graph.winograd import Winograd

Array = np.ndarray[Any, Any]


def pays(sizes: Winograd | None, images: Array) -> bool:
    """Return whether the output of a convolution of some images is computed in this way."""
    return sizes is not None and sizes.worth and sizes.enough(len(images))


def pays_back(sizes: Winograd | None, images: Array) -> bool:
    """Return whether what flows back to its kernel is."""
    return sizes is not None and sizes.worth_back and sizes.enough(len(images))


def convolve(
    x: Array, w: Array, b: Array | None, scratch: Array, how: Geometry, out: Array
) -> Iterator[Call]:
    """Write the convolution of images x with a kernel w, plus a bias b, into `out`."""
    yield from _multiply(x, (1, 1), w, b, ScratchPool(scratch), how, out)


def convolve_input(g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write what flows back to the images, for g that flows back to the output, into `out`."""
    assert how.flipped is not None
    pool = ScratchPool(scratch)
    kernel = pool.take((*how.kernel, how.filters, how.channels))
    yield np.copyto, (kernel, w[::-1, ::-1].swapaxes(2, 3))
    yield from _multiply(g, how.phases, kernel, None, pool, how.flipped, out)


def convolve_kernel(
    x: Array, g: Array, scratch: Array, more: Array, how: Geometry, overwrite: bool, out: Array
) -> Iterator[Call]:
    """Add what flows back to the kernel to `out`, or `overwrite` it, for images x and g that flows back to y."""
    pool = ScratchPool(scratch)
    tiles = WinogradTiles(len(x), (1, 1), pool, how)
    total, part = (pool.take(tiles.sizes.transformed) for _ in range(2))

    def calls(unit: Unit) -> Iterator[UnitCall]:
        yield from tiles.lay(x, unit)
        slopes = tiles.made(unit)
        yield from _spread(g, slopes, unit, how)
        for share in tiles.shares:
            seen = yield from tiles.seen(unit, share)
            yield np.matmul, (seen.swapaxes(-1, -2), share.product(slopes), share.kernel(part)), None
        yield np.add, (total, part, total), None

    yield from tiles.start()
    yield total.fill, (0.0,)
    yield perform, (_Units(how.units(0, len(x), tiles.unit), calls),)
    matrix = coefficients(how.kernel, out.dtype.name).T
    own = out if overwrite else more.reshape(-1)[: out.size].reshape(out.shape)
    yield np.dot, (matrix, total.reshape(len(total), -1), own.reshape(how.taps, -1))
    if not overwrite:
        yield np.add, (out, own, out)


def _multiply(
    x: Array, phases: Pair, w: Array, b: Array | None, pool: ScratchPool, how: Geometry, out: Array
) -> Iterator[Call]:
    """Write the convolution of images, which lie phase by phase."""
    tiles = WinogradTiles(len(x), phases, pool, how)
    kernels = pool.take(tiles.sizes.transformed)
    row = pool.take((tiles.sizes.grid[1], how.filters))

    def calls(unit: Unit) -> Iterator[UnitCall]:
        yield from tiles.lay(x, unit)
        sums = tiles.made(unit)
        for share in tiles.shares:
            seen = yield from tiles.seen(unit, share)
            yield np.matmul, (seen, share.kernel(kernels), share.product(sums)), None
        if b is not None:
            # This product has a share of 1 in all four places.
            yield np.add, (sums[1, 1], row, sums[1, 1]), None
        yield from _gather(sums, out, unit, how)

    matrix = coefficients(how.kernel, w.dtype.name)
    yield np.dot, (matrix, w.reshape(how.taps, -1), kernels.reshape(len(kernels), -1))
    if b is not None:
        yield np.copyto, (row, b)
    yield from tiles.start()
    yield perform, (_Units(how.units(0, len(x), tiles.unit), calls),)


class _Units:
    """The calls of one unit after another, of which those of the same size share their views."""

    def __init__(self, units: Iterable[Unit], make: Callable[[Unit], Iterable[UnitCall]]) -> None:
        made: dict[Unit, list[UnitCall]] = {}
        self._units: list[tuple[int, int, list[UnitCall]]] = []
        for unit in units:
            first, stop, top, bottom = unit
            same = 0, stop - first, top, bottom
            if same not in made:
                made[same] = list(make(same))
            self._units.append((first, stop, made[same]))

    def __iter__(self) -> Iterator[Call]:
        for first, stop, calls in self._units:
            for function, arguments, images in calls:
                yield function, arguments if images is None else (*arguments, images[first:stop])


def _gather(sums: Array, out: Array, unit: Unit, how: Geometry) -> Iterator[UnitCall]:
    """Write Aᵀ m A for the products m of some tiles to the output; m is not kept."""
    ends = sums[::3]
    yield np.add, (ends, sums[1], ends), None
    yield np.add, (sums[0], sums[2], sums[0]), None
    yield np.subtract, (sums[3], sums[2], sums[3]), None
    yield np.add, (ends[:, ::3], ends[:, 1:2], ends[:, ::3]), None
    by_image = ends.transpose(2, 0, 1, 3, 4, 5)
    there = halves(out, how.phases)
    _, _, top, bottom = unit
    for rows in lines(0, bottom - top):
        for right, add in enumerate((np.add, np.subtract)):
            columns = EveryOther(right, (how.out[1] + 1 - right) // 2)
            own = by_image[:, : rows.parities, :, rows.places, columns.places]
            own = own.swapaxes(1, 2)[:, :, :, None]
            yield add, (own[:, 3 * right], own[:, 2]), part(there, rows.moved(top), columns)


def _spread(g: Array, slopes: Array, unit: Unit, how: Geometry) -> Iterator[UnitCall]:
    """Write A g Aᵀ, for what flows back to the output of some tiles."""
    ends = slopes[::3]
    own, seen = ends[:, ::3].transpose(2, 0, 1, 3, 4, 5), halves(g, how.phases)
    _, _, top, bottom = unit
    for outside in (own[:, 1, :, (bottom - top) // 2 :], own[:, :, 1, :, how.out[1] // 2 :]):
        if outside.size:
            yield outside.fill, (0.0,), None
    for rows, columns in product(lines(0, bottom - top), lines(0, how.out[1])):
        yield np.copyto, (lumps(part(own, rows, columns)),), lumps(part(seen, rows.moved(top), columns))
    yield np.add, (ends[:, 0], ends[:, 3], ends[:, 1]), None
    yield np.subtract, (ends[:, 0], ends[:, 3], ends[:, 2]), None
    yield np.add, (slopes[0], slopes[3], slopes[1]), None
    yield np.subtract, (slopes[0], slopes[3], slopes[2]), None
