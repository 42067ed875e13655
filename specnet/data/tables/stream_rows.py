"""Rows of a table that stays in its file: parsed in the file's order, each time that they are read."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import compress, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.files import FileFingerprint
from specnet.data.rows import FromFile
from specnet.data.tables.columns import expanded
from specnet.data.tables.passing import records_at_once
from specnet.data.tables.rules import form_of
from specnet.data.tables.scan import UNKNOWN, ColumnReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.files import FilePlace
    from specnet.data.rows import Index
    from specnet.data.tables.dialect import Dialect
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.plan import TablePlan


class StreamedTable:
    """A table in a file that has been read through once, and found to be sound."""

    def __init__(
        self,
        place: FilePlace,
        dialect: Dialect,
        layout: Layout,
        plan: TablePlan,
        dropped: bytearray | None,
    ) -> None:
        self.dialect, self.layout = dialect, layout
        self.columns = [
            (i, column, form_of(column)) for i, column in zip(layout.features, plan.features, strict=True)
        ]
        self.dropped = None if dropped is None else np.frombuffer(dropped, np.bool_)
        self.fingerprint = FileFingerprint.of(place.path, place.name)

    def records(self) -> Iterator[list[list[str]]]:
        """Yield the records that are rows, some at once; raise RunError where they are not what they were."""
        width, read = len(self.layout.names), 0
        try:
            with self.dialect.lines(self.fingerprint.path) as lines:
                records = iter(lines)
                if self.dialect.header:
                    next(records, None)
                while chunk := list(islice(records, records_at_once(width))):
                    count = len(chunk)
                    if set(map(len, chunk)) != {width}:
                        raise self.fingerprint.changed(f"rows {read + 1} to {read + count} have other cells")
                    if self.dropped is not None:
                        dropped = self.dropped[read : read + count]
                        chunk = list(compress(chunk, (~dropped).tolist()))
                    read += count
                    if chunk:
                        yield chunk
                    # While the reader waits for more, the text is the user's alone to hold.
                    del chunk
        except (UnicodeError, csv.Error, OSError) as error:
            raise self.fingerprint.changed(str(error)) from error

    def numbers(self, records: list[list[str]], start: int) -> list[NDArray[Any]]:
        """Return the feature columns of some records, the first of which is row `start`."""
        cells = list(zip(*records, strict=True))
        columns = []
        for i, plan, form in self.columns:
            reader = ColumnReader(plan.name, self.dialect, form)
            reader.extend(cells[i])
            values = reader.finish(None).values
            unknown = plan.text and plan.unknown != "zeros" and UNKNOWN in values
            if reader.faulty or unknown or (reader.missing and not plan.optional):
                rows = f"rows {start + 1} to {start + len(records)}"
                raise self.fingerprint.changed(f"column `{plan.name}` has other cells in {rows}")
            columns.append(np.frombuffer(values, values.typecode))
        return columns


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

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (elements,)."""
        return (self.plan.size,)

    def __len__(self) -> int:
        return self._rows

    def fit(self, rows: Index, collector: Collector) -> None:
        """Learn what missing cells become: a number's mean or median, or the most frequent value."""
        from specnet.data.tables.filling import Filling

        filling = Filling(self.plan)
        if not filling:
            return
        places = np.arange(self._rows)[rows] if isinstance(rows, slice) else rows
        step = records_at_once(len(self.plan.features))
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
            out[...] = expanded(self.plan, [column[found] for column in self._columns])
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
        self._source = self.table.records()
        self._chunk: list[list[str]] = []
        self._first = self._next = 0
        """The rows that the chunk of records begins and ends with."""
        self._held = np.empty(0, np.intp)
        """The rows that are held for a shuffle, in ascending order."""
        self._there = np.empty(0, np.bool_)
        """Which of them have not been read yet."""
        self._columns: list[NDArray[Any]] = []

    def _advance(self) -> None:
        self._chunk = next(self._source, [])
        if not self._chunk:
            raise self.table.fingerprint.changed(f"it ends after {self._next} of {self._rows} rows")
        self._first, self._next = self._next, self._next + len(self._chunk)

    def _pieces(self, places: NDArray[np.intp]) -> Iterator[tuple[list[NDArray[Any]], NDArray[np.intp]]]:
        """Yield the columns of rows, piece by piece in the file's order, and where among the places they stand."""
        order = np.argsort(places, kind="stable")
        ascending = places[order]
        if len(places) and ascending[0] < self._first:
            self._restart()
        done = 0
        while done < len(places):
            if ascending[done] >= self._next:
                self._advance()
                continue
            end = int(np.searchsorted(ascending, self._next))
            own, back = np.unique(ascending[done:end] - self._first, return_inverse=True)
            records = [self._chunk[i] for i in own.tolist()]
            columns = self.table.numbers(records, self._first + int(own[0]))
            yield [column[back] for column in columns], order[done:end]
            done = end
        if len(places) and ascending[-1] == self._last:
            # Nobody will ask for more than the last row: the text is given back until the next time.
            self._chunk, self._first = [], self._next

    def _read_ahead(self, places: NDArray[np.intp]) -> None:
        """Hold all rows up to the last of these."""
        while self._next <= int(places.max()):
            self._advance()
            own = np.arange(self._first, self._next)
            if self._wanted is not None:
                wanted = self._wanted[self._first : self._next]
                own, self._chunk = own[wanted], list(compress(self._chunk, wanted.tolist()))
            if not len(own):
                continue
            columns = self.table.numbers(self._chunk, self._first)
            self._chunk = []
            there = self._there
            before = [column[there] for column in self._columns] or [column[:0] for column in columns]
            self._columns = [np.concatenate(pair) for pair in zip(before, columns, strict=True)]
            self._held = np.concatenate((self._held[there], own))
            self._there = np.ones(len(self._held), np.bool_)
