"""CSV in blocks of whole lines: plain ones are cut into cells at once, all others are read record by record."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from specnet.data.formats.csv.arrow import FROM, Arrow
from specnet.data.formats.csv.dialect import WHITESPACE, Dialect
from specnet.data.formats.csv.reader import Record, RecordReader
from specnet.data.formats.csv.source import FileSource, Source, TextLines
from specnet.data.formats.csv.text_blocks import BLOCK, FIRST, EndlessLineError
from specnet.data.tables.byte_cells import Asked, CellBlock
from specnet.data.tables.table import CELLS, Chunk

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

AHEAD = 3
"""Blocks for each thread of pyarrow's that are read ahead: no thread waits while what others have read is taken in."""

ARROW = 8
"""How many times as large blocks are that pyarrow parses."""

WIDE = 3_000
"""Cells of a line from which pyarrow takes as long, with a hundred megabytes and ten kilobytes a column for itself."""

LINES = 16
"""About how many lines a block of a wide table has at least: each column of a block is a few calls, however short."""

REFUSED = 3
"""Blocks that pyarrow could not read after which it is no longer asked to."""


class BlockReader:
    """Reads the records of a file of CSV; blank lines are left out.

    Lines without quotes that all have as many cells are cut into cells as bytes; a `RecordReader` reads all others,
    and so decides what is well-formed. Raises csv.Error where the text is not, and UndecodableError where it is not
    text in its encoding.
    """

    def __init__(
        self,
        file: IO[bytes] | Source,
        dialect: Dialect,
        decimal: str = ".",
        meanwhile: Iterator[object] | None = None,
    ) -> None:
        self._dialect, self._decimal = dialect, decimal
        self._source = file if isinstance(file, Source) else FileSource(file, dialect.encoding)
        self._reader = RecordReader(self._lines(), dialect)
        self._block: list[str] = []
        self._read = 0
        """How many lines of the block have been read."""
        self._is_new = False
        """Whether it has not been tried to cut the lines that are left of the block."""
        self._asked = Asked()
        """What was asked of the columns of the block before."""
        self._arrow: Arrow | None = None
        self._looked = False
        """Whether pyarrow was looked for."""
        self._was_read_by_arrow = False
        self._waiting: Record | None = None
        self._ahead: deque[TextLines] = deque()
        """Blocks that pyarrow reads meanwhile."""
        self._threads: ThreadPoolExecutor | None = None
        self._meanwhile = iter(()) if meanwhile is None else meanwhile
        """What is done, a piece at a time, while pyarrow reads what comes next."""
        self.size = 0
        """How many bytes of text have been read, in UTF-8."""

    @property
    def line(self) -> int:
        """The line that was read last."""
        return self._reader.line

    def place(self, error: csv.Error) -> str:
        """Return what follows an error that was raised, to say in which line: an endless line says so itself."""
        return "" if isinstance(error, EndlessLineError) else f", in line {self.line}"

    def first(self) -> Record | None:
        """Return the next record; None at the end of the text."""
        return self._reader.first()

    def unread(self, record: Record) -> None:
        """Have the record that was read last come again."""
        self._waiting = record

    def chunks(self, width: int, records: int) -> Iterator[Chunk]:
        """Yield the records that are left; their columns are those of `width` cells.

        Records that are not read as bytes come up to a number of them at once.
        """
        while True:
            # A record that is to come again can be cut with the lines after it if it takes one line.
            again = int(self._waiting is not None and self._waiting[0] == self.line)
            found, is_next = None, self._waiting is None and self._read == len(self._block)
            if is_next:
                found = self._next()
                if not found.size:
                    return
            elif self._is_new:
                lines = "".join(self._block[self._read - again :]).encode("utf-8", "surrogatepass")
                found = TextLines(lines, len(lines))
            self._is_new = False
            block = self._cut(found, width) if found is not None and found.size else None
            if found is not None and block is not None:
                start = self.line + 1 - again
                self._reader.lines_before += len(block) - again
                self._read, self._waiting = len(self._block), None
                yield Chunk(block.columns, range(start, start + len(block)))
                self._go_on(found, block)
                continue
            if found is not None and is_next:
                self._take(found.lines)
                self._is_new = False
            if self._waiting is not None:
                self._reader.unread(self._waiting)
                self._waiting = None
            chunk = self._reader.next_chunk(
                width, min(records, max(1, len(self._block) - self._read + again))
            )
            if chunk is not None:
                yield chunk

    def pieces(self, width: int, asked: Asked) -> Iterator[tuple[TextLines, CellBlock | None]]:
        """Yield the lines that are left, with their cells where they are plain; of these, columns will be asked for."""
        self._asked = asked
        while (found := self._next()).size:
            block = self._cut(found, width)
            yield found, block
            if block is not None:
                self._go_on(found, block)

    def _go_on(self, found: TextLines, block: CellBlock) -> None:
        """Prepare what comes after lines that were read as bytes."""
        self._asked = block.asked
        self._size_blocks(found.size, block)
        self._read_ahead(block.width)

    def _next(self) -> TextLines:
        """Return the next lines; none at the end of the text."""
        found = self._ahead.popleft() if self._ahead else self._source.next(self._asked)
        if found.error is not None:
            raise found.error
        self.size += found.size
        return found

    def _read_ahead(self, width: int) -> None:
        """Have pyarrow read the next blocks while the last one, which it has read, is worked on."""
        if self._arrow is None or not self._was_read_by_arrow:
            return
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(self._arrow.threads)
        while len(self._ahead) < AHEAD * self._arrow.threads and (not self._ahead or self._ahead[-1].size):
            try:
                found = self._source.next(self._asked)
            except Exception as error:  # noqa: BLE001 -- it is raised where its block would come
                found = TextLines(b"", 0, error=error)
            if found.size and not found.is_read:
                found.block = self._plain(found, width)
            if found.block is not None and not found.is_read and self._suits_arrow(found.block):
                asked = Asked(set(self._asked.numbers), set(self._asked.texts))
                found.given = self._threads.submit(self._arrow.read, found.block, asked)
            self._ahead.append(found)

    def _plain(self, found: TextLines, width: int) -> CellBlock | None:
        """Return lines as a block of cells; None where they may hold what only a `RecordReader` reads."""
        if self.line < self._dialect.skip_rows:
            return None
        plain = plain_lines(found.lines, found.count, self._dialect)
        if plain is None:
            return None
        lines, count = plain
        sign = self._dialect.sign
        return CellBlock(lines, width, sign, self._decimal, blanks=sign != " " and b" " in lines, count=count)

    def _cut(self, found: TextLines, width: int) -> CellBlock | None:
        block = found.block or self._plain(found, width)
        if block is None or found.is_read:
            return block
        if not self._is_read_by_arrow(block, found) and not block.whole(csv.field_size_limit()):
            return None
        if width == 1 and not all(map(str.strip, block.texts(0))):
            return None  # blank lines, which are no records
        block.expect(self._asked)
        return block

    def _size_blocks(self, size: int, block: CellBlock) -> None:
        """Have the next blocks hold about as many cells as fit into the cache; pyarrow is quicker with more."""
        wanted = max(FIRST, min(BLOCK, CELLS * size // (len(block) * block.width)))
        if self._arrow is not None and self._arrow.refused < REFUSED:
            wanted *= ARROW
        self._source.block = max(wanted, LINES * size // len(block))

    def _suits_arrow(self, block: CellBlock) -> bool:
        return 1 < block.width < WIDE and block.decimal == "." and bool(self._asked.numbers)

    def _is_read_by_arrow(self, block: CellBlock, found: TextLines) -> bool:
        if found.given is None:
            if not self._suits_arrow(block):
                return False
            if not self._looked and self._source.total > FROM:
                self._looked, self._arrow = True, Arrow.installed(self._source.threads)
            if self._arrow is None or self._arrow.refused >= REFUSED:
                return False
        assert self._arrow is not None
        if found.given is None:
            read = self._arrow.read(block, self._asked)
        else:
            while not found.given.done() and next(self._meanwhile, None) is not None:
                pass
            read = found.given.result()
        self._arrow.refused += not read
        self._was_read_by_arrow = read and self._arrow.refused < REFUSED
        return read

    def _take(self, lines: bytes) -> None:
        self._block = list(io.StringIO(lines.decode("utf-8", "surrogatepass"), newline=""))
        self._read, self._is_new = 0, True

    def _lines(self) -> Iterator[str]:
        """Yield the lines that are read record by record."""
        while True:
            if self._read == len(self._block):
                lines = self._next().lines
                if not lines:
                    return
                self._take(lines)
            self._read += 1
            yield self._block[self._read - 1]


def plain_lines(lines: bytes, count: int | None, dialect: Dialect) -> tuple[bytes, int | None] | None:
    """Return lines, and how many they are where that is known, as a block of cells takes them.

    None where they may hold what only a `RecordReader` reads.
    """
    if b'"' in lines or b"\0" in lines or not dialect.sign.isascii():
        return None
    if dialect.comment is not None and dialect.comment.encode() in lines:
        return None
    if b"\r" in lines:
        lines = lines.replace(b"\r\n", b"\n")
        if b"\r" in lines:
            return None
    if not lines.endswith(b"\n"):
        lines, count = lines + b"\n", None
    if dialect.delimiter == WHITESPACE:
        if not lines.isascii():
            return None
        lines = "".join(dialect.tabbed(line) for line in lines.decode("ascii").split("\n")[:-1]).encode()
        count = None
    return lines, count
