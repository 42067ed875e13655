from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specnet.data.collector import Collector

    Index = slice | NDArray[np.intp]
    Chosen = NDArray[np.intp] | None
    """Positions of rows; None for all."""

BLOCK = 1 << 16
"""About how many elements are worked on at once: half a megabyte of float64, which stays in cache."""


class Rows(Protocol):
    """Raw inputs, of which any rows can be taken without holding the others as numbers."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        ...

    def __len__(self) -> int: ...

    def fit(self, rows: Index, collector: Collector) -> None:
        """Learn from the training rows what taking any rows needs, such as the means for missing cells."""
        ...

    def take(self, rows: Index) -> NDArray[Any]:
        """Return the chosen rows (rows, ...) as numbers."""
        ...


@runtime_checkable
class ColumnRows(Rows, Protocol):
    """Rows that are held column by column."""

    def take_columns(self, rows: Index, elements: Sequence[int]) -> NDArray[Any]:
        """Return some elements, in their order, of what `take` returns, each of all rows in one piece."""
        ...

    def put(self, rows: Index, out: NDArray[np.float64]) -> None:
        """Write what `take` returns into `out` (rows, ...)."""
        ...

    def elements(self, rows: Index) -> Iterator[NDArray[Any]]:
        """Yield each element of the chosen rows (rows,), of any type of numbers or booleans, to be read only."""
        ...


@runtime_checkable
class StoredRows(Rows, Protocol):
    """Rows that stay in their file: read when they are asked for, and not held."""

    window: int
    """0 where any row can be read at any time; else how many rows are held back for a shuffle, see `Lazy.window`."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements as they are read."""
        ...

    def begin(self, *, shuffled: bool = False) -> None:
        """Begin with the first row again; raise RunError if the file is no longer what it was.

        With `shuffled`, each row will be read once, in an order that keeps to the window.
        """
        ...

    def expect(self, parts: Iterable[NDArray[np.intp]]) -> None:
        """Learn the places of the rows that will be read or taken next, in order, and forget what was expected before.

        Parts are asked for when they are needed, some time ahead of their rows. Nothing is read wrongly if other rows
        are read than were expected, but later.
        """
        ...

    def read(self, places: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Put the rows at these places into `out` (places, ...), which is contiguous and of the rows' dtype."""
        ...

    def apart(self, chosen: Chosen) -> StoredRows:
        """Return the same rows, with a position of their own where they come in order.

        `chosen` are those that will be read; None for all.
        """
        ...

    def skip(self, places: NDArray[np.intp]) -> None:
        """Go on as if the rows at these places had been read."""
        ...


class FromFile:
    """Base of rows that lie in files."""

    def take(self: StoredRows, rows: Index) -> NDArray[Any]:
        """Return the chosen rows, in memory of their own."""
        import numpy as np

        places = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else rows
        out = np.empty((len(places), *self.shape), self.dtype)
        self.read(places, out)
        return out

    def expect(self, parts: Iterable[NDArray[np.intp]]) -> None:
        """Do nothing: rows are read when they are asked for."""


class AnyOrder(FromFile):
    """Base of rows without gaps that lie in files, of which any can be read at any time."""

    window = 0

    def fit(self, rows: Index, collector: Collector) -> None:
        """Do nothing: there are no gaps."""

    def apart(self, chosen: Chosen) -> Self:
        """Return the rows themselves: nothing is held between two readings."""
        return self

    def skip(self, places: NDArray[np.intp]) -> None:
        """Do nothing: each reading names its places."""


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

    def fit(self, rows: Index, collector: Collector) -> None:
        """Do nothing: an array has no gaps."""

    def take(self, rows: Index) -> NDArray[Any]:
        """Return the chosen rows; a view for a slice."""
        chosen: NDArray[Any] = self.array[rows]
        return chosen


class ChosenRows:
    """Some rows of others, by their positions among these; all of them where none are chosen."""

    def __init__(self, rows: Rows, chosen: Chosen = None) -> None:
        self.rows, self.chosen = rows, chosen

    def take(self, places: NDArray[np.intp]) -> NDArray[Any]:
        """Return the rows at these positions among the chosen ones, as numbers."""
        return self.rows.take(places if self.chosen is None else self.chosen[places])


class TargetRows(ArrayRows):
    """Targets (rows, ...), of which a plain number stays a plain number."""

    def __init__(self, array: NDArray[Any]) -> None:
        super().__init__(array)
        self.array = array


def rows_at_once(shape: tuple[int, ...]) -> int:
    """Return how many rows of examples of a shape are worked on at once."""
    return max(1, BLOCK // max(1, prod(shape)))


def number_of(rows: Rows, chosen: Chosen) -> int:
    """Return how many rows are chosen; None for all."""
    return len(rows) if chosen is None else len(chosen)


def blocks(rows: Rows, chosen: Chosen, at_once: int | None = None) -> Iterator[tuple[slice, Index]]:
    """Yield, for runs of the chosen rows, their places in the result and in the data: by default a `BLOCK` each."""
    count, step = number_of(rows, chosen), at_once or rows_at_once(rows.shape)
    for start in range(0, count, step):
        place = slice(start, min(count, start + step))
        yield place, place if chosen is None else chosen[place]


def places_of(rows: Index) -> NDArray[np.intp]:
    """Return the places that an index which `blocks` yields chooses."""
    import numpy as np

    return np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows


def row_at(rows: Index, place: int) -> int:
    """Return which row of the data stands at a place of a block, which an index chose."""
    return rows.start + place if isinstance(rows, slice) else int(rows[place])
