"""Columns of a table by which rows are split."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.split_keys import key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from specnet.data.tables.cells import CellParser


class SplitCells:
    """Takes in the cells of a column by which rows are split: its different values, and the place of each row's."""

    def __init__(self, parser: CellParser) -> None:
        self._parser = parser
        self._by_cell: dict[Any, int] = {}
        self._index: dict[Any, int] = {}
        self._codes: list[NDArray[np.int64]] = []

    @property
    def values(self) -> list[Any]:
        """The different values, text as the document's markers and replacements read it; None for a missing one."""
        return list(self._index)

    @property
    def codes(self) -> NDArray[np.int64]:
        """(rows,): the index of each row's value."""
        return np.concatenate([np.empty(0, np.int64), *self._codes])

    def read(self, cells: Sequence[Any], kept: NDArray[np.bool_] | None) -> None:
        """Read the cells of the next rows, of those that are kept; None for all."""
        own = cells if kept is None else compress(cells, kept.tolist())
        self._codes.append(np.array([self._code(cell) for cell in own], np.int64))

    def value(self, cell: Any) -> Any:
        """Return what a cell says."""
        return self._parser.text(cell) if isinstance(cell, str) else key_of(cell)

    def _code(self, cell: Any) -> int:
        try:
            return self._by_cell[cell]
        except KeyError:
            code = self._by_cell[cell] = self._index.setdefault(self.value(cell), len(self._index))
            return code
        except TypeError:  # a list in a frame has no place in a dictionary
            return self._index.setdefault(self.value(cell), len(self._index))
