from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MAXIMUM = 4096
"""How many of a column's values are looked at where an estimate will do."""

WIDEST = 64
"""Up to how many elements an example of an array is taken apart into columns; a wider one is an image or the like."""

BYTES = 1 << 20
"""How much of an array's file is read for a sample."""

CODES = {
    "b1": "b", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
    "f4": "f", "f8": "d",
}  # fmt: skip
"""How Python's arrays call the element types of files; half precision they do not know."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The values of one element of the inputs or targets, row by row, before any transform."""

    name: str
    kind: Literal["number", "text"]
    values: Sequence[float]
    """Numbers, NaN where there is none; or places of the categories, below 0 where there is none."""
    categories: tuple[str, ...] = ()
    scaled: bool = False
    """Whether the document scales the numbers of this column by themselves."""

    def few(self) -> Sequence[float]:
        """Return at most MOST of the values, evenly spread."""
        return self.values[:: -(-len(self.values) // MAXIMUM)] if self.values else self.values


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of one split as plain numbers, without NumPy."""

    inputs: tuple[Cells, ...]
    targets: tuple[Cells, ...]
    """Empty where the targets are the inputs."""
    table: bool
    """Whether these are all rows, and each column has a meaning of its own; else the first rows of an array."""

    @property
    def rows(self) -> int:
        """How many rows there are in it."""
        columns = self.targets or self.inputs
        return len(columns[0].values) if columns else 0


def leading_rows(shape: tuple[int, ...], code: str) -> int:
    """Return how many rows of an array (rows, ...) a sample takes; 0 for elements that it cannot."""
    if code not in CODES or not shape:
        return 0
    size = int(code[1:])
    for dim in shape[1:]:
        size *= dim
    return min(shape[0], BYTES // max(size, 1))


def array_cells(name: str, data: bytes, code: str, rows: int, *, swapped: bool) -> tuple[Cells, ...]:
    """Return the first rows of an array, from their bytes, as columns; as one column where there are very many."""
    values = array(CODES[code], data)
    if swapped:
        values.byteswap()
    width = len(values) // max(rows, 1)
    if width > WIDEST:
        return (Cells(name, "number", values),)
    return tuple(
        Cells(f"{name} {i}" if width > 1 else name, "number", values[i::width]) for i in range(width)
    )
