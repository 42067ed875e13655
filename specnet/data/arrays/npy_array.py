from __future__ import annotations

import sys
import zipfile
import zlib
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from specnet.data.arrays.stored import ByteRange, Obstacle, StoredArray, too_large
from specnet.data.files import DataContext
from specnet.data.npy import HeaderError, NpyHeader, read_header
from specnet.data.opening import open_regular
from specnet.data.sample import Cells, array_cells, leading_rows
from specnet.diagnostics.text import clipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.diagnostics import KeyPath

Damaged = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)

NO_HEADER = NpyHeader("V", False, (), 0)

CHUNK = 1 << 20


class Extent(NamedTuple):
    """How long the bytes of an array are, its header among them, and how many its file has for them."""

    claimed: int
    stored: int


@dataclass
class NpyArray(StoredArray):
    """An array in a .npy file, its header read."""

    path: Path
    file: str
    key: KeyPath
    header: NpyHeader = NO_HEADER

    @property
    def what(self) -> str:
        """What a diagnostic calls it."""
        return f"`{self.file}`"

    @property
    def size(self) -> int:
        """The bytes of the elements."""
        return self.header.bytes

    def opened(self) -> AbstractContextManager[IO[bytes]]:
        """Return the array's own bytes, from its header on."""
        return open_regular(self.path)

    def read(self, context: DataContext) -> NDArray[Any] | None:
        """Return the array as stored, or note how the file is damaged."""
        import numpy as np

        if too_large(self, context):
            return None
        try:
            with self.opened() as member:
                array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        except (*Damaged, ValueError) as error:
            self._note(error, context)
            return None
        return array

    def cells(self, name: str, context: DataContext) -> tuple[Cells, ...]:
        """Return the columns of the first rows; none of elements that cannot be read without NumPy."""
        header = self.header
        rows = leading_rows(header.shape, header.type)
        if not rows or (header.fortran and len(header.shape) > 1):
            return ()
        try:
            with self.opened() as member:
                read_header(member)
                data = member.read(rows * header.bytes // header.shape[0])
        except (*Damaged, ValueError) as error:
            self._note(error, context)
            return ()
        return array_cells(name, data, header.type, rows, swapped=header.swapped)

    def labels(self, context: DataContext) -> Counter[int] | None:
        """Return how often each value occurs, for whole numbers, one a row, without NumPy."""
        from array import array

        code = {"i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q"}
        found: Counter[int] = Counter()
        try:
            with self.opened() as member:
                read_header(member)
                while data := member.read(CHUNK):
                    values = array(code[self.header.type], data)
                    if self.header.swapped:
                        values.byteswap()
                    found.update(values)
        except (*Damaged, ValueError) as error:
            self._note(error, context)
            return None
        return found

    def obstacle(self) -> Obstacle | None:
        """Return why rows cannot be read one by one, and how to fix it; None where they can."""
        if self.header.fortran and len(self.header.shape) > 1:
            return Obstacle(
                "its first axis runs fastest (Fortran order), so a row is scattered over the file",
                "store it with `numpy.ascontiguousarray`",
            )
        return None

    def byte_range(self) -> ByteRange:
        """Return where the elements lie, where there is no obstacle."""
        other = ">" if sys.byteorder == "little" else "<"
        order = other if self.header.swapped else "="
        return ByteRange(
            self.path, self.file, self.start() + self.header.size, order + self.header.type, self.shape
        )

    def start(self) -> int:
        """Return where in the file the array's own bytes start."""
        return 0

    def sound(self, context: DataContext) -> bool:
        """Return whether what is stored beside the elements to check them by says that they are right."""
        return True

    def examine(self, context: DataContext) -> bool:
        """Read the header; note what is wrong with it, or with what it declares."""
        try:
            with self.opened() as member:
                header = self.header = read_header(member)
        except HeaderError as error:
            context.collector.add("SN522", f"{self.what} cannot be read: {error}", *self.key)
            return False
        except Damaged as error:
            self._note(error, context)
            return False
        self.shape, self.type = header.shape, header.type
        return self._plausible(context)

    def _extent(self) -> Extent:
        there = self.path.stat().st_size
        return Extent(there, there)

    def _plausible(self, context: DataContext) -> bool:
        """Refuse an array that is no numbers, or claims more than its file can hold."""
        header, collector = self.header, context.collector
        before = len(collector.found)
        shape = " x ".join(map(str, header.shape)) or "no axes"
        if header.type[0] not in "buif":
            kind = {"O": "pickled objects", "c": "complex numbers", "U": "text", "S": "text"}.get(
                header.type[0]
            )
            message = f"{self.what} holds {kind or 'elements of type ' + clipped(header.type)}, not numbers"
            help = "specnet never reads pickles" if header.type[0] == "O" else None
            collector.add("SN522", message, *self.key, help=help)
        elif not header.shape:
            collector.add("SN522", f"{self.what} is a single number, not rows", *self.key)
        elif not prod(header.shape):
            collector.add("SN543", f"{self.what} holds no elements: its shape is {shape}", *self.key)
        else:
            claimed, stored = self._extent()
            if header.bytes + header.size != claimed or claimed > stored:
                message = f"{self.what} is truncated: its header declares {shape} elements"
                collector.add("SN520", message, *self.key)
        return len(collector.found) == before

    def _note(self, error: Exception, context: DataContext) -> None:
        why = f": {clipped(str(error), 200)}" if context.quotable else ""
        context.collector.add("SN520", f"{self.what} is damaged{why}", *self.key)
