"""Rows of a table that stays in its file: parsed in the file's order, each time that they are read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.rows import FromFile
from specnet.data.tables.by_plan import PlanReader
from specnet.data.tables.column_store import RowPieces
from specnet.data.tables.filling import Filling
from specnet.data.tables.plan import ColumnPlan
from specnet.data.tables.rows import expand, expanded
from specnet.data.tables.table import records_at_once, rows_ahead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.files import FileFingerprint
    from specnet.data.rows import Index
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.plan import TablePlan
    from specnet.data.tables.scan import StoredFeatures
    from specnet.data.tables.table import DataTable
    from specnet.diagnostics import RunError

_Cells = list["Sequence[Any]"]
"""Some rows as cells, by feature."""

_Piece = tuple["NDArray[np.intp]", list["NDArray[Any]"]]
"""Rows, and their features' columns of numbers."""


class StreamedTable:
    """A table in a file that has been read through once, and is valid."""

    def __init__(
        self,
        table: DataTable,
        layout: Layout,
        plan: TablePlan,
        dropped: NDArray[np.bool_] | None,
        stored: StoredFeatures,
        fingerprint: FileFingerprint,
    ) -> None:
        self.table, self.layout, self.plan, self.stored = table, layout, plan, stored
        self._reader = PlanReader(plan, table.parser)
        self.dropped, self.fingerprint = dropped, fingerprint

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out what reads cells, which follows from the rest."""
        kept = (self.table, self.layout, self.plan, self.dropped, self.stored, self.fingerprint)
        return StreamedTable, kept

    def cells(self) -> Iterator[tuple[int, _Cells]]:
        """Yield how many rows come next, and their cells; raise RunError where they are not what they were."""
        read = 0
        try:
            for chunk in self.table.read(records_at_once(self.table.width)):
                count = len(chunk.lines) + len(chunk.odd)
                if chunk.odd:
                    raise self.fingerprint.changed(f"rows {read + 1} to {read + count} have other cells")
                cells: _Cells = [chunk.columns[i] for i in self.layout.features]
                if self.dropped is not None:
                    kept = (~self.dropped[read : read + count]).tolist()
                    cells, count = [tuple(compress(column, kept)) for column in cells], sum(kept)
                read += len(chunk.lines)
                if count:
                    yield count, cells
        except self.table.errors as error:
            raise self.fingerprint.changed(str(error)) from error

    def pieces(self) -> Iterator[list[NDArray[Any]]]:
        """Yield the feature columns of a few rows after the other; raise RunError where they are not what they were.

        The file is parsed once, to store its columns, unless it was while it was checked; and each time where they
        cannot be stored.
        """
        store = self.stored.store
        if store.begin():
            try:
                for columns in self._parsed():
                    store.append(columns)
                    if store.failed:
                        break
                else:
                    store.finish()
            finally:
                if not store.complete:
                    store.clear()
        if not store.complete:
            yield from self._parsed()
            return
        coded = [column.coded for column in self.plan.features]
        for columns in store.pieces():
            yield self.stored.columns(columns, coded)

    def _parsed(self) -> Iterator[list[NDArray[Any]]]:
        start, cut = 0, RowPieces(self.stored.store.rows)
        for count, cells in self.cells():
            columns = self.numbers(cells, start)
            start += count
            yield from cut.add(columns)
        yield from cut.rest()

    def numbers(self, cells: _Cells, start: int) -> list[NDArray[Any]]:
        """Return the feature columns of some rows, the first of which is row `start`."""
        columns = self._reader.columns(cells)
        if isinstance(columns, ColumnPlan):
            raise self._other_cells(columns, start, len(cells[0]))
        return columns

    def _other_cells(self, plan: ColumnPlan, start: int, count: int) -> RunError:
        rows = f"rows {start + 1} to {start + count}"
        return self.fingerprint.changed(f"column `{plan.name}` has other cells in {rows}")


class StreamRows(FromFile):
    """Rows of a table in the order of its file.

    Any rows can be read; but to read one before the last, it goes back to the file's start. While rows are
    shuffled, those that are passed over are held until they are read: once each.
    """

    dtype = np.dtype(np.float64)

    def __init__(
        self,
        table: StreamedTable,
        plan: TablePlan,
        rows: int,
        window: int,
        wanted: NDArray[np.bool_] | None = None,
    ) -> None:
        self.table, self.plan, self.window = table, plan, window
        self._rows, self._wanted = rows, wanted
        self._last = rows - 1 if wanted is None else rows - 1 - int(wanted[::-1].argmax())
        self._shuffled = False
        self._restart()

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out the position: another process begins with the first row."""
        return StreamRows, (self.table, self.plan, self._rows, self.window, self._wanted)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (elements,)."""
        return (self.plan.size,)

    def __len__(self) -> int:
        return self._rows

    def fit(self, rows: Index, collector: Collector) -> None:
        """Learn what missing cells become: a number's mean or median, or the most frequent value."""
        filling = Filling(self.plan)
        if not filling:
            return
        places = np.arange(self._rows)[rows] if isinstance(rows, slice) else rows
        step = rows_ahead(len(self.plan.features))
        for start in range(0, len(places), step):
            for columns, _ in self._pieces(places[start : start + step]):
                filling.add(columns)
        filling.finish(collector)

    def begin(self, *, shuffled: bool = False) -> None:
        """Begin with the first row again; raise RunError if the file is no longer what it was."""
        self.table.fingerprint.check()
        self._shuffled = shuffled
        self._restart()

    def apart(self, chosen: NDArray[np.intp] | None) -> StreamRows:
        """Return the same rows with a position of their own; only those `chosen` will be read."""
        wanted = self._wanted
        if chosen is not None and wanted is None:
            wanted = np.zeros(self._rows, np.bool_)
            wanted[chosen] = True
        return StreamRows(self.table, self.plan, self._rows, self.window, wanted)

    def read(self, places: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Put the rows at these places into `out` (places, elements)."""
        if self._shuffled:
            self._read_ahead(places)
            found = np.searchsorted(self._held, places)
            assert self._there[found].all(), (
                "rows are read once each, in an order that keeps within the window"
            )
            expand(self.plan, [column[found] for column in self._columns], out)
            self._there[found] = False
            return
        for columns, into in self._pieces(places):
            out[into] = expanded(self.plan, columns)

    def skip(self, places: NDArray[np.intp]) -> None:
        """Go on as if these rows had been read."""
        if self._shuffled:
            self._read_ahead(places)
            self._there[np.searchsorted(self._held, places)] = False

    def _restart(self) -> None:
        self._source = self.table.pieces()
        self._first = self._next = 0
        """The rows that the chunk that was read last begins and ends with."""
        self._held = np.empty(0, np.intp)
        """The rows that are held, in ascending order: those of the last chunk, or for a shuffle all in its window."""
        self._there = np.empty(0, np.bool_)
        """Which of them have not been read yet, in a shuffle."""
        self._columns: list[NDArray[Any]] = []

    def _advance(self) -> _Piece:
        """Return the wanted rows of the next chunk, and their columns."""
        columns = next(self._source, None)
        if columns is None:
            raise self.table.fingerprint.changed(f"it ends after {self._next} of {self._rows} rows")
        self._first, self._next = self._next, self._next + len(columns[0])
        own = np.arange(self._first, self._next)
        if self._wanted is not None:
            wanted = self._wanted[self._first : self._next]
            own, columns = own[wanted], [column[wanted] for column in columns]
        return own, columns

    def _pieces(self, places: NDArray[np.intp]) -> Iterator[tuple[list[NDArray[Any]], NDArray[np.intp]]]:
        """Yield the columns of rows, piece by piece in the file's order, and where among the places they are."""
        order = np.argsort(places, kind="stable")
        ascending = places[order]
        if len(places) and ascending[0] < self._first:
            self._restart()
        done = 0
        while done < len(places):
            if ascending[done] >= self._next:
                self._held, self._columns = self._advance()
                continue
            end = int(np.searchsorted(ascending, self._next))
            found = np.searchsorted(self._held, ascending[done:end])
            yield [column[found] for column in self._columns], order[done:end]
            done = end
        if len(places) and ascending[-1] == self._last:
            # Nobody will ask for more than the last row: its chunk is given back until the next time.
            self._held, self._columns, self._first = self._held[:0], [], self._next

    def _read_ahead(self, places: NDArray[np.intp]) -> None:
        """Hold all rows up to the last of these, and some more, since all that is held is copied for it."""
        last = int(places.max())
        if last < self._next:
            return
        pieces: list[_Piece] = [(self._held[self._there], [column[self._there] for column in self._columns])]
        self._held, self._columns, self._there = self._held[:0], [], self._there[:0]
        end = max(last + 1, min(self._next + rows_ahead(self.table.table.width), self._rows))
        while self._next < end:
            pieces.append(self._advance())
        pieces = [piece for piece in pieces if len(piece[0])]
        self._held = np.concatenate([rows for rows, _ in pieces])
        self._columns = [
            np.concatenate(parts) for parts in zip(*(columns for _, columns in pieces), strict=True)
        ]
        self._there = np.ones(len(self._held), np.bool_)
