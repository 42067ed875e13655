"""Columns of cells as columns of numbers, or of codes of categories."""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from specnet.data.tables.cell_column import CellColumn
from specnet.data.tables.cells import ABSENT, UNKNOWN, CellFormat, CellParser
from specnet.data.tables.numbers import PLAIN, NumberFormat


@dataclass(slots=True, eq=False)
class Column:
    """One column that was read, eight bytes a number, or four a category."""

    name: str
    kind: Literal["number", "text"]
    values: NDArray[Any]
    """Numbers, NaN where there is none; or the categories' indices, -1 where there is none."""
    categories: tuple[str, ...] = ()
    boolean: bool = False
    dates: bool = False
    """Whether its numbers are days since 1970-01-01."""
    texts: bool = False
    """Whether its categories are texts, in the order in which they were read."""

    @property
    def type(self) -> Literal["number", "category", "boolean", "date", "text"]:
        """What its cells are, in the document's words."""
        if self.dates:
            return "date"
        if self.texts:
            return "text"
        return "boolean" if self.boolean else "number" if self.kind == "number" else "category"


class Codes(dict[Any, int]):
    """Codes of the categories of a column, by the cell as it is in the file."""

    def __init__(self, parser: CellParser, form: CellFormat, index: dict[str, int] | None = None) -> None:
        super().__init__()
        self.parser = parser
        self.form = form
        self.known = form.categories is not None
        self.index = indices(form.categories or ()) if index is None else index
        self.faulty = False

    def __missing__(self, cell: Any) -> int:
        text = self.form.text(self.parser, cell)
        if text is None:
            code = ABSENT
        elif self.known:
            code = self.index.get(text, UNKNOWN)
        else:
            self.faulty = self.faulty or (
                not self.form.names_only and self.parser.numbers.value(text) is not None
            )
            code = self.index.setdefault(text, len(self.index))
        self[cell] = code
        return code


