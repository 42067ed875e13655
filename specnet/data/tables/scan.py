"""One pass over a table: what its columns are, held as a whole or in part."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, Any

from specnet.data.sample import MAXIMUM
from specnet.data.tables.cells import ABSENT, UNKNOWN, CellRules
from specnet.data.tables.columns import Column, ColumnReader
from specnet.data.tables.faults import check_cells
from specnet.diagnostics import SpecError
from specnet.diagnostics.text import listed

if TYPE_CHECKING:
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.table import Table


@dataclass(slots=True)
class Scan:
    """The columns that are used of one file."""

    rows: int
    columns: dict[int, Column]
    """By their position in the file."""
    missing: Mapping[int, int] = field(default_factory=dict)
    """How many rows have no value, by column, of those that are kept."""
    dropped: bytearray | None = None
    """For each record whether it is left out, where the rows stay in their file and some are."""


class _HeldColumn:
    """A column of which all values are kept, of the rows that are."""

    def __init__(self, reader: ColumnReader) -> None:
        self.reader = reader
        self.values: array[Any] = array("d")
        self.used: set[int] = set()
        self.missing = 0
        self._new: array[Any] = array("d")

    def read(self, cells: Any) -> None:
        """Read the cells of the next rows."""
        self._new = self.reader.read(cells)

    def keep(self, kept: list[bool] | None) -> None:
        """Take in what was read, of the rows that are kept; None for all."""
        reader, new = self.reader, self._new
        if kept is not None:
            new = array(new.typecode, compress(new, kept))
            self.missing += sum(map(kept.__getitem__, reader.missing))
        else:
            self.missing += len(reader.missing)
        if reader.kind == "text":
            if self.values.typecode == "d":
                # Until the first text, the column had no values at all.
                self.values = array("i", [ABSENT]) * len(self.values)
            self.used.update(new)
        self._take(new)

    def _take(self, new: array[Any]) -> None:
        self.values.extend(new)

    def finish(self) -> Column:
        """Return the column; its categories in order."""
        return self.reader.column(self.values, self.used)


class _SampledColumn(_HeldColumn):
    """A column of which the first values are kept, of the rows that are."""

    def _take(self, new: array[Any]) -> None:
        self.values.extend(new[: max(0, MAXIMUM - len(self.values))])


def scan(table: Table, layout: Layout, rules: CellRules, maximum: int | None = None) -> Scan:
    """Return the columns of a file that a layout uses; raises SpecError naming each cell that is at fault.

    With a `maximum`, features are not held: only their first values, in bounded memory. One of more categories
    than the maximum is refused as soon as it has them.
    """
    stays = maximum is not None
    columns = {
        i: (_SampledColumn if stays and i not in layout.targets else _HeldColumn)(
            ColumnReader(layout.names[i], table.parser, rules.forms[i])
        )
        for i in layout.used
    }
    rows, faulty, dropped = 0, False, bytearray()
    for chunk in table.chunks():
        faulty = faulty or bool(chunk.odd)
        for i, column in columns.items():
            column.read(chunk.columns[i])
        count = len(chunk.lines)
        kept = _kept((columns[i].reader for i in rules.drop), count)
        for i, column in columns.items():
            column.keep(kept)
            if maximum is not None and i in layout.features and len(column.reader.codes.index) > maximum:
                raise _too_many(table, i, column.reader, maximum)
        rows += count if kept is None else sum(kept)
        if stays and rules.drop:
            dropped.extend(bytes(count) if kept is None else (not each for each in kept))
    missing = {i: column.missing for i, column in columns.items() if column.missing}
    faulty = faulty or any(column.reader.faulty for column in columns.values())
    # Rows that are left out may hold categories that the training file does not have.
    faulty = faulty or any(UNKNOWN in column.used for i, column in columns.items() if i not in rules.zeros)
    if faulty or not rules.optional.issuperset(missing):
        check_cells(table, layout, rules)
    found = {i: column.finish() for i, column in columns.items()}
    return Scan(rows, found, missing, dropped if any(dropped) else None)


def _kept(dropping: Iterable[ColumnReader], rows: int) -> list[bool] | None:
    dropped = set[int]().union(*(reader.missing for reader in dropping))
    return [row not in dropped for row in range(rows)] if dropped else None


def _too_many(table: Table, number: int, reader: ColumnReader, maximum: int) -> SpecError:
    place = table.place
    message = f"{place.column(number, reader.name)} of `{place.name}` has more than {maximum} categories"
    if place.quotable:
        message += f", such as {listed(list(reader.codes.index)[:3])}"
    help = (
        f"leave it out with `exclude = [{place.reference(number, reader.name)}]`, or raise `max_categories`"
    )
    return place.context.collector.error("SN515", message, "path", help=help)
