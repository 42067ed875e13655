"""One idx file, plain or compressed."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from specnet.data.arrays.file_rows import ByteRange
from specnet.data.arrays.stored import Obstacle, StoredArray
from specnet.data.opening import open_regular, open_unbuffered
from specnet.diagnostics import SpecError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.files import FilePlace

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Element types by the third byte of the file."""

RATIO = 1032
"""How many bytes one byte of a deflate stream can stand for at most."""

CHUNK = 1 << 20
Damaged = (EOFError, gzip.BadGzipFile, zlib.error)


@dataclass(frozen=True, eq=False)
class IdxFile(StoredArray):
    """One idx file, its header read."""

    def obstacle(self) -> Obstacle | None:
        """Return why rows cannot be read one by one, and how to fix it; None where they can."""
        if _is_gzip(self.place.path):
            return Obstacle(
                "it is compressed, so that no row can be read without all before it",
                "unpack it with `gunzip`, and name the file without .gz",
            )
        return None

    def byte_range(self) -> ByteRange:
        """Return where the elements lie, where there is no obstacle."""
        path, name, _, _ = self.place
        return ByteRange(path, name, self._header, self.dtype, self.shape)

    def check(self) -> None:
        """Raise SpecError where a file that is not compressed is longer than its header says."""
        if self.place.path.stat().st_size != self._header + self.size:
            raise self._too_long()

    def read(self) -> NDArray[Any]:
        """Return the array in the machine's own order of bytes; raise SpecError where the file is damaged."""
        self.check_memory()
        out = np.empty(self.shape, self.dtype)
        self._fill(memoryview(out.reshape(-1).view(np.uint8)))  # type: ignore[arg-type, unused-ignore]
        if out.dtype.isnative:
            return out
        return out.byteswap(inplace=True).view(out.dtype.newbyteorder())

    def head(self) -> NDArray[Any]:
        """Return the first rows; raise SpecError where they are damaged."""
        size = self.head_rows * self.size // self.shape[0]
        try:
            with self._opened() as file:
                data = file.read(size)
        except Damaged as error:
            raise self._damaged(error) from None
        if len(data) < size:
            raise self.place.error("SN531", f"{self.what} ends after {len(data)} bytes: it is truncated")
        return np.frombuffer(data, self.dtype).reshape(self.head_rows, *self.shape[1:])

    def check_plausible(self) -> None:
        """Raise SpecError for a header that claims more than the file can hold, before memory is taken for it."""
        there = self.place.path.stat().st_size
        shape = " x ".join(map(str, self.shape))
        if not prod(self.shape):
            raise self.place.error("SN543", f"{self.what} holds no elements: its shape is {shape}")
        if self.size + self._header > (there * RATIO if _is_gzip(self.place.path) else there):
            message = (
                f"{self.what} is truncated: its header declares {shape} elements, the file has {there} bytes"
            )
            raise self.place.error("SN531", message)

    @property
    def _header(self) -> int:
        return 4 + 4 * len(self.shape)

    def _opened(self) -> IO[bytes]:
        """Return the file, opened at its first element."""
        file = _opened(self.place.path)
        file.read(self._header)
        return file

    def _fill(self, view: memoryview) -> None:
        done = 0
        try:
            with self._opened() as file:
                while done < len(view):
                    got = file.readinto(view[done : done + CHUNK])  # type: ignore[attr-defined]
                    if not got:
                        message = f"{self.what} ends after {done} of {len(view)} bytes: it is truncated"
                        raise self.place.error("SN531", message)
                    done += got
                # Reading on to the end also makes gzip compare its checksum.
                if file.read(1):
                    raise self._too_long()
        except Damaged as error:
            raise self._damaged(error) from None

    def _too_long(self) -> SpecError:
        message = f"{self.what} holds more than the {self.size} bytes that its header declares"
        return self.place.error("SN531", message)

    def _damaged(self, error: Exception) -> SpecError:
        return self.place.error("SN531", f"{self.what} is damaged: {_reason(error)}")


def open_file(place: FilePlace) -> IdxFile:
    """Return a file, its header read; raise SpecError for what is wrong with it."""
    try:
        with _opened(place.path) as file:
            magic = file.read(4)
            if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not magic[3]:
                raise _no_idx_file(magic, place)
            sizes = file.read(4 * magic[3])
    except Damaged as error:
        raise place.error("SN531", f"`{place.name}` is damaged: {_reason(error)}") from None
    if len(sizes) < 4 * magic[3]:
        raise place.error("SN531", f"`{place.name}` is truncated within its header")
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))
    found = IdxFile(place, np.dtype(TYPES[magic[2]]), shape)
    found.check_plausible()
    return found


def _no_idx_file(magic: bytes, place: FilePlace) -> SpecError:
    if not magic:
        return place.error("SN531", f"`{place.name}` is empty")
    found = f"with the bytes {magic.hex(' ')}, not 00 00" if place.quotable else "not with 00 00"
    message = f"`{place.name}` is not an idx file: it starts {found}, a type and a number of axes"
    help = 'this is an npz file: `type = "npz"` reads it' if magic == b"PK\3\4" else None
    return place.error("SN530", message, help=help)


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
