"""Convolutions whose channels are groups of their own: by passes over rows, which read each number a few times.

Where a channel has several filters, it is repeated for each of them first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from specnet.engines.numba import row_code as r
from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.kernels import depthwise_loops as t
from specnet.engines.numba.kernels.depthwise_passes import RowPass, passes_over_images, passes_over_output
from specnet.engines.numba.rows import pass_code
from specnet.engines.numpy.calls import Call
from specnet.graph.geometry import Geometry, Pair

Array = np.ndarray[Any, Any]

CACHE_LINE = 64
"""Bytes that memory hands out together."""


def convolve(
    x: Array, w: Array, b: Array | None, scratch: Array, how: Geometry, out: Array
) -> Iterator[Call]:
    """Write the convolution of images x with a kernel w, plus a bias b, into `out`."""
    if how.made > 1:
        for part, wide in _widened(x, scratch, how):
            yield from _repeated(x[part], wide)
            yield from convolve(wide, w, b, scratch, _alone(how), out[part])
        return
    start = np.zeros(how.filters, w.dtype) if b is None else b
    passes, sizes = passes_over_output(how), (how.size, how.out)
    begins = _begins(passes, how.out)
    if begins is None:
        yield np.copyto, (out, start)
        begins = [False] * len(passes)
    yield _BoundPasses(how, passes, sizes, begins, x, w, out, start), ()


def convolve_input(g: Array, w: Array, scratch: Array, how: Geometry, out: Array) -> Iterator[Call]:
    """Write what flows back to the images into `out`."""
    if how.made > 1:
        for part, wide in _widened(out, scratch, how):
            yield from convolve_input(g[part], w, scratch, _alone(how), wide)
            first, second, *others = np.moveaxis(wide.reshape(*out[part].shape, how.made), -1, 0)
            yield np.add, (first, second, out[part])
            for more in others:
                yield np.add, (out[part], more, out[part])
        return
    passes, sizes = passes_over_images(how), (how.out, how.size)
    begins = _begins(passes, how.size)
    if begins is None:
        yield out.fill, (0.0,)
        begins = [False] * len(passes)
    yield _BoundPasses(how, passes, sizes, begins, g, w, out, np.zeros(how.filters, w.dtype)), ()


def convolve_kernel(
    x: Array, g: Array, scratch: Array, how: Geometry, overwrite: bool, out: Array
) -> Iterator[Call]:
    """Add what flows back to the kernel to `out`, or `overwrite` it."""
    if overwrite:
        yield out.fill, (0.0,)
    if how.made > 1:
        for part, wide in _widened(x, scratch, how):
            yield from _repeated(x[part], wide)
            yield from convolve_kernel(wide, g[part], scratch, _alone(how), False, out)
        return
    yield _BoundPasses(how, passes_over_output(how), (how.size, how.out), None, x, out, g, out), ()


def _alone(how: Geometry) -> Geometry:
    """Return a convolution with several filters for each channel as one of as many channels."""
    return replace(how, channels=how.filters, groups=how.filters)


def _widened(images: Array, scratch: Array, how: Geometry) -> Iterator[tuple[slice, Array]]:
    """Go through some images at a time, with scratch memory for them with a channel for each filter."""
    numbers = prod(how.size) * how.filters
    most = max(1, len(scratch) // numbers)
    for first in range(0, len(images), most):
        part = slice(first, min(first + most, len(images)))
        count = part.stop - first
        yield part, scratch[: count * numbers].reshape(count, *how.size, how.filters)


def _repeated(x: Array, wide: Array) -> Iterator[Call]:
    """Repeat each channel as often as it has filters."""
    each = wide.reshape(*x.shape, -1)
    for number in range(each.shape[-1]):
        yield np.copyto, (each[..., number], x)


def _begins(passes: list[RowPass], places: Pair) -> list[bool] | None:
    """Return which passes are the first for their places; None where some places have none, or partly a first one."""
    begun, found = np.zeros(places, np.bool_), []
    for each in passes:
        rows, columns = each.rows, each.columns
        here = begun[rows.at :: rows.apart][: rows.count, columns.at :: columns.apart]
        found.append(not here.any())
        if found[-1] != (not here.all()) or (found[-1] and not columns.complete):
            return None
        here[...] = True
    return found if begun.all() else None


class _BoundPasses:
    """The compiled function with a table, and the arrays whose addresses this has.

    `sizes` are height and width of what is read and of what lies where sums are, or, without `begins`, of what the
    kernel is multiplied with.
    """

    def __init__(
        self,
        how: Geometry,
        passes: list[RowPass],
        sizes: tuple[Pair, Pair],
        begins: list[bool] | None,
        x: Array,
        w: Array,
        y: Array,
        start: Array,
    ) -> None:
        pixel = how.channels * how.item
        lines = sizes[0][1] * pixel, sizes[1][1] * pixel
        table = np.zeros(t.HEADER + len(passes) * t.ENTRY, np.int64)
        header = {t.IMAGES: len(x), t.CHANNELS: pixel, t.PASSES: len(passes), t.W: address_of(w)}
        header |= {t.X: address_of(x), t.X_IMAGE: sizes[0][0] * lines[0], t.START: address_of(start)}
        header |= {t.Y: address_of(y), t.Y_IMAGE: sizes[1][0] * lines[1]}
        table[list(header)] = list(header.values())
        entries = table[t.HEADER :].reshape(-1, t.ENTRY)
        for number, each in enumerate(passes):
            continues = begins is not None and not begins[number]
            entry = _entry(each, lines, (how.kernel[1] * pixel, pixel), continues=continues)
            entry[t.CODE] = pass_code((each.rows.taps, each.columns.taps), correlates=begins is None)
            entries[number, list(entry)] = list(entry.values())
        self._address, self._like = address_of(table), x.dtype.type(0)
        self._kept = table, x, w, y, start

    def __call__(self) -> None:
        t.compute(self._address, self._like)


def _entry(each: RowPass, lines: Pair, kernel: Pair, *, continues: bool) -> dict[int, int]:
    """Return a pass as the table has it; `lines` are the bytes of a row of x and y, `kernel` those of its steps."""
    rows, columns = each.rows, each.columns
    (x_line, y_line), (w_line, pixel) = lines, kernel
    # Other channels of a row are to be read before the next row, while what lies next to each other is in cache.
    together = pixel <= CACHE_LINE
    passed = {
        r.STRIPS: 1 if together else rows.count,
        r.ROWS: rows.count if together else 1,
        r.COUNT: columns.seen,
        r.PLACES: columns.places,
        r.LEAD: columns.lead,
        r.X_ROW: rows.per_row * x_line,
        r.X_LINE: rows.per_tap * x_line,
        r.X_COLUMN: columns.step * pixel,
        r.Y_ROW: rows.apart * y_line,
        r.Y_COLUMN: columns.apart * pixel,
        r.W_LINE: rows.tap_step * w_line,
        r.W_COLUMN: columns.tap_step * pixel,
    }
    if continues:
        passed |= {r.START_ROW: passed[r.Y_ROW], r.START_COLUMN: passed[r.Y_COLUMN]}
    return {
        t.X_AT: rows.sees * x_line + columns.sees * pixel,
        t.Y_AT: rows.at * y_line + columns.at * pixel,
        t.W_AT: rows.tap * w_line + columns.tap * pixel,
        t.CONTINUES: continues,
    } | {t.TABLE + place: number for place, number in passed.items()}
