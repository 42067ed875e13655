"""Several arrays of one file whose rows are laid side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.arrays.joined_rows import JoinedRows
from specnet.data.sample import array_cells
from specnet.data.signature import WHOLE, ColumnSlice
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.arrays.stored import StoredArray
    from specnet.data.sample import Cells

FITTING = ("b1", "i1", "u1", "i2", "u2", "f2", "f4")
"""The types whose numbers float32 holds exactly."""


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Arrays with as many rows each: a row is those of all of them, each laid out flat."""

    names: tuple[str, ...]
    parts: tuple[StoredArray, ...]

    @classmethod
    def of(cls, names: Sequence[str], arrays: Sequence[StoredArray]) -> SideBySide:
        """Return arrays side by side; raise SpecError where they have not as many rows."""
        first = arrays[0]
        for array in arrays[1:]:
            if array.shape[0] != first.shape[0]:
                mine, theirs = counted(array.shape[0], "row"), counted(first.shape[0], "row")
                raise array.place.error("SN542", f"{array.title} has {mine}, {first.title} has {theirs}")
        return cls(tuple(names), tuple(arrays))

    @property
    def title(self) -> str:
        """The name of the first."""
        return self.parts[0].title

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, elements)."""
        return (self.parts[0].shape[0], sum(prod(part.shape[1:]) for part in self.parts))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that all become: their own where it is the same, else float32 where it holds all, or float64."""
        types = {part.type for part in self.parts}
        if len(types) == 1:
            return np.dtype(types.pop())
        return np.dtype("f4" if types.issubset(FITTING) else "f8")

    @property
    def column_slices(self) -> tuple[ColumnSlice, ...]:
        """Which elements of a row come from which array."""
        found, start = [], 0
        for name, part in zip(self.names, self.parts, strict=True):
            shape = part.shape[1:] or (1,)
            found.append(
                ColumnSlice(name, start, prod(shape), "number", shape=shape, whole=part.type in WHOLE)
            )
            start += prod(shape)
        return tuple(found)

    def rows(self) -> JoinedRows:
        """Return the rows, to be read one by one, where there is no obstacle."""
        return JoinedRows([part.rows() for part in self.parts], self.dtype)

    def check(self) -> None:
        """Raise SpecError where the elements are not what they were when they were stored, as far as is known."""
        with self.parts[0].place.context.collector.together() as faults:
            for part in self.parts:
                with faults.catch():
                    part.check()

    def read(self) -> NDArray[Any]:
        """Return the rows of all arrays side by side; raise SpecError where the file is damaged."""
        out = np.empty(self.shape, self.dtype)
        with self.parts[0].place.context.collector.together() as faults:
            for part, columns in zip(self.parts, self.column_slices, strict=True):
                with faults.catch():
                    array = part.read()
                    out[:, columns.start : columns.start + columns.width] = array.reshape(len(array), -1)
        return out

    def sample(self, name: str) -> tuple[Cells, ...]:
        """Return the columns of the first rows, under the arrays' own names; none if some cannot be read."""
        heads = [part.head() for part in self.parts]
        rows = min(map(len, heads))
        return tuple(
            cells
            for own, head in zip(self.names, heads, strict=True)
            for cells in array_cells(own, head[:rows])
        )
