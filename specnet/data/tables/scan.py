from __future__ import annotations

from array import array
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, islice
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, Literal

from specnet.data.files import FilePlace
from specnet.data.tables.dialect import Dialect, number

if TYPE_CHECKING:
    from specnet.data.tables.layout import Layout

CHUNK = 4096
"""Records that are held as text at once."""

ABSENT = -1
"""The code of a missing value in a column of text."""

UNKNOWN = -2
"""The code of a category that the training file does not have."""


TRUE = frozenset({"true", "yes", "t", "y", "on", "1", "1.0"})
FALSE = frozenset({"false", "no", "f", "n", "off", "0", "0.0"})
"""How the cells of a boolean column may be spelled, in any case."""

BOOLEANS = ("false", "true")
"""The categories of a boolean column."""


@dataclass(frozen=True, slots=True)
class CellFormat:
    """What the cells of one column may be."""

    kind: Literal["number", "text"] | None = None
    """What they are; None where their column is the first of its kind, and the cells decide."""
    categories: tuple[str, ...] | None = None
    """The only categories there are; None where the cells decide."""
    names_only: bool = False
    """Whether cells are names even where they look like numbers."""
    boolean: bool = False
    """Whether cells are read as true or false, which are the categories then."""
    own: str | None = None
    """The category that cells without a value are, known or not; it comes last."""
    origin: Literal["file", "values"] = "file"
    """Where the categories are from: the training file, or the document."""

    @property
    def unknown_clause(self) -> str:
        """How a sentence about a cell that is none of the categories ends."""
        if self.boolean:
            return "which is neither true nor false"
        return (
            "which is none of its `values`"
            if self.origin == "values"
            else "which the training file does not have"
        )

    def text(self, dialect: Dialect, cell: str) -> str | None:
        """Return what a cell of a column of text says, or None for a missing value."""
        text = dialect.text(cell)
        return boolean(text) if self.boolean and text is not None else text


def boolean(text: str) -> str:
    """Return `true` or `false` for a string that means it, and any other text as it is."""
    folded = text.casefold()
    return "true" if folded in TRUE else "false" if folded in FALSE else text


@dataclass(slots=True)
class Column:
    """One column that was read, eight bytes a number, or four a category."""

    name: str
    kind: Literal["number", "text"]
    values: array[float] | array[int]
    """Numbers, NaN where there is none; or the categories' indices, -1 where there is none."""
    categories: tuple[str, ...] = ()
    boolean: bool = False

    @property
    def type(self) -> Literal["number", "category", "boolean"]:
        """What its cells are, in the document's words."""
        return "boolean" if self.boolean else "number" if self.kind == "number" else "category"


@dataclass(slots=True)
class Scan:
    """The columns that are used of one file, and which of them need explaining."""

    rows: int
    columns: dict[int, Column]
    """By their place in the file."""
    missing: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """Rows without a value, by column, of those that are kept."""
    faulty: bool = False
    """Whether a cell or a row cannot be taken; which one is found by reading the file again."""
    dropped: bytearray | None = None
    """For each record whether it is left out, where the rows stay in their file and some are."""


@dataclass(frozen=True, slots=True)
class CellRules:
    """What the cells of a file may be."""

    forms: Mapping[int, CellFormat]
    """Of each column that is read, by its place."""
    drop: frozenset[int]
    """Columns without a value in which a row is left out."""
    zeros: frozenset[int]
    """Columns that may hold categories that the training file does not have."""
    optional: frozenset[int]
    """Columns whose cells may be without a value."""


class Codes(dict[str, int]):
    """Codes of the categories of a column, by the raw text of a cell."""

    def __init__(self, dialect: Dialect, form: CellFormat) -> None:
        super().__init__()
        self.dialect = dialect
        self.form = form
        self.known = form.categories is not None
        self.index = {text: i for i, text in enumerate(form.categories or ())}
        self.faulty = False

    def __missing__(self, cell: str) -> int:
        text = self.form.text(self.dialect, cell)
        if text is None:
            code = ABSENT
        elif self.known:
            code = self.index.get(text, UNKNOWN)
        else:
            self.faulty = self.faulty or (not self.form.names_only and number(text) is not None)
            code = self.index.setdefault(text, len(self.index))
        self[cell] = code
        return code


