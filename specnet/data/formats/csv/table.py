"""A CSV file as a table."""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from specnet.data.format import BATCHES
from specnet.data.formats.csv.blocks import BlockReader
from specnet.data.formats.csv.compression import (
    CompressionError,
    MemberError,
    TooLargeError,
    found_compression,
    is_workbook,
    unpacked,
)
from specnet.data.formats.csv.reader import Record
from specnet.data.formats.csv.sniffing import JSON_HELP, is_json, sniffed
from specnet.data.opening import open_regular
from specnet.data.tables.table import Chunk, DataTable
from specnet.data.text.encodings import SAMPLE, likely_encoding
from specnet.diagnostics import SpecError
from specnet.diagnostics.text import joined, sized

if TYPE_CHECKING:
    from io import BufferedReader
    from typing import IO

    from specnet.data.files import FilePlace
    from specnet.data.formats.csv.dialect import Dialect
    from specnet.data.formats.csv.source import Source
    from specnet.data.readers import Readers
    from specnet.data.tables.cells import CellParser


TOLD_FROM = 1 << 20
"""Bytes of text whose number of lines tells about how many there are in all."""


class CsvTable(DataTable):
    """A CSV file, its first record read."""

    row_word = "line"
    errors = (UnicodeError, csv.Error, OSError)

    def __init__(
        self,
        place: FilePlace,
        parser: CellParser,
        dialect: Dialect,
        *,
        header: bool,
        member: str | None = None,
        limit: int | None = None,
    ) -> None:
        self.place, self.header, self.dialect = place, header, dialect
        self.delimiter: str = dialect.delimiter
        self.decimal = parser.numbers.decimal
        self._member, self._limit = member, limit
        self.line, first = self._first()
        super().__init__(place, parser, [cell.strip() for cell in first])

    def _first(self) -> Record:
        try:
            with self._records() as reader:
                first = reader.first()
        except self.errors as error:
            if isinstance(error, csv.Error):
                self._check_json()
            raise self.fault(error) from None
        if first is None:
            raise self.place.error("SN506", f"`{self.place.name}` is empty")
        if first[1][0].lstrip()[:1] in ("[", "{"):
            self._check_json()
        return first

    def _check_json(self) -> None:
        """Raise SpecError where the file holds JSON, whose brackets a reader of CSV takes for cells."""
        with open_regular(self.place.path) as raw:
            start = self._bytes(raw).read(SAMPLE).decode(self.dialect.encoding, errors="replace")
        if is_json(start):
            raise self.place.error("SN504", f"`{self.place.name}` is JSON, not CSV", help=JSON_HELP)

    def read(self, records: int) -> Iterator[Chunk]:
        """Yield the rows, up to a number of records at once."""
        return self._rows(records)

    def read_with(self, readers: Readers, records: int) -> Iterator[Chunk]:
        """Yield the rows; of a large file, others read parts, which are cut where lines end."""
        from specnet.data.formats.csv import parts

        size = self._size_of_text()
        if size is None or size < parts.FROM or not parts.can_be_cut(self.dialect):
            return self.read(records)
        return self._rows(records, readers)

    def _rows(self, records: int, readers: Readers | None = None) -> Iterator[Chunk]:
        with self._records(readers) as reader:
            if self.header:
                reader.first()
            read, size = 0, self._size()
            for chunk in reader.chunks(self.width, records):
                read += len(chunk.lines)
                if size is not None and reader.size > TOLD_FROM:
                    self.expected = max(read, read * size // reader.size)
                yield chunk

    def _size(self) -> int | None:
        """Return how many bytes of text in UTF-8 the file holds; None where that isn't known before it is read."""
        return self._size_of_text() if codecs.lookup(self.dialect.encoding).name == "utf-8" else None

    def _size_of_text(self) -> int | None:
        """Return how many bytes of text the file holds; None for a compressed one."""
        if self.dialect.compression not in ("auto", "none"):
            return None
        with open_regular(self.place.path) as raw:
            if self.dialect.compression == "auto" and found_compression(raw.read(8)) != "none":
                return None
            return os.fstat(raw.fileno()).st_size

    @contextmanager
    def _records(self, readers: Readers | None = None) -> Iterator[BlockReader]:
        with open_regular(self.place.path) as raw:
            source = self._bytes(raw) if readers is None else self._parts(raw, readers)
            reader = BlockReader(source, self.dialect, self.decimal, self.place.context.meanwhile)
            try:
                yield reader
            except csv.Error as error:
                raise csv.Error(f"{error}{reader.place(error)}") from error

    def _parts(self, raw: BufferedReader, readers: Readers) -> Source:
        """Return the lines of the file, of which others read parts."""
        from specnet.data.formats.csv.parts import PartSource

        special = self.parser.finite_values
        return PartSource(raw, self.place.path, readers, self.dialect, self.decimal, self.width, special)

    def _bytes(self, raw: BufferedReader) -> IO[bytes]:
        """Return what the file holds, decompressed; of the archive of a trained model's new rows, its only file."""
        strict = bool(self.place.key)
        return unpacked(raw, self.dialect.compression, self._member, strict=strict, limit=self._limit)

    def dialect_help(self) -> str | None:
        """Return which keys would say how the beginning of the text seems to be written."""
        if not self.place.quotable:
            return None
        with open_regular(self.place.path) as raw:
            try:
                start = self._bytes(raw).read(SAMPLE)
            except CompressionError:
                return None  # reading the rows reports it
        text = start.decode(self.dialect.encoding, errors="replace")
        found = sniffed(text, cut=len(start) == SAMPLE)
        keys = []
        if found.delimiter != self.dialect.delimiter:
            shown = "\\t" if found.delimiter == "\t" else found.delimiter
            keys.append(f'`delimiter = "{shown}"`')
        if found.comment is not None and self.dialect.comment is None:
            keys.append(f'`comment = "{found.comment}"`')
        if found.skip_rows and not self.dialect.skip_rows:
            keys.append(f"`skip_rows = {found.skip_rows}`")
        return f"it seems to need {joined(keys)}" if keys else None

    def fault(self, error: Exception) -> SpecError:
        """Return what to raise for a file that cannot be read."""
        place = self.place
        if isinstance(error, UnicodeError):
            return self._not_text(error)
        if isinstance(error, CompressionError):
            return self._not_unpacked(error)
        if isinstance(error, OSError):
            return place.error("SN502", f"`{place.name}` cannot be read: {error.strerror}")
        help = "a quote may be unclosed, or the delimiter another"
        return place.error("SN504", f"`{place.name}` is not well-formed CSV: {error}", help=help)

    def _not_text(self, error: UnicodeError) -> SpecError:
        place = self.place
        with open_regular(place.path) as raw:
            try:
                found = likely_encoding(self._bytes(raw), self.dialect.encoding)
            except CompressionError as damage:
                return self._not_unpacked(damage)
        help = f'write `encoding = "{found}"`, which it seems to be' if found else "name its `encoding`"
        what = "UTF-16" if found == "utf-16" else f"not text in {self.dialect.encoding}{error}"
        return place.error("SN503", f"`{place.name}` is {what}", help=help)

    def _not_unpacked(self, error: CompressionError) -> SpecError:
        place = self.place
        with open_regular(place.path) as raw:
            if is_workbook(raw):
                message = f"`{place.name}` is a workbook of a spreadsheet program"
                return place.error("SN503", message, help="save the sheet as CSV")
        if isinstance(error, TooLargeError):
            there = sized(self._limit or 0)
            message = f"`{place.name}` decompresses to more than the machine's {there}"
            return place.error("SN570", message, help=BATCHES)
        if not isinstance(error, MemberError):
            return place.error("SN502", f"`{place.name}` {error}")
        key = (*place.key[:-1], "member" if self._member is not None else "path") if place.key else ()
        what = str(error) if place.quotable or self._member is None else "holds no such file"
        help = place.known("`member` names one of", error.names)
        return place.context.collector.error("SN501", f"`{place.name}` {what}", *key, help=help)
