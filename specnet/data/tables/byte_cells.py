"""Cells of a table as bytes, of which a number is read, or a string made, only where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from specnet.data.tables.cell_column import CellColumn
from specnet.data.tables.decimals import PADDING, WORD, decimals, words_before

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.tables.cell_column import Numbers

    Different = tuple[NDArray[np.intp], list[str]]
    """The different cells of a column, in the order in which they occur first, after each cell's place among them."""
    Spelled = tuple[NDArray[np.intp], list[str]]
    """The records of which the cells of a column of numbers are known as strings, and these."""

END = ord("\n")


class _Places(NamedTuple):
    """Where the cells of some records are: (records, columns)."""

    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    points: NDArray[np.intp]
    """The place of the decimal sign; below the start where there is none."""


@dataclass(slots=True)
class Asked:
    """The columns of a block of which something was asked."""

    numbers: set[int] = field(default_factory=set)
    texts: set[int] = field(default_factory=set)


class CellBlock:
    """Some records of text in UTF-8, without quotes: whole lines that end in a line feed.

    Where only their `count` is given with what returns the lines, these are read when they are needed.
    """

    def __init__(
        self,
        lines: bytes | Callable[[], bytes],
        width: int,
        delimiter: str,
        decimal: str = ".",
        *,
        blanks: bool = True,
        count: int | None = None,
    ) -> None:
        self._source = lines
        self.width, self.delimiter, self.decimal = width, delimiter, decimal
        self.blanks = blanks
        """Whether blanks before a cell are no part of it."""
        self.count = self.lines.count(b"\n") if count is None else count
        self.asked = Asked()
        self._expected = Asked()
        self._numbers: dict[int, Numbers] = {}
        self._texts: dict[int, list[str]] = {}
        self._different: dict[int, Different] = {}
        self._spelled: dict[int, dict[int, str]] = {}
        self.odd: set[int] = set()
        """The columns of numbers with cells that must be read in another way."""

    def __len__(self) -> int:
        return self.count

    @cached_property
    def lines(self) -> bytes:
        """The text."""
        return self._source if isinstance(self._source, bytes) else self._source()

    @property
    def columns(self) -> list[ByteColumn]:
        """The columns."""
        return [ByteColumn(self, i) for i in range(self.width)]

    def whole(self, longest: int) -> bool:
        """Return whether each line has as many cells as there are columns, of so many bytes at most."""
        if self._places is None:
            return False
        return int((self._places.ends - self._places.starts).max(initial=0)) <= longest

    def expect(self, asked: Asked) -> None:
        """Have the numbers of several columns read at once when those of one are asked for: that is quicker."""
        self._expected = asked

    def give(
        self,
        numbers: dict[int, Numbers],
        different: dict[int, Different],
        spelled: dict[int, Spelled] | None = None,
    ) -> None:
        """Take numbers and cells of some columns that were read elsewhere, and how some of the numbers are spelled."""
        self._numbers |= numbers
        self.odd.update(column for column, (_, odd) in numbers.items() if odd.any())
        self._different |= different
        for column, (records, cells) in (spelled or {}).items():
            self._spelled[column] = dict(zip(records.tolist(), cells, strict=True))

    def numbers(self, column: int) -> Numbers:
        """Return the numbers of a column, and which of its cells must be read in another way."""
        self.asked.numbers.add(column)
        if column not in self._numbers:
            columns = sorted(self._expected.numbers) if column in self._expected.numbers else [column]
            # In the order of the file, so that the bytes of cells that are read one after the other lie together.
            found = decimals(self._data, *(each[:, columns].ravel() for each in self._cut))
            values, odd = (np.ascontiguousarray(each.reshape(len(self), -1).T) for each in found)
            self._numbers |= {own: (values[i], odd[i]) for i, own in enumerate(columns)}
            if odd.any():
                self.odd.update(own for i, own in enumerate(columns) if odd[i].any())
        return self._numbers[column]

    def texts(self, column: int) -> list[str]:
        """Return the cells of a column as strings."""
        self.asked.texts.add(column)
        if column in self._different:
            found, different = self._different[column]
            return list(map(different.__getitem__, found.tolist()))
        if column not in self._texts:
            starts, ends, _ = self._cut
            places = zip(starts[:, column].tolist(), ends[:, column].tolist(), strict=True)
            self._texts[column] = self._stripped(
                [self._text[start:end] for start, end in places]
                if self._text is not None
                else [self._data[start:end].decode("utf-8", "surrogatepass") for start, end in places]
            )
        return self._texts[column]

    def different(self, column: int) -> Different:
        """Return the different cells of a column, and the place of each cell's string among them."""
        self.asked.texts.add(column)
        if column not in self._different:
            starts, ends, _ = self._cut
            ends = ends[:, column]
            sizes = ends - starts[:, column]
            if int(sizes.max(initial=0)) <= WORD:
                # No cell holds a zero byte, so that those before it tell cells of different lengths apart.
                words, first, places = np.unique(
                    words_before(self._data, ends, sizes), return_index=True, return_inverse=True
                )
                order = first.argsort()
                spelled = [word.tobytes().lstrip(b"\0") for word in words[order].astype("<u8")]
                cells = [each.decode("utf-8", "surrogatepass") for each in spelled]
                self._different[column] = order.argsort().take(places), self._stripped(cells)
            else:
                index: dict[str, int] = {}
                found = [index.setdefault(cell, len(index)) for cell in self.texts(column)]
                self._different[column] = np.array(found, np.intp), list(index)
        return self._different[column]

    def cell(self, record: int, column: int) -> str:
        """Return one cell as a string."""
        known = self._spelled.get(column)
        if known is not None and record in known:
            return known[record]
        starts, ends, _ = self._cut
        cell = self._data[starts[record, column] : ends[record, column]].decode("utf-8", "surrogatepass")
        return self._stripped([cell])[0]

    def _stripped(self, cells: list[str]) -> list[str]:
        return [cell.lstrip(" ") for cell in cells] if self.blanks else cells

    @cached_property
    def _data(self) -> bytes:
        return b"\n" * PADDING + self.lines

    @cached_property
    def _text(self) -> str | None:
        """All of it as a string, where a character is a byte."""
        return self._data.decode("ascii") if self._data.isascii() else None

    @property
    def _cut(self) -> _Places:
        assert self._places is not None, "lines of other widths are read record by record"
        return self._places

    @cached_property
    def _places(self) -> _Places | None:
        """Where the cells are; None where a line has more or fewer of them."""
        content = np.frombuffer(self._data, np.uint8)
        sign, point = ord(self.delimiter), ord(self.decimal)
        # The first end is that of the line before.
        own = content[PADDING - 1 :]
        special = own == sign
        special |= own == END
        if point != sign:
            special |= own == point
        places = np.flatnonzero(special)
        places += PADDING - 1
        kinds = content.take(places)
        cuts = np.flatnonzero(kinds != point) if point != sign else np.arange(len(places))
        ends = places.take(cuts)
        if len(cuts) - 1 != self.count * self.width or (kinds.take(cuts[:: self.width]) != END).any():
            return None
        shape = (self.count, self.width)
        points = places.take(cuts[1:] - 1).reshape(shape)
        return _Places((ends[:-1] + 1).reshape(shape), ends[1:].reshape(shape), points)


class ByteColumn(CellColumn):
    """The cells of one column of a block."""

    def __init__(self, block: CellBlock, column: int) -> None:
        self.block, self.column = block, column

    def __len__(self) -> int:
        return len(self.block)

    def __iter__(self) -> Iterator[str]:
        return iter(self.block.texts(self.column))

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...

    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return self.block.texts(self.column)[place]
        return self.block.cell(place, self.column)

    def numbers(self, decimal: str) -> Numbers | None:
        """Return the cells' numbers, and which cells must be read in another way; None where all must.

        They are written with that decimal sign.
        """
        return self.block.numbers(self.column) if decimal == self.block.decimal else None

    @property
    def has_odd(self) -> bool:
        """Whether some of its numbers must be read in another way."""
        return self.column in self.block.odd

    def different(self) -> Different:
        """Return the different cells, and the place of each cell's string among them."""
        return self.block.different(self.column)
