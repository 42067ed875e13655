from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

from specnet.data.arrays.stored import StoredArray, too_large
from specnet.data.files import DataContext, larger_than_half
from specnet.data.format import BATCHES, DataPart, Load
from specnet.data.rows import rows_at_once
from specnet.data.sample import Cells, Sample
from specnet.data.signature import DataDescription

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.rows import StoredRows
    from specnet.data.signature import ColumnSlice


class StoredInputs(Protocol):
    """An array in a file, or several side by side, whose headers have been read."""

    @property
    def parts(self) -> Sequence[StoredArray]:
        """The arrays that it is made of: itself, where it is one."""
        ...

    @property
    def title(self) -> str:
        """Its name, where it is clear what is spoken of."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, ...)."""
        ...

    @property
    def type(self) -> str:
        """Kind and bytes of an element, such as `f4`."""
        ...

    @property
    def column_slices(self) -> tuple[ColumnSlice, ...] | None:
        """Which elements of a row come from which array; None where these are not separate arrays."""
        ...

    def rows(self) -> StoredRows:
        """Return the rows, to be read one by one, where there is no obstacle."""
        ...

    def sound(self, context: DataContext) -> bool:
        """Return whether the elements are what they were when they were stored, as far as that can be checked."""
        ...

    def read(self, context: DataContext) -> NDArray[Any] | None:
        """Return the array as stored, or note how the file is damaged."""
        ...

    def cells(self, name: str, context: DataContext) -> tuple[Cells, ...]:
        """Return the columns of the first rows."""
        ...


Pair = tuple[StoredInputs, StoredArray | None]
"""Inputs and targets; these are None where they are the inputs."""


@dataclass
class ArraySource:
    """The inputs and targets of each split, as arrays in files whose headers are sound."""

    arrays: Mapping[str, Pair]
    description: DataDescription
    context: DataContext

    @classmethod
    def of(
        cls, load: Load, arrays: Mapping[str, Pair], description: DataDescription, context: DataContext
    ) -> ArraySource | None:
        """Return the source, its rows to be read whole or in batches; None where `site` noted why neither goes."""
        given: list[list[StoredInputs]]
        given = [[array for array in pair if array is not None] for pair in arrays.values()]
        staying = ["inputs"]
        if len(given[0]) > 1 and description.class_count is None and prod(description.target) > 1:
            staying.append("targets")
        every = [part for pair in given for array in pair for part in array.parts]
        stored = [part for pair in given for array in pair[: len(staying)] for part in array.parts]
        obstacles = {array.title: (array, found) for array in stored if (found := array.obstacle())}
        if load == "batches" and obstacles:
            for array, (why, help) in obstacles.values():
                message = f"{array.what} cannot be read in batches: {why}"
                context.collector.add("SN573", message, *array.key, help=help)
            return None
        numbers = sum(array.size + 4 * prod(array.shape) for array in stored)
        if load == "batches" or (load == "auto" and not obstacles and larger_than_half(numbers)):
            kept = [part for pair in given for array in pair[len(staying) :] for part in array.parts]
            if sum(too_large(array, context) for array in kept):
                return None
            description.batches = tuple(staying)
            description.reading = sum(_reading(array) for array in given[0][: len(staying)])
            return cls(arrays, description, context)
        description.help = BATCHES
        for array, (why, help) in obstacles.values():
            description.help = f"{array.what} cannot be read in batches: {why}; {help}"
        sound = [array for array in every if not too_large(array, context, description.help)]
        return cls(arrays, description, context) if len(sound) == len(every) else None

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the arrays; inputs as stored, whole-number targets as int64."""
        import numpy as np

        from specnet.data.rows import ArrayRows

        kind = np.float64 if self.description.class_count is None else np.int64
        parts = {}
        for name, (inputs, targets) in self.arrays.items():
            x = self._rows("inputs", inputs)
            y = None if targets is None else self._rows("targets", targets)
            if x is not None and (targets is None or y is not None):
                parts[name] = DataPart(
                    ArrayRows(x) if isinstance(x, np.ndarray) else x,
                    y.astype(kind) if isinstance(y, np.ndarray) else y,
                )
        return parts

    def _rows(self, what: str, array: StoredInputs) -> NDArray[Any] | StoredRows | None:
        if what not in self.description.batches:
            return array.read(self.context)
        return array.rows() if array.sound(self.context) else None

    def columns(self) -> None:
        """Return None: the inputs are arrays, which have no columns with names."""
        return

    def samples(self) -> dict[str, Sample]:
        """Return the first rows of each split."""
        samples = {}
        for name, (inputs, targets) in self.arrays.items():
            cells = inputs.cells("input", self.context)
            aims = () if targets is None else targets.cells("target", self.context)
            if cells and (aims or targets is None):
                samples[name] = Sample(cells, aims, table=False)
        self.context.collector.check()
        return samples


def _reading(array: StoredInputs) -> int:
    """Return the bytes of memory that reading rows of an array takes: as stored, and as float64."""
    shape = array.shape[1:]
    row = prod(shape) * (int(array.type[1:]) + 8) + 8
    if len(array.parts) > 1:
        row += sum(prod(part.shape[1:]) * int(part.type[1:]) for part in array.parts)
    return rows_at_once(shape) * row
