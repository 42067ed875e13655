"""Several arrays of one npz file whose rows are laid side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

from specnet.data.signature import WHOLE, ColumnSlice
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.arrays.joined_rows import JoinedRows
    from specnet.data.arrays.npz_file import NpzArray
    from specnet.data.files import DataContext
    from specnet.data.sample import Cells

FITTING = ("b1", "i1", "u1", "i2", "u2", "f2", "f4")
"""The types whose numbers float32 holds exactly."""


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Arrays with as many rows each: a row is those of all of them, each laid out flat."""

    parts: tuple[NpzArray, ...]

    @classmethod
    def of(cls, arrays: list[NpzArray], context: DataContext) -> SideBySide | None:
        """Return arrays side by side, or note that they have not as many rows."""
        first = arrays[0]
        for array in arrays[1:]:
            if array.shape[0] != first.shape[0]:
                mine, theirs = counted(array.shape[0], "row"), counted(first.shape[0], "row")
                context.collector.add(
                    "SN542", f"{array.title} has {mine}, {first.title} has {theirs}", *array.key
                )
                return None
        return cls(tuple(arrays))

    @property
    def title(self) -> str:
        """The name of the first."""
        return self.parts[0].title

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, elements)."""
        return (self.parts[0].shape[0], sum(prod(part.shape[1:]) for part in self.parts))

    @property
    def type(self) -> str:
        """The type that all become: their own where it is the same, else float32 where it holds all, or float64."""
        types = {part.type for part in self.parts}
        if len(types) == 1:
            return types.pop()
        return "f4" if types.issubset(FITTING) else "f8"

    @property
    def column_slices(self) -> tuple[ColumnSlice, ...]:
        """Which elements of a row come from which array."""
        found, start = [], 0
        for part in self.parts:
            shape = part.shape[1:] or (1,)
            found.append(
                ColumnSlice(part.name, start, prod(shape), "number", shape=shape, whole=part.type in WHOLE)
            )
            start += prod(shape)
        return tuple(found)

    def rows(self) -> JoinedRows:
        """Return the rows, to be read one by one, where there is no obstacle."""
        from specnet.data.arrays.joined_rows import JoinedRows

        return JoinedRows([part.rows() for part in self.parts], self.type)

    def sound(self, context: DataContext) -> bool:
        """Return whether the elements are what they were when they were stored, as far as that can be checked."""
        sound = [part.sound(context) for part in self.parts]
        return all(sound)

    def read(self, context: DataContext) -> NDArray[Any] | None:
        """Return the rows of all arrays side by side, or note how the file is damaged."""
        import numpy as np

        out = np.empty(self.shape, self.type)
        sound = True
        for part, column_slice in zip(self.parts, self.column_slices, strict=True):
            array = part.read(context)
            if array is None:
                sound = False
            else:
                out[:, column_slice.start : column_slice.start + column_slice.width] = array.reshape(
                    len(array), -1
                )
        return out if sound else None

    def cells(self, name: str, context: DataContext) -> tuple[Cells, ...]:
        """Return the columns of the first rows, under the arrays' own names; none if some cannot be read."""
        found = [part.cells(part.name, context) for part in self.parts]
        rows = [
            len(cells[0].values) // (1 if len(cells) > 1 else prod(part.shape[1:]))
            for part, cells in zip(self.parts, found, strict=True)
            if cells
        ]
        if len(rows) < len(found):
            return ()
        maximum = min(rows)
        return tuple(
            replace(cell, values=cell.values[: maximum * (1 if len(cells) > 1 else prod(part.shape[1:]))])
            for part, cells in zip(self.parts, found, strict=True)
            for cell in cells
        )
