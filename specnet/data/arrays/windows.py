"""Rows that are parts of one long array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.rows import AnyOrder

if TYPE_CHECKING:
    from numpy.typing import NDArray


class WindowRows(AnyOrder):
    """Rows that may overlap: row i is array[starts[i] : starts[i] + length] of an array (steps, ...).

    They are copied only as they are read. The array may be memory-mapped, and `starts` may be a range, which takes no
    memory.
    """

    def __init__(self, array: NDArray[Any], length: int, starts: NDArray[np.intp] | range) -> None:
        self.array, self.length, self.starts = array, length, starts
        self._steps = np.empty((0, length), np.intp)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one window: (length, ...)."""
        return (self.length, *self.array.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the array's elements."""
        return self.array.dtype

    def __len__(self) -> int:
        return len(self.starts)

    def begin(self, *, shuffled: bool = False) -> None:
        """Do nothing: the array stays what it is."""

    def apart(self, chosen: NDArray[np.intp] | None) -> WindowRows:
        """Return the same rows with scratch memory of their own."""
        return WindowRows(self.array, self.length, self.starts)

    def read(self, places: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Put the windows at these places into `out` (places, length, ...)."""
        rows = len(places)
        if len(self._steps) < rows:
            self._steps = np.empty((rows, self.length), np.intp)
        steps = self._steps[:rows]
        first = steps[:, 0]
        if isinstance(self.starts, range):
            np.multiply(places, self.starts.step, out=first)
            first += self.starts.start
        else:
            np.take(self.starts, places, 0, first, "clip")
        steps[:, 1:] = 1
        np.cumsum(steps, axis=1, out=steps)
        np.take(self.array, steps, 0, out, "clip")
