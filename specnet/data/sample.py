from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.tables.date_cells import DatePart
    from specnet.data.tables.texts import TextCounts

MAXIMUM = 4096
"""How many of a column's values are looked at where an estimate will do."""

WIDEST = 64
"""Up to how many elements an example of an array is taken apart into columns; a wider one is an image or the like."""

BYTES = 1 << 20
"""How much of an array's file is read for a sample."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The values of one element of the inputs or targets, row by row, before any transform."""

    name: str
    kind: Literal["number", "text"]
    values: NDArray[Any]
    """(rows,): numbers, NaN where there is none; or places of the categories, below 0 where there is none."""
    categories: tuple[str, ...] = ()
    scaled: bool = False
    """Whether the document scales the numbers of this column by themselves."""
    parts: tuple[DatePart, ...] = ()
    """The parts of dates that the network gets, where the numbers are days since 1970-01-01."""
    texts: TextCounts | None = None
    """How the tokens of texts fare, in a column of such; its values are equal where texts are, in all splits."""

    def few(self) -> NDArray[Any]:
        """Return at most MAXIMUM of the values, evenly spread."""
        return self.values[:: -(-len(self.values) // MAXIMUM) or 1]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows of one split as plain numbers."""

    inputs: tuple[Cells, ...]
    targets: tuple[Cells, ...]
    """Empty where the targets are the inputs."""
    table: bool
    """Whether these are all rows, and each column has a meaning of its own; else the first rows of an array."""
    dropped: int = 0
    """How many rows of a table are left out for a missing value."""

    @property
    def rows(self) -> int:
        """How many rows there are in it."""
        columns = self.targets or self.inputs
        return len(columns[0].values) if columns else 0


def array_cells(name: str, rows: NDArray[Any]) -> tuple[Cells, ...]:
    """Return rows of an array as columns; as one column where there are very many, and none where there are no rows."""
    width = prod(rows.shape[1:])
    if not len(rows):
        return ()
    if rows.dtype.kind == "b":
        rows = rows.view("i1")
    if width > WIDEST:
        return (Cells(name, "number", rows.reshape(-1)),)
    columns = rows.reshape(len(rows), width).T
    return tuple(
        Cells(f"{name} {i}" if width > 1 else name, "number", column) for i, column in enumerate(columns)
    )
