from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, islice
from math import isfinite, nan
from typing import TYPE_CHECKING, Literal

from specnet.data.files import Place
from specnet.data.tables.dialect import Dialect, number, reading

if TYPE_CHECKING:
    from specnet.data.tables.layout import Layout

CHUNK = 4096
"""Records that are held as text at once."""

ABSENT = -1
"""The code of a missing value in a column of text."""

UNKNOWN = -2
"""The code of a category that the training file does not have."""


@dataclass(slots=True)
class Column:
    """One column that was read, eight bytes a number, or four a category."""

    name: str
    kind: Literal["number", "text"]
    values: array[float] | array[int]
    """Numbers, NaN where there is none; or the categories' indices, -1 where there is none."""
    categories: tuple[str, ...] = ()


@dataclass(slots=True)
class Scan:
    """The columns that are used of one file, and which of them need explaining."""

    rows: int
    columns: dict[int, Column]
    """By their place in the file."""
    missing: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """Rows without a value, by column."""
    faulty: bool = False
    """Whether a cell or a row cannot be taken; which one is found by reading the file again."""
    gone: bytearray | None = None
    """For each record whether it is left out, where the rows stay in their file and some are."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the cells of a file may be."""

    known: Mapping[int, Column] | None
    """The training file's columns, by their place in this one; these must be alike. None for that file."""
    drop: bool
    """Whether rows in which a used column has no value are left out."""
    zeros: bool
    """Whether features may hold categories that the training file does not have."""
    optional: frozenset[int]
    """Columns whose cells may be without a value."""


class Codes(dict[str, int]):
    """Codes of the categories of a column, by the raw text of a cell."""

    def __init__(self, dialect: Dialect, names_only: bool, known: tuple[str, ...] | None) -> None:
        super().__init__()
        self.dialect = dialect
        self.names_only = names_only
        self.known = known is not None
        self.index = {text: i for i, text in enumerate(known or ())}
        self.faulty = False

    def __missing__(self, cell: str) -> int:
        text = self.dialect.text(cell)
        if text is None:
            code = ABSENT
        elif self.known:
            code = self.index.get(text, UNKNOWN)
        else:
            self.faulty = self.faulty or (not self.names_only and number(text) is not None)
            code = self.index.setdefault(text, len(self.index))
        self[cell] = code
        return code


class ColumnReader:
    """One column while it is read: its kind is that of its first cell with a value."""

    def __init__(self, name: str, dialect: Dialect, names_only: bool, known: Column | None) -> None:
        self.name = name
        self.dialect = dialect
        self.kind: Literal["number", "text"] | None = known.kind if known else "text" if names_only else None
        categories = known.categories if known and known.kind == "text" else None
        self.codes = Codes(dialect, names_only, categories)
        self.numbers = array("d")
        self.places = array("i")
        self.missing: list[int] = []
        self.faulty = False

    def extend(self, cells: tuple[str, ...]) -> None:
        """Take in the column's next cells."""
        if self.kind != "text" and self._numbers(cells):
            return
        start = len(self.places)
        codes = list(map(self.codes.__getitem__, cells))
        if ABSENT in codes:
            self.missing += [start + i for i, code in enumerate(codes) if code == ABSENT]
        self.places.extend(codes)

    def _numbers(self, cells: tuple[str, ...]) -> bool:
        """Take in cells as numbers; return False where they are the first of a column of text."""
        try:
            values = array("d", map(float, cells))
        except ValueError:
            return self._mixed(cells)
        joined = "".join(cells)
        # float() also takes 1_000 and other scripts' digits, and reads NaN and inf: those need a closer look.
        plain = joined.isascii() and "_" not in joined and isfinite(sum(values))
        special = self.dialect.special
        if plain and (not special or special.isdisjoint(map(str.strip, cells))):
            self.kind = "number"
            self.numbers.extend(values)
            return True
        return self._mixed(cells)

    def _mixed(self, cells: tuple[str, ...]) -> bool:
        meaning = {cell: self.dialect.read(cell) for cell in set(cells)}
        texts = any(isinstance(value, str) for value in meaning.values())
        numbers = any(isinstance(value, float) for value in meaning.values())
        start = len(self.numbers)
        if texts and not numbers and self.kind is None:
            self.kind = "text"
            self.places.extend([ABSENT] * start)
            self.numbers = array("d")
            return False
        if texts or any(isinstance(value, float) and not isfinite(value) for value in meaning.values()):
            self.faulty = True
        if numbers:
            self.kind = "number"
        self.missing += [start + i for i, cell in enumerate(cells) if meaning[cell] is None]
        lookup = {cell: value if isinstance(value, float) else nan for cell, value in meaning.items()}
        self.numbers.extend(map(lookup.__getitem__, cells))
        return True

    def finish(self, keep: Sequence[bool] | None) -> Column:
        """Return the column, of the rows that are kept; its categories in order."""
        if self.kind != "text":
            values = self.numbers if keep is None else array("d", compress(self.numbers, keep))
            return Column(self.name, "number", values)
        codes = self.places if keep is None else array("i", compress(self.places, keep))
        if self.codes.known:
            return Column(self.name, "text", codes, tuple(self.codes.index))
        used = set(codes) if keep is not None else None
        names = in_order(text for text, code in self.codes.index.items() if used is None or code in used)
        rank = {self.codes.index[text]: i for i, text in enumerate(names)} | {ABSENT: ABSENT}
        return Column(self.name, "text", array("i", map(rank.__getitem__, codes)), tuple(names))


def in_order(names: Iterable[str]) -> list[str]:
    """Return categories in alphabetical order, or by size where all of them are numbers."""
    texts = sorted(names)
    values = {text: number(text) for text in texts}
    if None in values.values():
        return texts
    return sorted(texts, key=lambda text: values[text] or 0.0)


def readers_of(dialect: Dialect, layout: Layout, rules: Rules) -> dict[int, ColumnReader]:
    """Return what reads the columns that a layout uses, by their places."""
    known = rules.known or {}
    return {
        i: ColumnReader(layout.names[i], dialect, i in layout.categories, known.get(i)) for i in layout.used
    }


def scan(place: Place, dialect: Dialect, layout: Layout, rules: Rules) -> Scan | None:
    """Return the columns of a file that a layout uses, or None where the file cannot be read to its end."""
    readers = readers_of(dialect, layout, rules)
    width, rows, faulty, complete = len(layout.names), 0, False, False
    with reading(place, dialect.encoding), dialect.records(place.path) as lines:
        records = iter(lines)
        if dialect.header:
            next(records, None)
        while chunk := list(islice(records, CHUNK)):
            if set(map(len, chunk)) != {width}:
                faulty = True
                chunk = [record for record in chunk if len(record) == width]
            cells = list(zip(*chunk, strict=True))
            for i, reader in readers.items() if cells else ():
                reader.extend(cells[i])
            rows += len(chunk)
        complete = True
    if not complete:
        return None
    missing = {i: reader.missing for i, reader in readers.items() if reader.missing}
    keep = None
    if rules.drop and missing:
        gone = set().union(*missing.values())
        keep = [row not in gone for row in range(rows)]
        rows -= len(gone)
        missing = {}
    columns = {i: reader.finish(keep) for i, reader in readers.items()}
    faulty = faulty or any(reader.faulty or reader.codes.faulty for reader in readers.values())
    strict = [column for i, column in columns.items() if not (rules.zeros and i in layout.features)]
    # Only now, since a category that the training file does not have may stand in a row that is left out.
    faulty = faulty or any(column.kind == "text" and UNKNOWN in column.values for column in strict)
    return Scan(rows, columns, missing, faulty)
