"""Parts of a CSV file that other processes cut into cells while this one reads the part before them."""

from __future__ import annotations

import codecs
import csv
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import IO, TYPE_CHECKING, cast

from specnet.data.formats.csv.blocks import BlockReader, plain_lines
from specnet.data.formats.csv.gathering import Gathered, Piece
from specnet.data.formats.csv.source import FileSource, Source, TextLines
from specnet.data.formats.csv.text_blocks import TextBlocks
from specnet.data.opening import open_regular
from specnet.data.readers import FileIdentity
from specnet.data.tables.byte_cells import Asked, CellBlock

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

    from specnet.data.formats.csv.dialect import Dialect
    from specnet.data.readers import Readers

FROM = 4 << 20
"""Bytes of a file from which others read parts of it."""

HEAD = 1 << 18
"""Bytes that are read first, so that it is known which columns hold numbers."""

PART = 8 << 20
"""Bytes that another process reads at once."""

TAKING = 0.25
"""The part of the time of reading some cells that it takes to take in what another process has read of them."""

LONGEST = 1 << 20
"""Bytes of a line from which a file is not cut."""

MULTIBYTE = frozenset(
    {"utf-8", "gbk", "gb2312", "gb18030", "cp949", "euc_kr", "big5", "cp932", "shift_jis", "euc_jp"}
)
"""Encodings in which a byte that ends lines is never a part of another character, as in those of one byte each."""


def can_be_cut(dialect: Dialect) -> bool:
    """Return whether text can be cut at any byte that ends a line, as far as its encoding tells."""
    encoding = codecs.lookup(dialect.encoding)
    if encoding.name in MULTIBYTE:
        return True
    table = bytes(range(256))
    plain = encoding.decode(table, "replace")[0]
    # With escapes, a byte can be a part of another character.
    escapes = encoding.name.startswith(("utf", "iso2022", "hz"))
    return not escapes and len(plain) == len(table) and plain[:128] == table[:128].decode("ascii")


@dataclass(frozen=True, slots=True)
class PartTask:
    """The lines of a file from one byte to another, for another process to read."""

    file: FileIdentity
    start: int
    stop: int
    dialect: Dialect
    decimal: str
    width: int
    asked: Asked
    special: tuple[float, ...]
    """Numbers whose cells may stand for something else."""
    threads: int

    def read(self) -> list[Piece] | None:
        """Return what the lines hold; None where they are not well-formed: who reads them then says so."""
        with self.file.open() as raw:
            source = FileSource(
                _file_part(raw, self.start, self.stop), self.dialect.encoding, self.threads, lines=0
            )
            reader = BlockReader(source, replace(self.dialect, skip_rows=0), self.decimal)
            gathered = Gathered(self.asked, self.special)
            try:
                for found, block in reader.pieces(self.width, self.asked):
                    gathered.add(found, block)
            except (csv.Error, UnicodeError):
                return None
            return gathered.pieces()

    def lines(self, start: int, size: int) -> bytes:
        """Return some of the lines again, by their place among them in UTF-8."""
        with open_regular(self.file.path) as raw:
            if codecs.lookup(self.dialect.encoding).name == "utf-8":
                raw.seek(self.start + start)
                return raw.read(size)
            raw.seek(self.start)
            whole = raw.read(self.stop - self.start).decode(self.dialect.encoding)
            return whole.encode("utf-8", "surrogatepass")[start : start + size]

    def plain(self, start: int, size: int) -> bytes:
        """Return lines without quotes again, as a block of cells has them."""
        found = plain_lines(self.lines(start, size), None, self.dialect)
        assert found is not None, "they were plain when they were read"
        return found[0]

    def given(self, pieces: list[Piece]) -> list[TextLines]:
        """Return the lines of a part, with the cells that were read of them."""
        found, start = [], 0
        for piece in pieces:
            lines = TextLines(partial(self.lines, start, piece.size), piece.size, piece.ends)
            cells = piece.cells
            if cells is not None:
                again, sign = partial(self.plain, start, piece.size), self.dialect.sign
                block = CellBlock(
                    again, self.width, sign, self.decimal, blanks=cells.blanks, count=cells.records
                )
                block.give(cells.numbers, cells.different, cells.spelled)
                lines.block, lines.is_read = block, True
            found.append(lines)
            start += piece.size
        return found


