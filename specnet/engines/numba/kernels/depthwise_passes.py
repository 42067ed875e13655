"""How a depthwise convolution is divided into passes over rows, whose taps see neighbouring places.

Strides and dilation divide an axis: of the places that a tap sees, and of those that are written, one in every few
belongs to a pass. What flows back to images is the same with the taps in reverse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import lcm

from specnet.engines.numba.row_code import MOST_TAPS
from specnet.graph.geometry import Geometry

BAND = 128 * 1024
"""Bytes of an image that passes go over before they do the same for the next channels."""


@dataclass(frozen=True)
class Progression:
    """Places of an axis, each one so far `apart` from the one before, and what some taps see from them."""

    first: int
    apart: int
    count: int
    sees: int
    """The place that the first tap sees from the first place; there may be none."""
    per_place: int
    """How much further it sees from the next place."""
    per_tap: int
    """How much further the next tap sees."""
    tap: int
    tap_step: int
    taps: int

    def pieces(self) -> Iterator[Progression]:
        """Divide the taps such that there is a function for each part."""
        parts = -(-self.taps // MOST_TAPS)
        for part in range(parts):
            start, stop = (self.taps * number // parts for number in (part, part + 1))
            yield replace(
                self,
                sees=self.sees + start * self.per_tap,
                tap=self.tap + start * self.tap_step,
                taps=stop - start,
            )


@dataclass(frozen=True)
class PassRows:
    """Rows from which the same taps see rows that there are."""

    at: int
    count: int
    apart: int
    sees: int
    per_row: int
    per_tap: int
    tap: int
    tap_step: int
    taps: int


@dataclass(frozen=True)
class PassColumns:
    """Places along a row, and which places are seen from them."""

    at: int
    places: int
    apart: int
    sees: int
    """The first place that is seen."""
    step: int
    """How far the next one is from it."""
    seen: int
    """How many are seen."""
    lead: int
    """From which place the first tap sees the first one."""
    tap: int
    tap_step: int
    taps: int

    @property
    def complete(self) -> bool:
        """Whether something is seen from each place."""
        return self.lead < self.taps and self.lead + self.seen >= self.places


@dataclass(frozen=True)
class RowPass:
    """Rows and columns of what a pass does."""

    rows: PassRows
    columns: PassColumns


def passes_over_output(how: Geometry) -> list[RowPass]:
    """Return the passes in which each place of the output sees some of an image."""
    rows, columns = (
        list(_forward(how.out[axis], *_of_axis(how, axis), together=axis == 1)) for axis in (0, 1)
    )
    return _passes(rows, columns, how.size, _band(how))


def passes_over_images(how: Geometry) -> list[RowPass]:
    """Return the passes in which each place of an image gets something from places of the output."""
    rows, columns = (
        list(_backward(how.size[axis], *_of_axis(how, axis), together=axis == 1)) for axis in (0, 1)
    )
    return _passes(rows, columns, how.out, _band(how))


def _of_axis(how: Geometry, axis: int) -> tuple[int, int, int, int]:
    return how.kernel[axis], how.strides[axis], how.dilation[axis], how.padding[axis][0]


def _band(how: Geometry) -> int:
    """Return the rows of a band."""
    return max(1, BAND // (max(how.size[1], how.out[1]) * how.channels * how.item))


def _forward(
    places: int, kernel: int, stride: int, dilation: int, before: int, *, together: bool
) -> Iterator[Progression]:
    """Divide an axis of the output; if the places are `together`, the next one sees what this one's next tap sees."""
    common = lcm(stride, dilation)
    apart, step = (common // stride, common // dilation) if together else (1, 1)
    for first, tap in product(range(min(apart, places)), range(min(step, kernel))):
        count, taps = len(range(first, places, apart)), len(range(tap, kernel, step))
        sees = first * stride + tap * dilation - before
        yield Progression(first, apart, count, sees, apart * stride, step * dilation, tap, step, taps)


def _backward(
    size: int, kernel: int, stride: int, dilation: int, before: int, *, together: bool
) -> Iterator[Progression]:
    """Divide an axis of the images."""
    common = lcm(stride, dilation)
    apart, step = common if together else stride, common // dilation
    for first, tap in product(range(min(apart, size)), range(kernel - 1, max(-1, kernel - 1 - step), -1)):
        sees, between = divmod(first + before - tap * dilation, stride)
        if between == 0:
            count, taps = len(range(first, size, apart)), tap // step + 1
            yield Progression(first, apart, count, sees, apart // stride, common // stride, tap, -step, taps)


def _passes(
    rows: list[Progression], columns: list[Progression], seen: tuple[int, int], band: int
) -> list[RowPass]:
    """Return the passes for two axes, band by band."""
    across = [found for one in columns for piece in one.pieces() if (found := _columns(piece, seen[1]))]
    down = [found for one in rows for piece in one.pieces() for found in _rows(piece, seen[0], band)]
    down.sort(key=lambda found: found.at // band)
    return [RowPass(*both) for both in product(down, across)]


def _rows(axis: Progression, size: int, band: int) -> Iterator[PassRows]:
    """Go through rows that lie in the same band and from which the same taps see rows."""
    begin, before = 0, None
    for number in range(axis.count + 1):
        sees = axis.sees + number * axis.per_place
        taps = max(0, -(sees // axis.per_tap)), min(axis.taps, -((sees - size) // axis.per_tap))
        here = (*taps, (axis.first + number * axis.apart) // band) if number < axis.count else None
        if here == before:
            continue
        if before is not None and before[0] < before[1]:
            start, stop, _ = before
            yield PassRows(
                axis.first + begin * axis.apart,
                number - begin,
                axis.apart,
                axis.sees + begin * axis.per_place + start * axis.per_tap,
                axis.per_place,
                axis.per_tap,
                axis.tap + start * axis.tap_step,
                axis.tap_step,
                stop - start,
            )
        begin, before = number, here


def _columns(axis: Progression, size: int) -> PassColumns | None:
    """Return the places along a row, or None if nothing is seen from any."""
    step = axis.per_place
    lead = max(0, -(axis.sees // step))
    seen = min(-((axis.sees - size) // step), axis.count + axis.taps - 1) - lead
    if seen <= 0:
        return None
    return PassColumns(
        axis.first,
        axis.count,
        axis.apart,
        axis.sees + lead * step,
        step,
        seen,
        lead,
        axis.tap,
        axis.tap_step,
        axis.taps,
    )
