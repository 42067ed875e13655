"""What the cells of a table say: numbers, strings, booleans, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from math import isfinite, isnan
from typing import Any, Literal

from specnet.data.tables.date_cells import DateFormat, days
from specnet.data.tables.numbers import PLAIN, NumberFormat

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
class CellParser:
    """Tells what cells of text say, under the markers and replacements that a document gives."""

    markers: frozenset[str]
    """Cells that mean a missing value."""
    replace: Mapping[str, str]
    """Cells to replace by other strings."""
    numbers: NumberFormat = PLAIN
    """How numbers are written."""
    special: frozenset[str] = field(init=False)
    """Strings that spell numbers, and are not to be read as those numbers."""
    finite: frozenset[str] = field(init=False)
    """Those of them that spell finite numbers."""
    finite_values: tuple[float, ...] = field(init=False)
    """These numbers, in order."""

    def __post_init__(self) -> None:
        spelt = {text: self.numbers.value(text) for text in (*self.markers, *self.replace)}
        numbers = {text: value for text, value in spelt.items() if value is not None}
        object.__setattr__(self, "special", frozenset(numbers))
        finite = {text: value for text, value in numbers.items() if isfinite(value)}
        object.__setattr__(self, "finite", frozenset(finite))
        object.__setattr__(self, "finite_values", tuple(sorted({*finite.values()})))

    @property
    def typed(self) -> bool:
        """Whether cells may be other values than strings."""
        return False

    def read(self, cell: Any) -> float | str | None:
        """Return what a cell says: a number, a string, or None for a missing value."""
        text = self.text(cell)
        value = None if text is None else self.numbers.value(text)
        return text if value is None else value

    def text(self, cell: Any) -> str | None:
        """Return what a cell of a column of text says, or None for a missing value."""
        text: str = cell.strip()
        text = self.replace.get(text, text)
        return None if text in self.markers else text


@dataclass(frozen=True, slots=True)
class TypedCellParser(CellParser):
    """Tells what cells say that are Python's values: those of Parquet files and of frames."""

    @property
    def typed(self) -> bool:
        """Whether cells may be other values than strings."""
        return True

    def read(self, cell: Any) -> float | str | None:
        """Return what a cell says: a number, a string, or None for a missing value."""
        if isinstance(cell, str):
            return CellParser.read(self, cell)
        if absent(cell):
            return None
        text = spelled(cell)
        return CellParser.read(self, text) if text in self.special else float(cell)

    def text(self, cell: Any) -> str | None:
        """Return what a cell of a column of text says, or None for a missing value."""
        if absent(cell):
            return None
        return CellParser.text(self, cell if isinstance(cell, str) else spelled(cell))


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
    dates: DateFormat | None = None
    """How cells write dates, which are read as numbers of days; None for a column of anything else."""
    texts: bool = False
    """Whether cells are texts, of which any number may differ."""
    own: str | None = None
    """The category that cells without a value are, known or not; it comes last."""
    origin: Literal["file", "values"] = "file"
    """Where the categories are from: the training file, or the document."""
    zeros: bool = False
    """Whether there may be categories that the training file does not have."""
    optional: bool = False
    """Whether cells may be without a value."""
    drop: bool = False
    """Whether a row is left out where its cell is without a value."""

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

    def text(self, parser: CellParser, cell: Any) -> str | None:
        """Return what a cell of a column of text says, or None for a missing value."""
        text = parser.text(cell)
        return boolean(text) if self.boolean and text is not None else text

    def number(self, parser: CellParser, cell: Any) -> float | str | None:
        """Return what a cell of a column of numbers says: a number, a string that is none, or None for no value."""
        if self.dates is None:
            return parser.read(cell)
        if isinstance(cell, date):
            return days(cell)
        text = parser.text(cell)
        value = None if text is None else self.dates.days(text)
        return text if value is None else value


def boolean(text: str) -> str:
    """Return `true` or `false` for a string that means it, and any other string as it is."""
    folded = text.casefold()
    return "true" if folded in TRUE else "false" if folded in FALSE else text


def absent(cell: Any) -> bool:
    """Return whether a typed cell is a missing value."""
    return cell is None or (isinstance(cell, float) and isnan(cell))


def spelled(cell: Any) -> str:
    """Return how a value that is not a string is written in a file: 3.0 as `3`, and True as `true`."""
    if type(cell).__name__ in ("bool", "bool_"):
        return "true" if cell else "false"
    try:
        value = float(cell)
    except (TypeError, ValueError, OverflowError):
        return str(cell)
    return str(int(value)) if value.is_integer() else str(cell)