class ColumnReader:
    """Reads the cells of one column, piece by piece: its kind is that of its first cell with a value.

    `index` contains the categories' indices, where they are known already. Of a text column, no more than about
    `maximum` different ones are held; all others have the first one's code.
    """

    def __init__(
        self,
        name: str,
        parser: CellParser,
        form: CellFormat,
        index: dict[str, int] | None = None,
        maximum: int | None = None,
    ) -> None:
        self.name = name
        self.parser = parser
        self.form = form
        self.kind = form.kind
        self.codes = Codes(parser, form, index)
        self.rank: NDArray[np.int32] | None = None
        """The code of each category in the order of `column`, by the one that it was read with; None if they agree."""
        self.is_full = False
        """Whether what was read last is known to have no missing values."""
        self.latest: Sequence[int] | None = None
        """The codes in what was read last, where these are known."""
        self._maximum = maximum if form.texts else None
        self._faulty = False

    @property
    def faulty(self) -> bool:
        """Whether a cell could not be read; categories that the training file does not have are not counted."""
        return self._faulty or self.codes.faulty

    def read(self, cells: Sequence[Any]) -> NDArray[Any]:
        """Return the column's next cells as float64, NaN where there is no value, or as int32 codes."""
        self.is_full, self.latest = False, None
        values = None if self.kind == "text" else self._numbers(cells)
        if values is not None:
            return values
        if self._maximum is not None and len(self.codes) >= self._maximum:
            absent = (self.form.text(self.parser, cell) is None for cell in cells)
            return np.fromiter((ABSENT if gap else 0 for gap in absent), np.int32, len(cells))
        if not isinstance(cells, CellColumn):
            return np.fromiter(map(self.codes.__getitem__, cells), np.int32, len(cells))
        places, different = cells.different()
        self.latest = list(map(self.codes.__getitem__, different))
        return np.array(self.latest, np.int32).take(places)

    def _numbers(self, cells: Sequence[Any]) -> NDArray[np.float64] | None:
        """Return cells as numbers; None where they are the first of a column of text."""
        found, has_odd = None, False
        if isinstance(cells, CellColumn) and self.form.dates is None:
            found, has_odd = cells.numbers(self.parser.numbers.decimal), cells.has_odd
        if found is None:
            values = self._of_texts(cells)
            return None if values is None else np.frombuffer(values) if cells else np.empty(0)
        numbers, odd = found
        if self.parser.finite:
            # Some of these are spelled as numbers that stand for something else.
            odd = odd | np.isin(numbers, self.parser.finite_values)
            has_odd = bool(odd.any())
        if not has_odd:
            self.kind, self.is_full = "number", True
            return numbers
        places = np.flatnonzero(odd)
        texts = cells if len(places) == len(cells) else [cells[i] for i in places.tolist()]
        values = self._of_texts(texts, others=len(places) < len(cells))
        if values is None:
            return None
        if not numbers.flags.writeable:
            numbers = numbers.copy()
        numbers[places] = values
        return numbers

    def _of_texts(self, cells: Sequence[Any], *, others: bool = False) -> array[float] | None:
        """Return cells as numbers; None where they are the first of a column of text.

        `others` says that the column's cells beside these are numbers.
        """
        typed, numbers = self.parser.typed, self.parser.numbers
        if self.form.dates is not None:
            return self._mixed(cells, others=others)
        written = cells if typed or numbers.plain else numbers.rewritten(cells)
        if written is None:
            return self._mixed(cells, others=others)
        try:
            values = array("d", written if typed else map(float, written))
        except (TypeError, ValueError, OverflowError):
            return self._mixed(cells, others=others)
        # float() also takes 1_000 and other scripts' digits, and reads NaN and inf: those need a closer look.
        if not isfinite(sum(values)) or not (typed or _plain("".join(cells))):
            return self._mixed(cells, others=others)
        special = self.parser.finite
        if special and (typed or not special.isdisjoint(map(str.strip, cells))):
            return self._mixed(cells, others=others)
        self.kind = "number"
        return values

    def _mixed(self, cells: Sequence[Any], *, others: bool) -> array[float] | None:
        meaning = {cell: self.form.number(self.parser, cell) for cell in set(cells)}
        texts = any(isinstance(value, str) for value in meaning.values())
        numbers = [value for value in meaning.values() if isinstance(value, float)]
        if texts and not numbers and not others and self.kind is None:
            self.kind = "text"
            return None
        self._faulty = self._faulty or texts or not all(map(isfinite, numbers))
        if numbers or others:
            self.kind = "number"
        lookup = {cell: value if isinstance(value, float) else nan for cell, value in meaning.items()}
        return array("d", map(lookup.__getitem__, cells))

    def column(self, values: NDArray[Any], used: Container[int]) -> Column:
        """Return the column of these numbers or codes; its categories, those with a code in `used`, in order."""
        if self.kind != "text":
            return Column(self.name, "number", values, dates=self.form.dates is not None)
        if self.form.texts:
            return Column(self.name, "text", values, tuple(self.codes.index), texts=True)
        if self.codes.known:
            return Column(self.name, "text", values, self._with_own(self.codes.index), self.form.boolean)
        index = self.codes.index
        names = in_order((text for text, code in index.items() if code in used), self.parser.numbers)
        # The last one, at -1, is that of missing values.
        rank = np.full(len(index) + 1, ABSENT, np.int32)
        rank[[index[text] for text in names]] = np.arange(len(names))
        self.rank = rank
        return Column(self.name, "text", rank[values], self._with_own(names))

    def _with_own(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return categories, the one that missing cells are among them."""
        own = self.form.own
        return tuple(names) if own is None or own in self.codes.index else (*names, own)


def lacking(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which of a column's numbers or codes are missing values."""
    found: NDArray[np.bool_] = np.isnan(values) if values.dtype.kind == "f" else values == ABSENT
    return found


def indices(categories: Iterable[str]) -> dict[str, int]:
    """Return the index of each category."""
    return {text: i for i, text in enumerate(categories)}


def in_order(names: Iterable[str], numbers: NumberFormat = PLAIN) -> list[str]:
    """Return categories in alphabetical order, or by size where all of them are numbers."""
    texts = sorted(names)
    values = {text: numbers.value(text) for text in texts}
    if None in values.values():
        return texts
    return sorted(texts, key=lambda text: values[text] or 0.0)


def _plain(cells: str) -> bool:
    return cells.isascii() and "_" not in cells