class PartSource(Source):
    """The lines of a file, of which other processes read parts.

    Which part is whose follows from the size of the file and the number of processes. All parts come in the order of
    the file, those of other processes with the cells of the columns that were asked for before.
    """

    def __init__(
        self,
        file: BufferedReader,
        path: Path,
        readers: Readers,
        dialect: Dialect,
        decimal: str,
        width: int,
        special: tuple[float, ...],
    ) -> None:
        self._file, self._readers, self._dialect = file, readers, dialect
        self.threads = readers.threads
        identity = FileIdentity.of(path, file.fileno())
        self._whole = self.total = identity.size
        self._task = PartTask(identity, 0, 0, dialect, decimal, width, Asked(), special, readers.threads)
        self._end = self._cut(HEAD)
        """The byte up to which it is settled who reads the file."""
        self._next: deque[TextLines | tuple[int, int]] = deque([(0, self._end)])
        """What comes next: lines that another process has read, or a part that this one does."""
        self._own: TextBlocks | None = None
        """The part that is being read."""
        self._tasks: list[PartTask] = []
        """What other processes are reading."""
        self._lines = self.size = 0
        self.block = FileSource(file, dialect.encoding).block
        readers.begin()

    def next(self, asked: Asked) -> TextLines:
        """Return the next lines; columns that are `asked` for are read of parts that others will read."""
        while True:
            if self._own is not None:
                self._own.block = self.block
                text = self._own.next()
                if text:
                    return self._given(TextLines(text, len(text), self._own.latest))
                self._own = None
            while not self._next:
                if not self._advance(asked):
                    return TextLines(b"", 0)
            found = self._next.popleft()
            if isinstance(found, TextLines):
                return self._given(found)
            before = self._lines if found[0] else None
            self._own = TextBlocks(_file_part(self._file, *found), self._dialect.encoding, before)

    def _given(self, lines: TextLines) -> TextLines:
        self.size += lines.size
        self._lines += lines.count or 0
        return lines

    def _advance(self, asked: Asked) -> bool:
        """Have the next parts read, and take what others have read of those before; return whether more comes."""
        own, tasks = self._planned(asked)
        if tasks or self._tasks:
            for task, pieces in zip(self._tasks, self._readers.turn(tasks), strict=True):
                self._next.extend([(task.start, task.stop)] if pieces is None else task.given(pieces))
            self._tasks = tasks
        if own[0] < own[1]:
            self._next.append(own)
        return bool(self._next or self._tasks)

    def _planned(self, asked: Asked) -> tuple[tuple[int, int], list[PartTask]]:
        """Return the part that this process reads next, and those after it that the others do."""
        start, others = self._end, self._readers.count
        # It takes in what the others have read, too, and so reads less: about as long as they do.
        own = max(0.0, 1 - TAKING * others)
        each = min(PART, int((self._whole - start) / (own + others)))
        if not (asked.numbers or asked.texts):
            self._end = self._cut(start + PART)
            return (start, self._end), []
        ends = [self._cut(start + int(own * each))]
        while len(ends) <= others and ends[-1] < self._whole:
            ends.append(self._cut(ends[-1] + each))
        if self._whole - ends[-1] < HEAD:
            ends[-1] = self._whole
        self._end = ends[-1]
        told = Asked(set(asked.numbers), set(asked.texts))
        tasks = [replace(self._task, start=first, stop=last, asked=told) for first, last in pairwise(ends)]
        return (start, ends[0]), tasks

    def _cut(self, place: int) -> int:
        """Return where the line ends that holds the byte before a place; the end of the file where none does soon."""
        if place <= 0 or place >= self._whole:
            return min(max(place, 0), self._whole)
        self._file.seek(place - 1)
        end = self._file.read(LONGEST).find(b"\n")
        return self._whole if end < 0 else place + end


class _FilePart:
    """The bytes of a file from one place to another."""

    def __init__(self, file: BufferedReader, start: int, stop: int) -> None:
        self._file, self._left = file, stop - start
        file.seek(start)

    def read1(self, size: int, /) -> bytes:
        found = self._file.read1(min(size, self._left))
        self._left -= len(found)
        return found


def _file_part(file: BufferedReader, start: int, stop: int) -> IO[bytes]:
    return cast("IO[bytes]", _FilePart(file, start, stop))
