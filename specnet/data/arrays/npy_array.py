from __future__ import annotations

import zipfile
import zlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import prod
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from specnet.data.arrays.file_rows import ByteRange
from specnet.data.arrays.npy_header import HeaderError, NpyHeader, read_header
from specnet.data.arrays.stored import Obstacle, StoredArray
from specnet.data.opening import open_regular
from specnet.diagnostics import SpecError
from specnet.diagnostics.text import clipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.files import FilePlace

Damaged = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)

_NO_NUMBERS = {"O": "pickled objects", "c": "complex numbers", "U": "text", "S": "text"}
"""What arrays of other kinds than numbers hold."""


class Extent(NamedTuple):
    """How long the bytes of an array are, its header among them, and how many its file has for them."""

    claimed: int
    stored: int


@dataclass(frozen=True, eq=False)
class NpyArray(StoredArray):
    """An array in a .npy file, its header read."""

    header: NpyHeader

    @classmethod
    def of(cls, place: FilePlace, **fields: Any) -> Self:
        """Return an array, its header read; raise SpecError for what is wrong with it, or with what it declares."""
        array = cls(place, np.dtype("V"), (), NpyHeader(np.dtype("V"), (), 0), **fields)
        try:
            with array.opened() as member:
                header = read_header(member)
        except HeaderError as error:
            raise place.error("SN522", f"{array.what} cannot be read: {error}") from None
        except Damaged as error:
            raise array.damaged(error) from None
        array = cls(place, header.dtype, header.shape, header, **fields)
        array.check_plausible()
        return array

    def opened(self) -> AbstractContextManager[IO[bytes]]:
        """Return the array's own bytes, from its header on."""
        return open_regular(self.place.path)

    def read(self) -> NDArray[Any]:
        """Return the array as stored; raise SpecError where it is damaged, or the memory cannot hold it."""
        self.check_memory()
        try:
            with self.opened() as member:
                array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        except (*Damaged, ValueError) as error:
            raise self.damaged(error) from None
        return array

    def check(self) -> None:
        """Do nothing: a .npy file holds nothing to check its elements by."""

    def head(self) -> NDArray[Any]:
        """Return the first rows; none of an array whose first axis runs fastest."""
        count = 0 if self._scattered else self.head_rows
        size = count * self.dtype.itemsize * prod(self.shape[1:])
        try:
            with self.opened() as member:
                read_header(member)
                data = member.read(size)
        except (*Damaged, ValueError) as error:
            raise self.damaged(error) from None
        if len(data) < size:
            raise self.damaged(EOFError("it is truncated"))
        return np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])

    @property
    def _scattered(self) -> bool:
        """Whether the elements of a row do not follow on each other."""
        return self.header.fortran and len(self.shape) > 1

    def obstacle(self) -> Obstacle | None:
        """Return why rows cannot be read one by one, and how to fix it; None where they can."""
        if self._scattered:
            return Obstacle(
                "its first axis runs fastest (Fortran order), so a row is scattered over the file",
                "store it with `numpy.ascontiguousarray`",
            )
        return None

    def byte_range(self) -> ByteRange:
        """Return where the elements lie, where there is no obstacle."""
        path, name, _, _ = self.place
        return ByteRange(path, name, self.start() + self.header.size, self.dtype, self.shape)

    def start(self) -> int:
        """Return where in the file the array's own bytes start."""
        return 0

    def extent(self) -> Extent:
        """Return how long the array's bytes are."""
        there = self.place.path.stat().st_size
        return Extent(there, there)

    def check_plausible(self) -> None:
        """Raise SpecError for an array that is no numbers, or claims more than its file can hold."""
        header, place = self.header, self.place
        shape = " x ".join(map(str, header.shape)) or "no axes"
        if header.type[0] not in "buif":
            kind = _NO_NUMBERS.get(header.type[0]) or f"elements of type {clipped(header.type)}"
            help = "specnet never reads pickles" if header.type[0] == "O" else None
            raise place.error("SN522", f"{self.what} holds {kind}, not numbers", help=help)
        if not header.shape:
            raise place.error("SN522", f"{self.what} is a single number, not rows")
        if not prod(header.shape):
            raise place.error("SN543", f"{self.what} holds no elements: its shape is {shape}")
        claimed, stored = self.extent()
        if header.bytes + header.size != claimed or claimed > stored:
            raise place.error("SN520", f"{self.what} is truncated: its header declares {shape} elements")

    def damaged(self, error: Exception) -> SpecError:
        """Return what to raise where reading fails."""
        why = f": {clipped(str(error), 200)}" if self.place.quotable else ""
        return self.place.error("SN520", f"{self.what} is damaged{why}")
