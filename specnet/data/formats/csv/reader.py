"""CSV record by record: lines of text in, chunks of columns of cells out."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

import numpy as np

from specnet.data.formats.csv.dialect import Dialect
from specnet.data.tables.table import Chunk

MANY = 1 << 16
"""Bytes that are compared at once."""

END = ord("\n")

Record = tuple[int, list[str]]
"""A record's cells, after the line in which it begins."""


class UndecodableError(UnicodeError):
    """A file is not text in its encoding; the message says in which line, and at which byte, where these are known."""


class RecordReader:
    """Reads the records of CSV text; blank lines are left out.

    Raises csv.Error where the text is not well-formed, and UndecodableError where it is not text in its encoding.
    """

    def __init__(self, lines: Iterable[str], dialect: Dialect) -> None:
        sign = dialect.sign
        lines = dialect.table_lines(lines)
        self._reader = csv.reader(lines, delimiter=sign, skipinitialspace=sign != " ", strict=True)
        self._waiting: Record | None = None
        self.lines_before = 0
        """How many lines of the same text were read elsewhere."""

    @property
    def line(self) -> int:
        """The line that was read last."""
        return self.lines_before + self._reader.line_num

    def first(self) -> Record | None:
        """Return the next record; None at the end of the text."""
        line = self.line + 1
        with self._decoding():
            for record in self._reader:
                if _filled(record):
                    return line, record
                line = self.line + 1
        return None

    def unread(self, record: Record) -> None:
        """Have the record that was read last come again."""
        self._waiting = record

    def chunks(self, width: int, records: int) -> Iterator[Chunk]:
        """Yield the records that are left, up to a number of them at once; their columns are those of `width` cells."""
        # Nothing is held here while the caller works on a chunk.
        return iter(lambda: self.next_chunk(width, records), None)

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        """Say in which line the text cannot be decoded."""
        try:
            yield
        except UndecodableError:
            raise  # by what yields the lines, which knows more
        except UnicodeDecodeError as error:
            # All lines before those that were decoded together have been read, up to the beginning of the next one.
            before = error.object[: error.start].decode(error.encoding, errors="replace")
            line = self.line + 1 + _ends(before)
            raise UndecodableError(f": line {line} has the byte 0x{error.object[error.start]:02x}") from error
        except UnicodeError as error:
            raise UndecodableError(" from its start") from error

    def next_chunk(self, width: int, number: int) -> Chunk | None:
        """Return up to a number of the records that are left; None where there are none."""
        start, records = self.line + 1, []
        if self._waiting is not None:
            (start, record), self._waiting = self._waiting, None
            records.append(record)
        with self._decoding():
            records += islice(self._reader, number - len(records))
        if not records:
            return None
        lines: list[int] | range = range(start, self.line + 1)
        if len(lines) != len(records):
            lines = _starts(records, start)
        if width > 1 and set(map(len, records)) == {width}:
            return Chunk(list(zip(*records, strict=True)), lines)
        odd = [(n, len(r)) for n, r in zip(lines, records, strict=True) if len(r) != width and _filled(r)]
        kept = [(n, r) for n, r in zip(lines, records, strict=True) if len(r) == width and _filled(r)]
        columns = list(zip(*(record for _, record in kept), strict=True)) or [()] * width
        return Chunk(columns, [line for line, _ in kept], odd)


def _filled(record: list[str]) -> bool:
    """Return whether a record is more than a blank line."""
    return len(record) > 1 or (len(record) == 1 and bool(record[0].strip()))


def _starts(records: list[list[str]], line: int) -> list[int]:
    """Return the lines in which records begin that are more than a line each, for the ends of lines in their cells."""
    starts = []
    for record in records:
        starts.append(line)
        line += 1 + sum(map(_ends, record))
    return starts


def _ends(text: str) -> int:
    """Return how many lines end in a text."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def line_ends(text: bytes) -> int:
    """Return how many lines end in a text."""
    ends = _line_feeds(text)
    return ends + text.count(b"\r") - text.count(b"\r\n") if b"\r" in text else ends


def _line_feeds(text: bytes) -> int:
    """Return how many line feeds a text has: those of many bytes, compared at once, in an eighth of the time."""
    if len(text) < MANY:
        return text.count(b"\n")
    content, found = np.frombuffer(text, np.uint8), np.empty(MANY, np.bool_)
    return sum(
        int(np.count_nonzero(np.equal(part, END, found[: len(part)])))
        for part in (content[start : start + MANY] for start in range(0, len(content), MANY))
    )
