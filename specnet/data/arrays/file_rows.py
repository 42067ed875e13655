"""Rows of an array that stays in its file, uncompressed, and is read row by row.

The file is read, not mapped into memory. A mapping of a file that is truncated while it is used ends the process
with a signal that nothing can catch; its pages count as the process's memory; and it needs as much address space
as the file is long. Reads cost about a microsecond a row more, and come back short instead.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.files import FileFingerprint
from specnet.data.opening import open_unbuffered
from specnet.data.rows import AnyOrder

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Where an array's elements lie in a file, the last axis fastest."""

    path: Path
    name: str
    """The file as the document names it."""
    offset: int
    dtype: np.dtype[Any]
    """As stored, with the order of the bytes."""
    shape: tuple[int, ...]


class FileRows(AnyOrder):
    """Rows of an array in a file: any of them can be read at any time."""

    def __init__(self, where: ByteRange, fingerprint: FileFingerprint | None = None) -> None:
        self._where = where
        self._file = open_unbuffered(where.path)
        weakref.finalize(self, self._file.close)
        self._fingerprint = fingerprint or FileFingerprint.of(where.path, where.name)
        self.dtype = where.dtype
        self._bytes = self.dtype.itemsize * prod(where.shape[1:])

    def __reduce__(self) -> tuple[Any, ...]:
        """Have another process open the file for itself."""
        return FileRows, (self._where, self._fingerprint)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example; a plain number counts as (1,)."""
        return self._where.shape[1:] or (1,)

    def __len__(self) -> int:
        return self._where.shape[0]

    def begin(self, *, shuffled: bool = False) -> None:
        """Raise RunError if the file is no longer what it was; any row can be read at any time."""
        self._fingerprint.check()

    def read(self, places: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Put the rows at these places into `out` (places, ...), which is contiguous and of the rows' dtype.

        Rows that follow on each other come in one read.
        """
        view = memoryview(out.reshape(-1).view(np.uint8))  # type: ignore[arg-type, unused-ignore]
        size, numbers = self._bytes, places.tolist()
        start = 0
        while start < len(numbers):
            end = start + 1
            while end < len(numbers) and numbers[end] == numbers[end - 1] + 1:
                end += 1
            self._fill(view[start * size : end * size], self._where.offset + numbers[start] * size)
            start = end

    def _fill(self, view: memoryview, offset: int) -> None:
        self._file.seek(offset)
        done = 0
        while done < len(view):
            got = self._file.readinto(view[done:])
            if not got:
                raise self._fingerprint.changed("it is truncated")
            done += got
