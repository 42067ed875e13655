"""One pass over a table that is too large to be held: what its columns are, and all of its targets."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import compress, islice
from typing import TYPE_CHECKING, Any

from specnet.data.rows import BLOCK
from specnet.data.sample import MAXIMUM
from specnet.data.tables.scan import ABSENT, UNKNOWN, Column, ColumnReader, Scan, readers_of
from specnet.diagnostics.text import listed

if TYPE_CHECKING:
    from specnet.data.files import FilePlace
    from specnet.data.tables.dialect import Dialect
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.scan import CellRules


def records_at_once(width: int) -> int:
    """Return how many records of so many cells are held as text at once."""
    return max(1, BLOCK // max(1, width))


class _Passing:
    """What is kept of one column: its first cells, or all of them, and which categories are used."""

    def __init__(self, reader: ColumnReader, *, held: bool) -> None:
        self.reader, self.held = reader, held
        self.values: array[Any] = array("d")
        self.used: set[int] = set()
        self.missing = 0
        self.unknown = False

    def take(self, keep: list[bool] | None) -> None:
        """Take over the cells of a chunk from the column's reader, those of rows that are kept."""
        reader = self.reader
        self.missing += len(reader.missing) if keep is None else sum(map(keep.__getitem__, reader.missing))
        reader.missing.clear()
        text = reader.kind == "text"
        if text and self.values.typecode == "d":
            # Until the first text, the column had no values at all.
            self.values = array("i", [ABSENT]) * len(self.values)
        found: array[Any] = reader.places if text else reader.numbers
        if keep is not None:
            found = array(found.typecode, compress(found, keep))
        if text:
            codes = set(found)
            self.unknown = self.unknown or UNKNOWN in codes
            self.used |= codes
        self.values.extend(found if self.held else found[: max(0, MAXIMUM - len(self.values))])
        reader.places, reader.numbers = array("i"), array("d")

    def finish(self) -> Column:
        """Return the column; its categories in order."""
        return self.reader.column(self.values, self.used)


def scan_passing(
    place: FilePlace, dialect: Dialect, layout: Layout, rules: CellRules, maximum: int
) -> Scan | None:
    """Return what `scan` returns, but of the features only the first rows, in bounded memory.

    A feature of more than `most` categories is noted as soon as it has them. None where the file cannot be read
    to its end, or a fault was noted.
    """
    columns = {
        i: _Passing(reader, held=i in layout.targets)
        for i, reader in readers_of(dialect, layout, rules).items()
    }
    width, rows, faulty, complete = len(layout.names), 0, False, False
    dropped = bytearray()
    with dialect.records(place) as lines:
        records = iter(lines)
        if dialect.header:
            next(records, None)
        while chunk := list(islice(records, records_at_once(width))):
            if set(map(len, chunk)) != {width}:
                faulty = True
                chunk = [record for record in chunk if len(record) == width]
            cells = list(zip(*chunk, strict=True))
            for i, column in columns.items() if cells else ():
                column.reader.extend(cells[i])
            keep = _kept([columns[i].reader for i in rules.drop], len(chunk))
            for i, column in columns.items():
                column.take(keep)
                if i in layout.features and len(column.reader.codes.index) > maximum:
                    _note(place, i, column.reader, maximum)
                    return None
            rows += len(chunk) if keep is None else sum(keep)
            if rules.drop:
                dropped.extend(bytes(len(chunk)) if keep is None else (not kept for kept in keep))
        complete = True
    if not complete:
        return None
    missing = {i: range(column.missing) for i, column in columns.items() if column.missing}
    faulty = faulty or any(c.reader.faulty or c.reader.codes.faulty for c in columns.values())
    faulty = faulty or any(column.unknown for i, column in columns.items() if i not in rules.zeros)
    found = {i: column.finish() for i, column in columns.items()}
    return Scan(rows, found, missing, faulty, dropped if any(dropped) else None)


def _kept(dropping: Iterable[ColumnReader], rows: int) -> list[bool] | None:
    dropped = set[int]().union(*(reader.missing for reader in dropping))
    return [row not in dropped for row in range(rows)] if dropped else None


def _note(place: FilePlace, number: int, reader: ColumnReader, maximum: int) -> None:
    message = f"{place.column(number, reader.name)} of `{place.name}` has more than {maximum} categories"
    if place.quotable:
        message += f", such as {listed(list(reader.codes.index)[:3])}"
    help = (
        f"leave it out with `exclude = [{place.reference(number, reader.name)}]`, or raise `max_categories`"
    )
    place.context.collector.add("SN515", message, "path", help=help)
