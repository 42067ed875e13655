from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from specnet.data.files import memory
from specnet.diagnostics.text import sized

if TYPE_CHECKING:
    from collections import Counter

    from numpy.typing import NDArray

    from specnet.data.arrays.file_rows import FileRows
    from specnet.data.files import DataContext
    from specnet.data.sample import Cells
    from specnet.diagnostics import KeyPath


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Where an array's elements lie in a file, the last axis fastest."""

    path: Path
    name: str
    """The file as the document names it."""
    offset: int
    dtype: str
    """As NumPy spells it, with the order of the bytes: `>f4`."""
    shape: tuple[int, ...]


class Obstacle(NamedTuple):
    """Why the rows of an array cannot be read one by one."""

    why: str
    help: str


class StoredArray(ABC):
    """An array in a file, whose header has been read."""

    key: KeyPath
    shape: tuple[int, ...]
    """(rows, ...)."""
    type: str
    """Kind and bytes of an element, such as `f4`."""

    @property
    @abstractmethod
    def what(self) -> str:
        """What a diagnostic calls it."""

    @property
    def title(self) -> str:
        """Its name, where it is clear what is spoken of."""
        return self.what

    @property
    @abstractmethod
    def size(self) -> int:
        """The bytes of the elements."""

    @property
    def parts(self) -> tuple[Self]:
        """The arrays that it is made of: itself."""
        return (self,)

    @property
    def column_slices(self) -> None:
        """None: its elements are not separate arrays."""
        return

    @abstractmethod
    def sound(self, context: DataContext) -> bool:
        """Return whether the elements are what they were when they were stored, as far as that can be checked."""

    @abstractmethod
    def read(self, context: DataContext) -> NDArray[Any] | None:
        """Return the array as stored, or note how the file is damaged."""

    @abstractmethod
    def cells(self, name: str, context: DataContext) -> tuple[Cells, ...]:
        """Return the columns of the first rows; none of elements that cannot be read without NumPy."""

    @abstractmethod
    def labels(self, context: DataContext) -> Counter[int] | None:
        """Return how often each value occurs, for whole numbers, one a row, without NumPy."""

    @abstractmethod
    def obstacle(self) -> Obstacle | None:
        """Return why rows cannot be read one by one, and how to fix it; None where they can."""

    @abstractmethod
    def byte_range(self) -> ByteRange:
        """Return where the elements lie, where there is no obstacle."""

    def rows(self) -> FileRows:
        """Return the rows, to be read one by one, where there is no obstacle."""
        from specnet.data.arrays.file_rows import FileRows

        return FileRows(self.byte_range())


def holds(array: StoredArray) -> bool:
    """Return whether the machine's memory can hold an array."""
    there = memory()
    return there is None or array.size <= there


def too_large(array: StoredArray, context: DataContext, help: str | None = None) -> bool:
    """Return whether the machine's memory cannot hold an array; note it if so."""
    there = memory()
    if there is None or holds(array):
        return False
    message = f"{array.what} holds {sized(array.size)}, of the machine's {sized(there)}"
    context.collector.add("SN570", message, *array.key, help=help)
    return True
