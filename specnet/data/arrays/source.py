from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from specnet.data.arrays.stored import StoredArray, check_memory
from specnet.data.files import DataContext, larger_than_half
from specnet.data.format import BATCHES, Load
from specnet.data.rows import ArrayRows, rows_at_once
from specnet.data.sample import Cells, Sample
from specnet.data.signature import DataDescription
from specnet.data.source import DataPart, DataSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.rows import StoredRows
    from specnet.data.signature import ColumnSlice

T = TypeVar("T")


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
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        ...

    @property
    def column_slices(self) -> tuple[ColumnSlice, ...] | None:
        """Which elements of a row come from which array; None where these are not separate arrays."""
        ...

    def rows(self) -> StoredRows:
        """Return the rows, to be read one by one, where there is no obstacle."""
        ...

    def check(self) -> None:
        """Raise SpecError where the elements are not what they were when they were stored, as far as is known."""
        ...

    def read(self) -> NDArray[Any]:
        """Return the array as stored; raise SpecError where the file is damaged."""
        ...

    def sample(self, name: str) -> tuple[Cells, ...]:
        """Return the columns of the first rows."""
        ...


@dataclass(frozen=True, slots=True)
class Pair:
    """The inputs and targets of one split."""

    inputs: StoredInputs
    targets: StoredArray | None
    """None where they are the inputs."""
    weights: StoredArray | None = None
    """(rows,) or (rows, 1); None where all rows count alike."""

    @property
    def arrays(self) -> list[StoredInputs]:
        """Both, or the inputs alone."""
        return [self.inputs] if self.targets is None else [self.inputs, self.targets]


@dataclass
class ArraySource(DataSource):
    """The inputs and targets of each split, as arrays in files whose headers are sound."""

    pairs: Mapping[str, Pair]
    description: DataDescription
    context: DataContext

    @classmethod
    def of(
        cls, load: Load, pairs: Mapping[str, Pair], description: DataDescription, context: DataContext
    ) -> ArraySource:
        """Return the source, its rows to be read whole or in batches; raise SpecError where neither can be."""
        first = pairs["train"]
        staying = ["inputs"]
        if first.targets is not None and description.class_count is None and prod(description.target) > 1:
            staying.append("targets")
        stored, kept = (
            [part for pair in pairs.values() for array in pair.arrays[which] for part in array.parts]
            for which in (slice(len(staying)), slice(len(staying), None))
        )
        obstacles = {array.title: (array, found) for array in stored if (found := array.obstacle())}
        if load == "batches" and obstacles:
            with context.collector.together() as faults:
                for array, (why, help) in obstacles.values():
                    message = f"{array.what} cannot be read in batches: {why}"
                    faults.add("SN573", message, *array.place.key, help=help)
        numbers = sum(array.size + 4 * prod(array.shape) for array in stored)
        if load == "batches" or (load == "auto" and not obstacles and larger_than_half(numbers)):
            check_memory(kept, context.collector)
            description.batches = tuple(staying)
            description.reading = sum(_reading(array) for array in first.arrays[: len(staying)])
            return cls(pairs, description, context)
        description.help = BATCHES
        for array, (why, help) in obstacles.values():
            description.help = f"{array.what} cannot be read in batches: {why}; {help}"
        every = [part for pair in pairs.values() for array in pair.arrays for part in array.parts]
        check_memory(every, context.collector, description.help)
        description.loading = sum(part.size for part in every)
        description.loading += sum(pair.weights.size for pair in pairs.values() if pair.weights)
        if len(first.inputs.parts) == 1:
            description.stored = first.inputs.parts[0].type
        return cls(pairs, description, context)

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the arrays; inputs as stored, and targets as int64 where they are class indices."""
        parts = {}
        for name, (x, y) in self._each_split(self._rows).items():
            inputs = ArrayRows(x) if isinstance(x, np.ndarray) else x
            targets = self._held(y) if isinstance(y, np.ndarray) else y
            weights = self.pairs[name].weights
            parts[name] = DataPart(inputs, targets, None if weights is None else weights.read().reshape(-1))
        return parts

    def _held(self, targets: NDArray[Any]) -> NDArray[Any]:
        if self.description.class_count is not None:
            return targets.astype(np.int64)
        return targets.astype(np.float64) if targets.dtype.kind == "f" else targets

    def _rows(self, what: str, array: StoredInputs) -> NDArray[Any] | StoredRows:
        if what not in self.description.batches:
            return array.read()
        array.check()
        return array.rows()

    def samples(self) -> dict[str, Sample]:
        """Return the first rows of each split."""
        found = self._each_split(lambda what, array: array.sample(what.removesuffix("s")))
        return {
            name: Sample(inputs, targets or (), table=False)
            for name, (inputs, targets) in found.items()
            if inputs and (targets or targets is None)
        }

    def _each_split(self, read: Callable[[str, StoredInputs], T]) -> dict[str, tuple[T, T | None]]:
        """Return what is read of the inputs and targets of each split; raise SpecError with all faults."""
        found: dict[str, tuple[T, T | None]] = {}
        with self.context.collector.together() as faults:
            for name, pair in self.pairs.items():
                got: list[T] = []
                for what, array in zip(("inputs", "targets"), pair.arrays, strict=False):
                    with faults.catch():
                        got.append(read(what, array))
                if len(got) == len(pair.arrays):
                    found[name] = (got[0], got[1] if len(got) > 1 else None)
        return found


def _reading(array: StoredInputs) -> int:
    """Return the bytes of memory that reading rows of an array takes: as stored, and as float64."""
    shape = array.shape[1:]
    row = prod(shape) * (array.dtype.itemsize + 8) + 8
    if len(array.parts) > 1:
        row += sum(prod(part.shape[1:]) * part.dtype.itemsize for part in array.parts)
    return rows_at_once(shape) * row
