from __future__ import annotations

import gzip
import zlib
from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from specnet.data.arrays.stored import ByteRange, Obstacle, StoredArray, too_large
from specnet.data.files import DataContext, FilePlace
from specnet.data.opening import open_regular, open_unbuffered
from specnet.data.sample import Cells, array_cells, leading_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.diagnostics import KeyPath

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}
"""Element types by the third byte of the file; all big-endian."""

RATIO = 1032
"""How many bytes one byte of a deflate stream can stand for at most."""

CHUNK = 1 << 20
Damaged = (EOFError, gzip.BadGzipFile, zlib.error)


@dataclass
class IdxFile(StoredArray):
    """One idx file, its header read."""

    path: Path
    name: str
    key: KeyPath
    type: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The size of the elements."""
        return prod(self.shape) * int(self.type[1])

    @property
    def what(self) -> str:
        """What a diagnostic calls it."""
        return f"`{self.name}`"

    def obstacle(self) -> Obstacle | None:
        """Return why rows cannot be read one by one, and how to fix it; None where they can."""
        if _is_gzip(self.path):
            return Obstacle(
                "it is compressed, so that no row can be read without all before it",
                "unpack it with `gunzip`, and name the file without .gz",
            )
        return None

    def byte_range(self) -> ByteRange:
        """Return where the elements lie, where there is no obstacle."""
        return ByteRange(self.path, self.name, self._header, f">{self.type}", self.shape)

    def sound(self, context: DataContext) -> bool:
        """Return whether the file is as long as its header says, where it is not compressed; note it if not."""
        if self.path.stat().st_size == self._header + self.size:
            return True
        message = f"`{self.name}` holds more than the {self.size} bytes that its header declares"
        context.collector.add("SN531", message, *self.key)
        return False

    @property
    def _header(self) -> int:
        return 4 + 4 * len(self.shape)

    def stream(self) -> IO[bytes]:
        """Return the file, opened at its first element."""
        file = _opened(self.path)
        file.read(self._header)
        return file

    def read(self, context: DataContext) -> NDArray[Any] | None:
        """Return the array as stored, or note how the file is damaged."""
        import numpy as np

        if too_large(self, context):
            return None
        out = np.empty(self.shape, np.dtype(self.type))
        view = memoryview(out.reshape(-1).view(np.uint8))  # type: ignore[arg-type, unused-ignore]
        if not self._fill(view, context):
            return None
        return out.byteswap(inplace=True) if out.dtype.itemsize > 1 else out

    def _fill(self, view: memoryview, context: DataContext) -> bool:
        done = 0
        try:
            with self.stream() as file:
                while done < len(view):
                    got = file.readinto(view[done : done + CHUNK])  # type: ignore[attr-defined]
                    if not got:
                        message = f"`{self.name}` ends after {done} of {len(view)} bytes: it is truncated"
                        context.collector.add("SN531", message, *self.key)
                        return False
                    done += got
                # Reading on to the end also makes gzip compare its checksum.
                if file.read(1):
                    message = f"`{self.name}` holds more than the {len(view)} bytes that its header declares"
                    context.collector.add("SN531", message, *self.key)
                    return False
        except Damaged as error:
            context.collector.add("SN531", f"`{self.name}` is damaged: {_reason(error)}", *self.key)
            return False
        return True

    def cells(self, name: str, context: DataContext) -> tuple[Cells, ...]:
        """Return the columns of the first rows; none of elements that cannot be read without NumPy."""
        import sys

        rows = leading_rows(self.shape, self.type)
        try:
            with self.stream() as file:
                size = rows * self.size // self.shape[0]
                data = file.read(size)
        except Damaged as error:
            context.collector.add("SN531", f"`{self.name}` is damaged: {_reason(error)}", *self.key)
            return ()
        if len(data) < size:
            context.collector.add(
                "SN531", f"`{self.name}` ends after {len(data)} bytes: it is truncated", *self.key
            )
            return ()
        return array_cells(name, data, self.type, rows, swapped=sys.byteorder == "little") if rows else ()

    def labels(self, context: DataContext) -> Counter[int] | None:
        """Return how often each value occurs, for whole numbers, one a row, without NumPy."""
        import array
        import sys

        raw = bytearray(self.size)
        if not self._fill(memoryview(raw), context):
            return None
        if self.type == "u1":
            return Counter(raw)
        values = array.array({"i1": "b", "i2": "h", "i4": "i"}[self.type], bytes(raw))
        if sys.byteorder == "little" and values.itemsize > 1:
            values.byteswap()
        return Counter(values)


def open_file(place: FilePlace) -> IdxFile | None:
    """Return a file, its header read, or note what is wrong with it."""
    path, name, key, context = place
    try:
        with _opened(path) as file:
            magic = file.read(4)
            if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not magic[3]:
                _note_magic(magic, name, key, context)
                return None
            sizes = file.read(4 * magic[3])
    except Damaged as error:
        context.collector.add("SN531", f"`{name}` is damaged: {_reason(error)}", *key)
        return None
    if len(sizes) < 4 * magic[3]:
        context.collector.add("SN531", f"`{name}` is truncated within its header", *key)
        return None
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))
    file_ = IdxFile(path, name, key, TYPES[magic[2]], shape)
    if not _plausible(file_, context):
        return None
    return file_


def _note_magic(magic: bytes, name: str, key: KeyPath, context: DataContext) -> None:
    if not magic:
        context.collector.add("SN531", f"`{name}` is empty", *key)
        return
    found = f"with the bytes {magic.hex(' ')}, not 00 00" if context.quotable else "not with 00 00"
    message = f"`{name}` is not an idx file: it starts {found}, a type and a number of axes"
    help = 'this is an npz file: `type = "npz"` reads it' if magic == b"PK\3\4" else None
    context.collector.add("SN530", message, *key, help=help)


def _plausible(file: IdxFile, context: DataContext) -> bool:
    """Refuse a header that claims more than the file can hold, before memory is taken for it."""
    there = file.path.stat().st_size
    header = 4 + 4 * len(file.shape)
    shape = " x ".join(map(str, file.shape))
    if not prod(file.shape):
        context.collector.add("SN543", f"`{file.name}` holds no elements: its shape is {shape}", *file.key)
        return False
    packed = _is_gzip(file.path)
    if file.size + header > (there * RATIO if packed else there):
        message = (
            f"`{file.name}` is truncated: its header declares {shape} elements, the file has {there} bytes"
        )
        context.collector.add("SN531", message, *file.key)
        return False
    return True


def _is_gzip(path: Path) -> bool:
    with open_regular(path) as file:
        return file.read(2) == b"\x1f\x8b"


def _opened(path: Path) -> IO[bytes]:
    if not _is_gzip(path):
        return open_unbuffered(path)
    packed = open_regular(path)
    unpacked = gzip.GzipFile(fileobj=packed, mode="rb")
    unpacked.myfileobj = packed  # type: ignore[assignment] # what it closes with itself
    return cast("IO[bytes]", unpacked)


def _reason(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "its compressed data end too early"
    return str(error)
