"""Blocks of CSV that pyarrow parses, where it is installed: the same numbers and strings, in less time."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.inputs import are_finite
from specnet.data.tables.arrow_column import values_of
from specnet.passes.cores import share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.tables.byte_cells import Asked, CellBlock, Different, Spelled
    from specnet.data.tables.cell_column import Numbers

FROM = 4 << 20
"""Bytes of text from which importing pyarrow pays."""

MAXIMUM = 4
"""Threads beyond these would wait for what takes in their columns."""

PIECE = 1 << 16
"""Bytes in which a cell must end; longer ones are left to `csv`, which has a limit of twice as many."""


class Arrow:
    """Reads columns of blocks, those that were asked for of the block before; `csv` stays the judge of all others."""

    def __init__(self, threads: int) -> None:
        self._arrow: Any = importlib.import_module("pyarrow")
        self._csv: Any = importlib.import_module("pyarrow.csv")
        self.refused = 0
        """How many blocks it could not read."""
        self.threads = threads
        """How many threads may read, each a block of its own."""

    @classmethod
    def installed(cls, threads: int | None = None) -> Arrow | None:
        """Return it, with so many threads at most, by default one for each core.

        None where there is no pyarrow that can be imported, and on one thread, on which bytes are read as quickly
        without it.
        """
        most = min(share() if threads is None else threads, MAXIMUM)
        if most == 1:
            return None
        try:
            return cls(most)
        except ImportError:
            return None

    def read(self, block: CellBlock, asked: Asked) -> bool:
        """Give a block the columns that are asked for; return whether all lines have its width, and all are read.

        A cell is read as a number only if it has the value that `float` gives it, and is finite; empty cells of
        columns of numbers are odd ones.
        """
        try:
            found = self._columns(block, asked) if _cells_end(block) else None
        except (self._arrow.ArrowException, UnicodeDecodeError):
            # A cell is no number, a line has another width, or some text is a lone surrogate, as UTF-7 can write it.
            found = None
        if found is None:
            return False
        block.give(*found)
        return True

    def _columns(
        self, block: CellBlock, asked: Asked
    ) -> tuple[dict[int, Numbers], dict[int, Different], dict[int, Spelled]] | None:
        arrow, csv = self._arrow, self._csv
        names = [str(column) for column in range(block.width)]
        texts = asked.texts - asked.numbers
        kinds = {names[column]: arrow.float64() for column in sorted(asked.numbers)}
        kinds |= {names[column]: arrow.dictionary(arrow.int32(), arrow.string()) for column in sorted(texts)}
        table = csv.read_csv(
            arrow.BufferReader(block.lines),
            csv.ReadOptions(column_names=names, use_threads=False, block_size=len(block.lines) + 1),
            # Blank lines are left out: were they kept, each would be a row of empty cells.
            csv.ParseOptions(delimiter=block.delimiter, quote_char=False, ignore_empty_lines=True),
            csv.ConvertOptions(
                column_types=kinds,
                include_columns=list(kinds),
                null_values=[""],
                strings_can_be_null=False,
                check_utf8=False,  # which has been checked
            ),
        )
        if len(table) != len(block):
            return None
        numbers, spelled = {}, {}
        none = np.zeros(len(block), np.bool_)
        for column in asked.numbers:
            own = table.column(names[column]).chunk(0)
            values, odd = values_of(own, np.float64), none
            if own.null_count:
                odd = _empty(own)
                values = np.where(odd, 0.0, values)
                spelled[column] = np.flatnonzero(odd), [""] * own.null_count
            with np.errstate(over="ignore", invalid="ignore"):
                if not are_finite(values):
                    return None
            numbers[column] = values, odd
        different = {column: _different(table.column(names[column]), block.blanks) for column in texts}
        return numbers, different, spelled


def _different(column: Any, blanks: bool) -> Different:
    own = column.chunk(0)
    values = own.dictionary.to_pylist()
    if blanks:
        values = [text.lstrip(" ") for text in values]
    return values_of(own.indices, np.int32).astype(np.intp), values


def _empty(column: Any) -> NDArray[np.bool_]:
    """Return which cells of a column are empty."""
    there = np.frombuffer(column.buffers()[0], np.uint8)
    found = np.unpackbits(there, count=column.offset + len(column), bitorder="little")
    return np.equal(found[column.offset :], 0)


def _cells_end(block: CellBlock) -> bool:
    ends = (b"\n", block.delimiter.encode())
    return all(
        any(block.lines.find(end, start, start + PIECE) >= 0 for end in ends)
        for start in range(0, len(block.lines), PIECE)
    )
