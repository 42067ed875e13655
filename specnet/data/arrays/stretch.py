from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from specnet.data.faults import sized
from specnet.data.files import memory

if TYPE_CHECKING:
    from specnet.data.files import Site
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
    cure: str


class Sized(Protocol):
    """An array in a file, and how many bytes it takes as stored."""

    key: KeyPath

    @property
    def what(self) -> str:
        """What a diagnostic calls it."""
        ...

    @property
    def size(self) -> int:
        """The bytes of the elements."""
        ...


def holds(array: Sized) -> bool:
    """Return whether the machine's memory can hold an array."""
    there = memory()
    return there is None or array.size <= there


def too_large(array: Sized, site: Site, cure: str | None = None) -> bool:
    """Return whether the machine's memory cannot hold an array; note it if so."""
    there = memory()
    if there is None or holds(array):
        return False
    message = f"{array.what} holds {sized(array.size)}, of the machine's {sized(there)}"
    site.faults.add("SN570", message, *array.key, help=cure)
    return True
