"""Rows of a file of new rows, held by column until a row is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class CellRows(Sequence[tuple[Any, ...]]):
    """Rows of cells, held by column."""

    def __init__(
        self, columns: Sequence[Sequence[Any]], count: int | None = None, *, text: bool = False
    ) -> None:
        self.columns = columns
        self.text = text
        """Whether cells are the strings of a file of text."""
        self._count = len(columns[0]) if count is None else count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.columns, strict=True) if self.columns else iter([()] * self._count)

    @overload
    def __getitem__(self, place: int) -> tuple[Any, ...]: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[tuple[Any, ...]]: ...

    def __getitem__(self, place: int | slice) -> tuple[Any, ...] | Sequence[tuple[Any, ...]]:
        if isinstance(place, slice):
            count = len(range(self._count)[place])
            return CellRows([column[place] for column in self.columns], count, text=self.text)
        return tuple(column[place] for column in self.columns)

    def numbers(self) -> NDArray[np.float64] | None:
        """Return all cells (rows, columns) as numbers in the plain format, where this can be done at once."""
        from specnet.data.tables.byte_cells import ByteColumn

        found = []
        for column in self.columns:
            made = column.numbers(".") if isinstance(column, ByteColumn) else None
            if made is None or made[1].any():
                return None
            found.append(made[0])
        import numpy as np

        return np.stack(found, axis=1)


class Places(Sequence[str]):
    """What rows are called in messages: `line 7`."""

    def __init__(self, word: str, lines: Sequence[int]) -> None:
        self._word, self._lines = word, lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...

    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return Places(self._word, self._lines[place])
        return f"{self._word} {self._lines[place]}"
