from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specnet.data.faults import Faults

    Index = slice | NDArray[np.intp]

BLOCK = 1 << 16
"""About how many elements are worked on at once: half a megabyte of float64, which stays in cache."""


class Rows(Protocol):
    """Raw inputs, of which any rows can be taken without holding the others as numbers."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        ...

    def __len__(self) -> int: ...

    def fit(self, rows: Index, faults: Faults) -> None:
        """Learn from the training rows what taking any rows needs, such as the means for missing cells."""
        ...

    def take(self, rows: Index) -> NDArray[Any]:
        """Return the chosen rows (rows, ...) as numbers."""
        ...


class ArrayRows:
    """Rows of an array (rows, ...) of any real type."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array if array.ndim > 1 else array.reshape(-1, 1)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example; a plain number counts as (1,)."""
        return self.array.shape[1:]

    def __len__(self) -> int:
        return len(self.array)

    def fit(self, rows: Index, faults: Faults) -> None:
        """Do nothing: an array has no gaps."""

    def take(self, rows: Index) -> NDArray[Any]:
        """Return the chosen rows; a view for a slice."""
        chosen: NDArray[Any] = self.array[rows]
        return chosen


class TargetRows(ArrayRows):
    """Targets (rows, ...), of which a plain number stays a plain number."""

    def __init__(self, array: NDArray[Any]) -> None:
        super().__init__(array)
        self.array = array


def blocks(
    count: int, shape: tuple[int, ...], index: NDArray[np.intp] | None
) -> Iterator[tuple[slice, Index]]:
    """Yield, for stretches of the `count` chosen rows, their places in the result and in the data."""
    step = max(1, BLOCK // max(1, prod(shape)))
    for start in range(0, count, step):
        place = slice(start, min(count, start + step))
        yield place, place if index is None else index[place]
