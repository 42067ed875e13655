"""A table as all that read it see it: names, and chunks of columns of cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from specnet.data.rows import BLOCK
from specnet.diagnostics import SpecError

if TYPE_CHECKING:
    from specnet.data.files import FilePlace
    from specnet.data.readers import Readers
    from specnet.data.tables.cells import CellParser

RECORDS = 256
"""Records that are held as cells at once: few, so that their strings stay in the processor's cache."""


CELLS = 1 << 15
"""Cells of plain text that are read at once: what is computed of them stays in the cache, too."""


class Chunk(NamedTuple):
    """Some records of a table, column by column."""

    columns: Sequence[Sequence[Any]]
    """The cells of every column."""
    lines: Sequence[int]
    """The line, or row, in which each record begins, from 1."""
    odd: Sequence[tuple[int, int]] = ()
    """The line and the number of cells of each record of another width, which is not among the columns."""


class DataTable(ABC):
    """A table that was opened: its first record is read, and its rows can be read any number of times."""

    header: bool = True
    """Whether the first record contains the names of the columns."""
    line: int = 0
    """The line in which the first record begins."""
    row_word: str = "row"
    """What a row is called in messages, by its position from 1."""
    delimiter: str | None = None
    """The character between two cells, of a file of text."""
    errors: tuple[type[Exception], ...] = ()
    """What `read` raises for a file that is unreadable or damaged."""
    expected: int | None = None
    """About how many rows there are, as far as those that were read last tell; None where that isn't known."""

    def __init__(self, place: FilePlace, parser: CellParser, first: Sequence[str]) -> None:
        self.place, self.parser, self.first = place, parser, tuple(first)
        self.names = self.first if self.header else tuple(map(str, range(len(self.first))))

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.first)

    @property
    def kinds(self) -> Mapping[str, str | None]:
        """What columns hold: `number`, `text`, `boolean`, None where the cells decide, or the name of another type."""
        return {}

    def dialect_help(self) -> str | None:
        """Return which keys would say how its text seems to be written, where that differs from what is said."""
        return None

    def number_help(self, texts: Collection[str]) -> str | None:
        """Return which keys would make numbers of these cells, where a document can say how text writes numbers."""
        if self.delimiter is None or not self.place.quotable:
            return None
        from specnet.data.tables.number_formats import format_help

        return format_help(texts, self.parser.numbers, self.delimiter)

    @abstractmethod
    def read(self, records: int) -> Iterator[Chunk]:
        """Yield the rows, up to a number of records at once; raises one of `errors` where the file is unreadable."""

    def read_with(self, readers: Readers, records: int) -> Iterator[Chunk]:
        """Yield the rows as `read` does; other processes may read parts of them meanwhile. By default they do not."""
        return self.read(records)

    def fault(self, error: Exception) -> SpecError:
        """Return what to raise for one of `errors`."""
        raise NotImplementedError

    def chunks(self, records: int | None = None, readers: Readers | None = None) -> Iterator[Chunk]:
        """Yield the rows, some records at once; raises SpecError where the file is unreadable.

        Other processes may read parts of them meanwhile, where there are `readers`.
        """
        number = records or records_at_once(self.width)
        try:
            yield from self.read(number) if readers is None else self.read_with(readers, number)
        except self.errors as error:
            raise self.fault(error) from None


def records_at_once(width: int) -> int:
    """Return how many records of a number of cells are held at once."""
    return max(1, min(RECORDS, BLOCK // max(1, width)))


def rows_ahead(width: int) -> int:
    """Return how many rows of a number of cells are read ahead as numbers, where rows stay in their file."""
    return max(1, min(8 * RECORDS, BLOCK // max(1, width)))
