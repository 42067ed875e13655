"""Where a reader of CSV has its lines from: a file that it reads by itself, or parts that others have read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, TYPE_CHECKING

from specnet.data.formats.csv.text_blocks import TextBlocks
from specnet.data.tables.byte_cells import Asked

if TYPE_CHECKING:
    from concurrent.futures import Future

    from specnet.data.tables.byte_cells import CellBlock


@dataclass(eq=False)
class TextLines:
    """Whole lines that come next, and what is known of them; nothing at the end of the text."""

    text: bytes | Callable[[], bytes]
    """The lines, or what reads them again."""
    size: int
    """Their length in UTF-8."""
    count: int | None = None
    """How many they are."""
    block: CellBlock | None = None
    """Their cells, where the lines are known to be plain."""
    is_read: bool = False
    """Whether these cells have been read by another process."""
    given: Future[bool] | None = field(default=None, repr=False)
    """Whether pyarrow gave the block its columns, once it has read them."""
    error: Exception | None = None
    """What was raised instead of them."""

    @cached_property
    def lines(self) -> bytes:
        """The lines."""
        return self.text if isinstance(self.text, bytes) else self.text()


class Source(ABC):
    """The lines of a text, a block after the other."""

    block: int
    """How many bytes are read at once."""
    size: int
    """How many bytes have been given, in UTF-8."""
    total: int
    """How many bytes there are, or have been given so far where that isn't known."""
    threads: int | None = None
    """On how many threads they may be read at most."""

    @abstractmethod
    def next(self, asked: Asked) -> TextLines:
        """Return the next lines, of which the columns `asked` are likely to be asked for."""


class FileSource(Source):
    """The lines of a file, or of a part of one with a number of `lines` before it."""

    def __init__(
        self, file: IO[bytes], encoding: str, threads: int | None = None, lines: int | None = None
    ) -> None:
        self._text = TextBlocks(file, encoding, lines)
        self.block, self.size, self.threads = self._text.block, 0, threads
        self.total = self._text.whole

    def next(self, asked: Asked) -> TextLines:
        """Return the next lines."""
        text = self._text
        text.block = self.block
        lines = text.next()
        self.size = text.size
        self.total = max(self.total, self.size)
        return TextLines(lines, len(lines), text.latest)
