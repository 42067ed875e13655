"""Columns of cells as columns of numbers, or of codes of categories."""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any, Literal

from specnet.data.tables.cells import ABSENT, UNKNOWN, CellFormat, CellParser, number


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
            self.faulty = self.faulty or (not self.form.names_only and number(text) is not None)
            code = self.index.setdefault(text, len(self.index))
        self[cell] = code
        return code


class ColumnReader:
    """Reads the cells of one column, piece by piece: its kind is that of its first cell with a value.

    `index` contains the categories' indices, where they are known already.
    """

    def __init__(
        self, name: str, parser: CellParser, form: CellFormat, index: dict[str, int] | None = None
    ) -> None:
        self.name = name
        self.parser = parser
        self.form = form
        self.kind = form.kind
        self.codes = Codes(parser, form, index)
        self.missing: list[int] = []
        """The cells without a value in the piece that was read last."""
        self._faulty = False

    @property
    def faulty(self) -> bool:
        """Whether a cell could not be read; categories that the training file does not have are not counted."""
        return self._faulty or self.codes.faulty

    def read(self, cells: Sequence[Any]) -> array[Any]:
        """Return the numbers, or the codes, of the column's next cells."""
        self.missing = []
        values = None if self.kind == "text" else self._numbers(cells)
        if values is not None:
            return values
        codes = array("i", map(self.codes.__getitem__, cells))
        if ABSENT in codes:
            self.missing = [i for i, code in enumerate(codes) if code == ABSENT]
        return codes

    def _numbers(self, cells: Sequence[Any]) -> array[Any] | None:
        """Return cells as numbers; None where they are the first of a column of text."""
        typed = self.parser.typed
        try:
            values = array("d", cells if typed else map(float, cells))
        except (TypeError, ValueError, OverflowError):
            return self._mixed(cells)
        # float() also takes 1_000 and other scripts' digits, and reads NaN and inf: those need a closer look.
        if not isfinite(sum(values)) or not (typed or _plain("".join(cells))):
            return self._mixed(cells)
        special = self.parser.finite
        if special and (typed or not special.isdisjoint(map(str.strip, cells))):
            return self._mixed(cells)
        self.kind = "number"
        return values

    def _mixed(self, cells: Sequence[Any]) -> array[Any] | None:
        meaning = {cell: self.parser.read(cell) for cell in set(cells)}
        texts = any(isinstance(value, str) for value in meaning.values())
        numbers = any(isinstance(value, float) for value in meaning.values())
        if texts and not numbers and self.kind is None:
            self.kind = "text"
            return None
        if texts or any(isinstance(value, float) and not isfinite(value) for value in meaning.values()):
            self._faulty = True
        if numbers:
            self.kind = "number"
        self.missing = [i for i, cell in enumerate(cells) if meaning[cell] is None]
        lookup = {cell: value if isinstance(value, float) else nan for cell, value in meaning.items()}
        return array("d", map(lookup.__getitem__, cells))

    def column(self, values: array[Any], used: Container[int]) -> Column:
        """Return the column of these numbers or codes; its categories, those with a code in `used`, in order."""
        if self.kind != "text":
            return Column(self.name, "number", values)
        if self.codes.known:
            return Column(self.name, "text", values, self._with_own(self.codes.index), self.form.boolean)
        names = in_order(text for text, code in self.codes.index.items() if code in used)
        rank = {self.codes.index[text]: i for i, text in enumerate(names)} | {ABSENT: ABSENT}
        return Column(self.name, "text", array("i", map(rank.__getitem__, values)), self._with_own(names))

    def _with_own(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return categories, the one that missing cells are among them."""
        own = self.form.own
        return tuple(names) if own is None or own in self.codes.index else (*names, own)


def indices(categories: Iterable[str]) -> dict[str, int]:
    """Return the index of each category."""
    return {text: i for i, text in enumerate(categories)}


def in_order(names: Iterable[str]) -> list[str]:
    """Return categories in alphabetical order, or by size where all of them are numbers."""
    texts = sorted(names)
    values = {text: number(text) for text in texts}
    if None in values.values():
        return texts
    return sorted(texts, key=lambda text: values[text] or 0.0)


def _plain(cells: str) -> bool:
    return cells.isascii() and "_" not in cells
