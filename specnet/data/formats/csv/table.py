"""A CSV file as a table."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from specnet.data.formats.csv.reader import LONGEST, EndlessLineError, Record, RecordReader, bounded, decoded
from specnet.data.opening import open_regular
from specnet.data.tables.table import Chunk, DataTable
from specnet.diagnostics import SpecError

if TYPE_CHECKING:
    from specnet.data.files import FilePlace
    from specnet.data.tables.cells import CellParser

PIECE = 1 << 20
"""Bytes that are held at once to find where a file is not text."""


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
            return self._not_text()
        if isinstance(error, OSError):
            return place.error("SN502", f"`{place.name}` cannot be read: {error.strerror}")
        help = "a quote may be unclosed, or the delimiter another"
        return place.error("SN504", f"`{place.name}` is not well-formed CSV: {error}", help=help)

    def _not_text(self) -> SpecError:
        place = self.place
        with open_regular(place.path) as file:
            start = file.read(2)
            file.seek(0)
            where = _undecodable(file, self.encoding)
        kinds = {
            b"\x1f\x8b": "a gzip file",
            b"PK": "a zip file",
            b"\xff\xfe": "UTF-16",
            b"\xfe\xff": "UTF-16",
        }
        kind = kinds.get(start)
        help = "unpack it first" if kind else "name its `encoding`, such as `latin-1`"
        if kind == "UTF-16":
            help = 'write `encoding = "utf-16"`'
        what = kind or f"not text in {self.encoding}{where}"
        return place.error("SN503", f"`{place.name}` is {what}", help=help)


def _undecodable(file: IO[bytes], encoding: str) -> str:
    """Return where a file is not text in an encoding, read piece by piece, whatever its size."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    while True:
        piece = file.read(PIECE)
        # An error's position counts from what the decoder still holds of the piece before.
        held = decoder.getstate()[0]
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            line += error.object.count(b"\n", 0, error.start) - held.count(b"\n")
            return f" in line {line}"
        except UnicodeError:
            return " from its start"
        if not piece:
            return ""
        line += piece.count(b"\n")
