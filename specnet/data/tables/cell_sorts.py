"""What the cells of a column are: numbers, texts, gaps and others, and in which lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.tables.cell_column import CellColumn
from specnet.diagnostics.text import joined, plural

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.tables.cells import CellFormat, CellParser

NAMED = 5
"""How many lines one finding names."""


@dataclass(slots=True)
class Seen:
    """The lines of a file with one kind of cell in one column."""

    count: int = 0
    word: str = "line"
    """What a line is called."""
    lines: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def add(self, line: int, text: str) -> None:
        """Note one more line, and what to show of it."""
        self.count += 1
        if len(self.lines) < NAMED:
            self.lines.append(line)
            self.texts.append(text)

    @property
    def where(self) -> str:
        """`line 3`, `lines 3 and 7`, `lines 3, 4, 5, 6, 7 and 12 more`."""
        lines = [str(line) for line in self.lines]
        if self.count > len(lines):
            lines = [", ".join(lines), f"{self.count - len(lines)} more"]
        return f"{plural(self.word, self.count)} {joined(lines)}"


class CellSorts:
    """The cells of one column by what they are."""

    def __init__(self, parser: CellParser, form: CellFormat, word: str) -> None:
        self.parser, self.form = parser, form
        seen = [Seen(word=word) for _ in range(5)]
        self.numbers, self.texts, self.infinite, self.missing, self.unknown = seen
        self.sorts: dict[Any, tuple[Seen, str]] = {}

    def sorted(self, cells: Sequence[Any]) -> list[tuple[Seen, NDArray[np.intp]]]:
        """Return where the cells of each sort are: many are told apart without a look at each."""
        if not isinstance(cells, CellColumn):
            return self._grouped(np.arange(len(cells)), cells)
        found = None
        if self.form.kind != "text" and self.form.dates is None:
            found = cells.numbers(self.parser.numbers.decimal)
        if found is None:
            places, different = cells.different()
            return self._of_different(places, different)
        values, odd = found
        special = self.parser.finite_values
        odd = odd | np.isin(values, special) if special else odd
        others = np.flatnonzero(odd)
        if len(others) == len(cells):
            places, different = cells.different()
            return self._of_different(places, different)
        plain, grouped = (
            np.flatnonzero(~odd),
            self._grouped(others, [cells[place] for place in others.tolist()]),
        )
        spelled = [own for sort, own in grouped if sort is self.numbers]
        rest = [(sort, own) for sort, own in grouped if sort is not self.numbers]
        return [(self.numbers, np.sort(np.concatenate([plain, *spelled]))), *rest]

    def _of_different(
        self, places: NDArray[np.intp], different: Sequence[str]
    ) -> list[tuple[Seen, NDArray[np.intp]]]:
        """Return the same, of cells that are given by their places among the different ones."""
        sorts = [self.sort(cell)[0] for cell in different]
        each = {id(sort): sort for sort in sorts}
        number = {key: i for i, key in enumerate(each)}
        kinds = np.array([number[id(sort)] for sort in sorts], np.intp).take(places)
        return [(sort, np.flatnonzero(kinds == i)) for i, sort in enumerate(each.values())]

    def _grouped(self, places: NDArray[np.intp], cells: Sequence[Any]) -> list[tuple[Seen, NDArray[np.intp]]]:
        """Return the same, of some cells at these places, each of which is looked at."""
        groups: dict[int, tuple[Seen, list[int]]] = {}
        for place, cell in zip(places.tolist(), cells, strict=True):
            sort = self.sort(cell)[0]
            groups.setdefault(id(sort), (sort, []))[1].append(place)
        return [(sort, np.array(own, np.intp)) for sort, own in groups.values()]

    def take(self, sort: Seen, places: NDArray[np.intp], cells: Sequence[Any], lines: Sequence[int]) -> None:
        """Note cells of one sort, the first of them by their lines and texts."""
        sort.count += len(places)
        for place in places[: NAMED - len(sort.lines)].tolist():
            sort.lines.append(lines[place])
            sort.texts.append(self.sort(cells[place])[1])

    def sort(self, cell: Any) -> tuple[Seen, str]:
        """Return which of them a cell is one of, and the text to show for it."""
        if cell not in self.sorts:
            self.sorts[cell] = self._sort(cell)
        return self.sorts[cell]

    def _sort(self, cell: Any) -> tuple[Seen, str]:
        form = self.form
        value = form.text(self.parser, cell) if form.kind == "text" else form.number(self.parser, cell)
        if value is None:
            return self.missing, _written(cell)
        if isinstance(value, float):
            return (self.numbers if isfinite(value) else self.infinite), _written(cell)
        known = self.form.categories
        if known is not None and value not in known:
            return self.unknown, value
        return self.texts, value


def _written(cell: Any) -> str:
    """Return a cell as it stands in its file; nothing for what a typed table leaves out."""
    return cell.strip() if isinstance(cell, str) else "" if cell is None else str(cell)