class ColumnReader:
    """One column while it is read: its kind is that of its first cell with a value."""

    def __init__(self, name: str, dialect: Dialect, form: CellFormat) -> None:
        self.name = name
        self.dialect = dialect
        self.form = form
        self.kind = form.kind
        self.codes = Codes(dialect, form)
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
        if self.dialect.typed:
            return self._typed(cells)
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

    def _typed(self, cells: Sequence[Any]) -> bool:
        """Take in the same of a table whose cells are Python's values."""
        try:
            values = array("d", cells)
        except (TypeError, ValueError, OverflowError):
            return self._mixed(cells)
        if self.dialect.special or not isfinite(sum(values)):
            return self._mixed(cells)
        self.kind = "number"
        self.numbers.extend(values)
        return True

    def _mixed(self, cells: Sequence[Any]) -> bool:
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
            return self.column(self.numbers if keep is None else array("d", compress(self.numbers, keep)))
        if keep is None:
            return self.column(self.places)
        codes = array("i", compress(self.places, keep))
        return self.column(codes, set(codes))

    def column(self, values: array[Any], used: Container[int] | None = None) -> Column:
        """Return the column of these numbers or codes; its categories, those with a code in `used`, in order."""
        if self.kind != "text":
            return Column(self.name, "number", values)
        if self.codes.known:
            return Column(self.name, "text", values, self._with_own(self.codes.index), self.form.boolean)
        names = in_order(text for text, code in self.codes.index.items() if used is None or code in used)
        rank = {self.codes.index[text]: i for i, text in enumerate(names)} | {ABSENT: ABSENT}
        return Column(self.name, "text", array("i", map(rank.__getitem__, values)), self._with_own(names))

    def _with_own(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return categories, the one that missing cells are among them."""
        own = self.form.own
        return tuple(names) if own is None or own in self.codes.index else (*names, own)


def in_order(names: Iterable[str]) -> list[str]:
    """Return categories in alphabetical order, or by size where all of them are numbers."""
    texts = sorted(names)
    values = {text: number(text) for text in texts}
    if None in values.values():
        return texts
    return sorted(texts, key=lambda text: values[text] or 0.0)


def readers_of(dialect: Dialect, layout: Layout, rules: CellRules) -> dict[int, ColumnReader]:
    """Return what reads the columns that a layout uses, by their places."""
    return {i: ColumnReader(layout.names[i], dialect, rules.forms[i]) for i in layout.used}


def scan(place: FilePlace, dialect: Dialect, layout: Layout, rules: CellRules) -> Scan | None:
    """Return the columns of a file that a layout uses, or None where the file cannot be read to its end."""
    readers = readers_of(dialect, layout, rules)
    width, rows, faulty, complete = len(layout.names), 0, False, False
    with dialect.records(place) as lines:
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
    dropped = set().union(*(missing.get(i, ()) for i in rules.drop))
    if dropped:
        keep = [row not in dropped for row in range(rows)]
        rows -= len(dropped)
        left = {i: [row for row in places if row not in dropped] for i, places in missing.items()}
        missing = {i: places for i, places in left.items() if places}
    columns = {i: reader.finish(keep) for i, reader in readers.items()}
    faulty = faulty or any(reader.faulty or reader.codes.faulty for reader in readers.values())
    strict = [column for i, column in columns.items() if i not in rules.zeros]
    # Only now, since a category that the training file does not have may stand in a row that is left out.
    faulty = faulty or any(column.kind == "text" and UNKNOWN in column.values for column in strict)
    return Scan(rows, columns, missing, faulty)
