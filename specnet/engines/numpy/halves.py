"""Views of images of which even and odd rows, and columns, are gone through apart: both by one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from specnet.graph.geometry import Pair

Array = np.ndarray[Any, Any]


class EveryOther(NamedTuple):
    """Lines of an axis: every other one from the first on, or from each of the first two on."""

    first: int
    size: int
    """How many there are, of each parity."""
    parities: int = 1

    def moved(self, lines: int) -> EveryOther:
        """Return those that lie so many lines behind."""
        return self._replace(first=self.first + lines)

    @property
    def places(self) -> slice:
        """Which pairs of lines they are of."""
        return slice(self.first // 2, self.first // 2 + self.size)


def lines(first: int, stop: int) -> Iterator[EveryOther]:
    """Go through the lines from one to another: pairs of them, and one that is left."""
    pairs, left = divmod(stop - first, 2)
    if pairs > 0:
        yield EveryOther(first, pairs, 2)
    if left and stop > first:
        yield EveryOther(stop - 1, 1)


def halves(images: Array, phases: Pair) -> Array:
    """Return (images, rows, columns, channels) as (images, 2, 2, rows / 2, columns / 2, channels), a view.

    With phases (2, 2), they lie so already. Where there is an odd number of rows or columns, the last place is none.
    """
    if phases != (1, 1):
        return images.reshape(len(images), 2, 2, *images.shape[2:])
    count, height, width, channels = images.shape
    image, row, column, item = images.strides
    shape = (count, 2, 2, (height + 1) // 2, (width + 1) // 2, channels)
    return strided(images, shape, (image, row, column, 2 * row, 2 * column, item))


def part(halved: Array, rows: EveryOther, columns: EveryOther) -> Array:
    """Return some rows and columns of images: (images, parities, parities, rows, columns, channels), a view."""
    image, down, right, row, column, item = halved.strides
    begin = halved[:, rows.first % 2, columns.first % 2, rows.first // 2, columns.first // 2]
    shape = (len(halved), rows.parities, columns.parities, rows.size, columns.size, halved.shape[-1])
    # An odd line and the even one behind it are a pair, too.
    down, right = (row - down if rows.first % 2 else down), (column - right if columns.first % 2 else right)
    return strided(begin, shape, (image, down, right, row, column, item))


def strided(array: Array, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """Return a view that begins where an array does; nothing checks that its elements are the array's."""
    return np.lib.stride_tricks.as_strided(array, shape, strides)
