from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from specnet.data.arrays.file_rows import ByteRange, FileRows
from specnet.data.arrays.npy_header import type_of
from specnet.data.files import FilePlace, memory
from specnet.data.sample import BYTES, Cells, array_cells
from specnet.diagnostics.text import sized

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specnet.data.collector import Collector


class Obstacle(NamedTuple):
    """Why the rows of an array cannot be read one by one."""

    why: str
    help: str


@dataclass(frozen=True, eq=False)
class StoredArray(ABC):
    """An array in a file, whose header has been read."""

    place: FilePlace
    """The file, and where the document names the array."""
    dtype: np.dtype[Any]
    """As stored, with the order of the bytes."""
    shape: tuple[int, ...]
    """(rows, ...)."""

    @property
    def what(self) -> str:
        """What a diagnostic calls it."""
        return f"`{self.place.name}`"

    @property
    def title(self) -> str:
        """Its name, where it is clear what is spoken of."""
        return self.what

    @property
    def type(self) -> str:
        """Kind and bytes of an element, such as `f4`."""
        return type_of(self.dtype)

    @property
    def size(self) -> int:
        """The bytes of the elements."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def parts(self) -> tuple[Self]:
        """The arrays that it is made of: itself."""
        return (self,)

    @property
    def column_slices(self) -> None:
        """None: its elements are not separate arrays."""
        return

    @abstractmethod
    def check(self) -> None:
        """Raise SpecError where the elements are not what they were when they were stored, as far as is known."""

    @abstractmethod
    def read(self) -> NDArray[Any]:
        """Return the array as stored; raise SpecError where it is damaged, or the memory cannot hold it."""

    @abstractmethod
    def head(self) -> NDArray[Any]:
        """Return the first `head_rows` rows; raise SpecError where they are damaged."""

    def sample(self, name: str) -> tuple[Cells, ...]:
        """Return the columns of the first rows."""
        return array_cells(name, self.head())

    @property
    def head_rows(self) -> int:
        """How many rows a sample takes."""
        return min(self.shape[0], BYTES // max(1, self.dtype.itemsize * prod(self.shape[1:])))

    @abstractmethod
    def obstacle(self) -> Obstacle | None:
        """Return why rows cannot be read one by one, and how to fix it; None where they can."""

    @abstractmethod
    def byte_range(self) -> ByteRange:
        """Return where the elements lie, where there is no obstacle."""

    def rows(self) -> FileRows:
        """Return the rows, to be read one by one, where there is no obstacle."""
        return FileRows(self.byte_range())

    @property
    def fits(self) -> bool:
        """Whether the machine's memory can hold it."""
        there = memory()
        return there is None or self.size <= there

    def check_memory(self, help: str | None = None) -> None:
        """Raise SpecError where the machine's memory cannot hold it."""
        if not self.fits:
            message = f"{self.what} holds {sized(self.size)}, of the machine's {sized(memory() or 0)}"
            raise self.place.error("SN570", message, help=help)


def check_memory(arrays: Iterable[StoredArray], collector: Collector, help: str | None = None) -> None:
    """Raise SpecError naming each array that the machine's memory cannot hold."""
    with collector.together() as faults:
        for array in arrays:
            with faults.catch():
                array.check_memory(help)
