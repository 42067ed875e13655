"""A CSV file as a table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from specnet.data.formats.csv.encodings import SAMPLE, UTF16, found_encoding
from specnet.data.formats.csv.reader import (
    FOREIGN,
    LONGEST,
    EndlessLineError,
    Record,
    RecordReader,
    bounded,
    decoded,
)
from specnet.data.opening import open_regular
from specnet.data.tables.table import Chunk, DataTable
from specnet.diagnostics import SpecError

if TYPE_CHECKING:
    from specnet.data.files import FilePlace
    from specnet.data.tables.cells import CellParser


class CsvTable(DataTable):
    """A CSV file, its first record read."""

    row_word = "line"
    errors = (UnicodeError, csv.Error, OSError)

    def __init__(
        self, place: FilePlace, parser: CellParser, *, header: bool, delimiter: str, encoding: str
    ) -> None:
        self.place, self.header, self.encoding = place, header, encoding
        self.delimiter: str = delimiter
        self.line, first = self._first()
        super().__init__(place, parser, [cell.strip() for cell in first])

    def _first(self) -> Record:
        try:
            with self._records() as reader:
                first = reader.first()
        except self.errors as error:
            raise self.fault(error) from None
        if first is None:
            raise self.place.error("SN506", f"`{self.place.name}` is empty")
        return first

    def read(self, records: int) -> Iterator[Chunk]:
        """Yield the rows, up to a number of records at once."""
        with self._records() as reader:
            if self.header:
                reader.first()
            yield from reader.chunks(self.width, records)

    @contextmanager
    def _records(self) -> Iterator[RecordReader]:
        path = self.place.path
        with decoded(open_regular(path), self.encoding) as file:
            long = path.stat().st_size > LONGEST
            reader = RecordReader(bounded(file) if long else file, self.delimiter)
            try:
                yield reader
            except EndlessLineError:
                raise
            except csv.Error as error:
                raise csv.Error(f"{error}, in line {reader.line}") from error

    def fault(self, error: Exception) -> SpecError:
        """Return what to raise for a file that cannot be read."""
        place = self.place
        if isinstance(error, UnicodeError):
            return self._not_text(error)
        if isinstance(error, OSError):
            return place.error("SN502", f"`{place.name}` cannot be read: {error.strerror}")
        help = "a quote may be unclosed, or the delimiter another"
        return place.error("SN504", f"`{place.name}` is not well-formed CSV: {error}", help=help)

    def _not_text(self, error: UnicodeError) -> SpecError:
        place = self.place
        with open_regular(place.path) as file:
            start = file.read(SAMPLE + 1)
        kind, help = FOREIGN.get(start[:2]), "unpack it first"
        if kind is None:
            found = found_encoding(start)
            help = f'write `encoding = "{found}"`, which it seems to be' if found else "name its `encoding`"
        kind = kind or ("UTF-16" if start.startswith(UTF16) else None)
        what = kind or f"not text in {self.encoding}{error}"
        return place.error("SN503", f"`{place.name}` is {what}", help=help)
