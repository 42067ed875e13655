"""What one process has read of some lines of CSV, for another one that goes through the whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from specnet.data.formats.csv.source import TextLines
    from specnet.data.tables.byte_cells import Asked, CellBlock, Different, Spelled
    from specnet.data.tables.cell_column import Numbers

PIECE = 4 << 20
"""Bytes of text about which are taken in at once: many small arrays take longer than a few large ones."""


class PieceCells(NamedTuple):
    """The cells of some columns of plain lines, as `CellBlock.give` takes them."""

    records: int
    blanks: bool
    """Whether there are blanks before cells."""
    numbers: dict[int, Numbers]
    different: dict[int, Different]
    spelled: dict[int, Spelled]


class Piece(NamedTuple):
    """Some whole lines."""

    size: int
    """Their length in UTF-8."""
    ends: int
    """How many ends of lines they hold."""
    cells: PieceCells | None
    """Their cells; None where they are not plain, and must be read record by record."""


class Gathered:
    """Gathers blocks of cells to pieces, with the columns that are asked for."""

    def __init__(self, asked: Asked, special: tuple[float, ...]) -> None:
        self._asked, self._special = asked, special
        self._pieces: list[Piece] = []
        self._size = self._ends = 0
        self._latest: list[PieceCells] = []
        """The blocks of the piece that is not complete yet."""

    def add(self, lines: TextLines, block: CellBlock | None) -> None:
        """Take in lines, with their cells where they are plain."""
        if block is None:
            self._end()
            self._pieces.append(Piece(lines.size, lines.count or 0, None))
            return
        self._latest.append(self._cells(block))
        self._size += lines.size
        self._ends += lines.count or 0
        if self._size >= PIECE:
            self._end()

    def pieces(self) -> list[Piece]:
        """Return the pieces."""
        self._end()
        return self._pieces

    def _cells(self, block: CellBlock) -> PieceCells:
        numbers = {column: block.numbers(column) for column in sorted(self._asked.numbers)}
        different = {column: block.different(column) for column in sorted(self._asked.texts)}
        spelled = {}
        for column, (values, odd) in numbers.items():
            if self._special or column in block.odd:
                # Cells that spell one of the special numbers may stand for something else.
                records = np.flatnonzero(odd | np.isin(values, self._special) if self._special else odd)
                spelled[column] = records, [block.cell(record, column) for record in records.tolist()]
        return PieceCells(len(block), block.blanks, numbers, different, spelled)

    def _end(self) -> None:
        if self._latest:
            self._pieces.append(Piece(self._size, self._ends, _joined(self._latest)))
            self._size = self._ends = 0
            self._latest = []


def _joined(blocks: list[PieceCells]) -> PieceCells:
    """Return the cells of blocks of which one follows the other."""
    first = blocks[0]
    starts = np.cumsum([0, *(block.records for block in blocks)]).tolist()
    numbers = {}
    for column in first.numbers:
        values, odd = zip(*(block.numbers[column] for block in blocks), strict=True)
        numbers[column] = np.concatenate(values), np.concatenate(odd)
    different = {
        column: _distinct([block.different[column] for block in blocks]) for column in first.different
    }
    spelled = {}
    for column in first.numbers:
        records, cells = [np.empty(0, np.intp)], list[str]()
        for start, block in zip(starts, blocks, strict=False):
            if column in block.spelled:
                own, texts = block.spelled[column]
                records.append(own + start)
                cells += texts
        if cells:
            spelled[column] = np.concatenate(records), cells
        if len(cells) == starts[-1]:
            # Where no cell is a number, all are asked for as texts.
            different.setdefault(column, _distinct([(np.arange(len(cells)), cells)]))
    return PieceCells(starts[-1], any(block.blanks for block in blocks), numbers, different, spelled)


def _distinct(found: list[Different]) -> Different:
    """Return the different cells of blocks of which one follows the other, and each cell's place among them."""
    index: dict[str, int] = {}
    places = [
        np.array([index.setdefault(cell, len(index)) for cell in cells], np.intp).take(own)
        for own, cells in found
    ]
    return np.concatenate(places), list(index)
