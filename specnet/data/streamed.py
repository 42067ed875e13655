"""Rows that stay in their files until a batch asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from specnet.data.inputs import Encoded, plain, put_back
from specnet.data.lowered import ROWS
from specnet.data.pipeline import Pipeline
from specnet.data.rows import number_of, rows_at_once
from specnet.data.signature import ONLY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.rows import StoredRows
    from specnet.data.signature import InputArray
    from specnet.engines.pool import Workspace


class Streamed(Protocol):
    """The inputs or targets of a split, of which any rows can be had as the model takes them, but are not held."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, ...)."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """The document's dtype, or int64 for class indices."""
        ...

    @property
    def window(self) -> int:
        """How many rows a shuffle may hold back: 0 where any row can be read at any time.

        Otherwise rows come in the order of their file, and an order that is drawn for them must put none further
        ahead than so many places.
        """
        ...

    def __len__(self) -> int: ...

    def begin(self, *, shuffled: bool = False) -> None:
        """Begin an epoch; raise RunError if the files are no longer what they were.

        With `shuffled`, each row is fetched once at most until the next epoch, in an order that keeps to the window.
        """
        ...

    def expect(self, parts: Iterable[NDArray[np.intp]]) -> None:
        """Learn the places of the rows that will be fetched next, in order, batch by batch; see `StoredRows.expect`."""
        ...

    def skip(self, places: NDArray[np.intp]) -> None:
        """Go on as if the rows at these places had been fetched, after `begin`."""
        ...

    def fetch(self, places: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Put the rows at these places, after the fitted transforms, into `out` (places, ...)."""
        ...

    def apart(self) -> Streamed:
        """Return the same rows with scratch memory, and where they come in order a position, of their own."""
        ...


ArrayOrStreamed = np.ndarray[Any, Any] | Streamed
"""The rows of a split: in an array, or in their file."""

Inputs = ArrayOrStreamed | Mapping[str, ArrayOrStreamed]
"""The inputs of a split: an array, or several by their names."""


class StreamedRows:
    """Rows of files and the pipeline that they go through, in scratch memory that is allocated once."""

    def __init__(
        self, rows: StoredRows, chosen: NDArray[np.intp] | None, pipeline: Pipeline, array: InputArray
    ) -> None:
        self._rows, self._chosen, self._pipeline = rows, chosen, pipeline
        self._array, self.dtype = array, np.dtype(array.dtype)
        self.shape = (number_of(rows, chosen), *array.shape)
        self.window = rows.window
        # Half of them lie in memory before the transforms, and half after.
        self._step = max(1, rows_at_once(rows.shape) // (2 if pipeline.transforms else 1))
        self._raw: NDArray[Any] | None = None
        self._runner = pipeline.runner(rows.shape) if pipeline.transforms else None
        self._space: Workspace | None = None
        self._source = np.empty(0, np.intp)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out the scratch memory, and what runs the pipeline: both follow from the rest."""
        return StreamedRows, (self._rows, self._chosen, self._pipeline, self._array)

    def __len__(self) -> int:
        return self.shape[0]

    def begin(self, *, shuffled: bool = False) -> None:
        """Begin an epoch; raise RunError if the files are no longer what they were."""
        self._rows.begin(shuffled=shuffled)

    def expect(self, parts: Iterable[NDArray[np.intp]]) -> None:
        """Learn the places of the rows that will be fetched next."""
        chosen = self._chosen
        self._rows.expect(parts if chosen is None else (chosen[part] for part in parts))

    def skip(self, places: NDArray[np.intp]) -> None:
        """Go on as if the rows at these places had been fetched, after `begin`."""
        for start in range(0, len(places), self._step):
            self._rows.skip(self._sources(places[start : start + self._step]))

    def apart(self) -> StreamedRows:
        """Return the same rows with scratch memory of their own."""
        return StreamedRows(self._rows.apart(self._chosen), self._chosen, self._pipeline, self._array)

    def fetch(self, places: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Put the rows at these places, after the fitted transforms, into `out` (places, ...)."""
        direct = not self._pipeline.transforms and out.dtype == self._rows.dtype and out.flags.c_contiguous
        for start in range(0, len(places), self._step):
            part = places[start : start + self._step]
            into = out[start : start + self._step]
            source = self._sources(part)
            if direct:
                self._rows.read(source, into.reshape(len(into), *self._rows.shape))
                continue
            if self._runner is not None and self._space is None:
                self._space = self._runner.pool.workspace(self._step)
            raw = self._scratch(len(part))
            self._rows.read(source, raw)
            with np.errstate(all="ignore"):
                if self._space is None or self._runner is None:
                    np.copyto(into.reshape(raw.shape), raw, casting="unsafe")
                else:
                    made = self._runner.run(self._space, raw)
                    np.copyto(into.reshape(made.shape), made, casting="unsafe")

    def _sources(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        if self._chosen is None:
            return places
        if not len(self._source):
            self._source = np.empty(self._step, np.intp)
        source = self._source[: len(places)]
        np.take(self._chosen, places, 0, source, "clip")
        return source

    def _scratch(self, rows: int) -> NDArray[Any]:
        """Return memory for so many rows as stored: the workspace's where they are stored as float64."""
        dtype = self._rows.dtype
        if self._space is not None and dtype == np.float64 and dtype.isnative:
            return self._space.of(rows).inputs[ROWS]
        if self._raw is None:
            self._raw = np.empty((self._step, *self._rows.shape), dtype)
        return self._raw[:rows]


def fetch(held: ArrayOrStreamed, places: NDArray[np.intp], out: NDArray[Any]) -> None:
    """Put the rows at these places into `out`, without an array being allocated."""
    if isinstance(held, np.ndarray):
        np.take(held, places, 0, out, "clip")
    else:
        held.fetch(places, out)


def taken(held: ArrayOrStreamed, places: NDArray[np.intp]) -> NDArray[Any]:
    """Return the rows at some places as an array of their own."""
    if isinstance(held, np.ndarray):
        rows: NDArray[Any] = held[places]
        return rows
    out = np.empty((len(places), *held.shape[1:]), held.dtype)
    held.fetch(places, out)
    return out


def whole(held: ArrayOrStreamed) -> NDArray[Any]:
    """Return all rows: the array itself, or one that is made."""
    return held if isinstance(held, np.ndarray) else taken(held, np.arange(len(held)))


def extent(held: ArrayOrStreamed, ignored: int | None = None) -> tuple[float, float]:
    """Return the smallest and the largest value, those that are `ignored` left out; 0 and 0 if there are no others."""
    if isinstance(held, np.ndarray) and ignored is None:
        return float(held.min()), float(held.max())
    step = rows_at_once(held.shape[1:])
    low, high = np.inf, -np.inf
    for start in range(0, len(held), step):
        rows = taken(held, np.arange(start, min(start + step, len(held))))
        if ignored is not None:
            rows = rows[rows != ignored]
        if rows.size:
            low, high = min(low, float(rows.min())), max(high, float(rows.max()))
    return (0.0, 0.0) if ignored is not None and low > high else (low, high)


def by_name(inputs: Inputs) -> Mapping[str, ArrayOrStreamed]:
    """Return the arrays of a split by their names."""
    return inputs if isinstance(inputs, Mapping) else {ONLY: inputs}


def taken_inputs(inputs: Inputs, places: NDArray[np.intp]) -> Encoded:
    """Return the inputs of the rows at some places, as arrays of their own."""
    return plain({name: taken(held, places) for name, held in by_name(inputs).items()})


def whole_inputs(inputs: Inputs) -> Encoded:
    """Return the inputs of all rows, as `whole` does."""
    return plain({name: whole(held) for name, held in by_name(inputs).items()})


def whole_rows(inputs: Inputs, arrays: tuple[InputArray, ...], width: int) -> NDArray[Any]:
    """Return inputs as rows of all elements: (rows, width), and NaN for those that no array holds."""
    if not isinstance(inputs, Mapping):
        return whole(inputs)
    rows = np.full((len(next(iter(inputs.values()))), width), np.nan)
    for array in arrays:
        put_back(rows, array, whole(inputs[array.name]))
    return rows
