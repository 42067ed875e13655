"""The arrays of an npz file, which is a zip archive of .npy files."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from specnet.data.arrays.npy_array import Damaged, Extent, NpyArray
from specnet.data.arrays.npy_header import HeaderError, NpyHeader, read_header
from specnet.data.arrays.stored import Obstacle
from specnet.data.opening import open_regular
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.files import FilePlace
    from specnet.diagnostics import KeyPath

RATIO = 1100
"""How many bytes one compressed byte can stand for at most: 1032 in a deflate stream, and some spare."""

LOCAL_HEADER = 30
"""The bytes of a zip entry's own header before its name."""

CHUNK = 1 << 20


@dataclass(frozen=True, eq=False)
class NpzArray(NpyArray):
    """One array of an npz file, its header read."""

    name: str

    @property
    def what(self) -> str:
        """What a diagnostic calls it."""
        return f"array `{self.name}` of `{self.place.name}`"

    @property
    def title(self) -> str:
        """Its name, where it is clear what is spoken of."""
        return f"`{self.name}`"

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open the array's own bytes, from its header on."""
        with _zip_file(self.place.path) as archive, archive.open(self._info(archive)) as member:
            yield member

    def obstacle(self) -> Obstacle | None:
        """Return why rows cannot be read one by one, and how to fix it; None where they can."""
        with _zip_file(self.place.path) as archive:
            if self._info(archive).compress_type != zipfile.ZIP_STORED:
                return Obstacle(
                    "it is compressed, so that no row can be read without all before it",
                    "store it with `numpy.savez`, which does not compress, or as a .npy file with `numpy.save`",
                )
        return super().obstacle()

    def start(self) -> int:
        """Return where in the file the array's own bytes start, for one that is not compressed."""
        with _zip_file(self.place.path) as archive:
            place = self._info(archive).header_offset
        with open_regular(self.place.path) as file:
            file.seek(place)
            header = file.read(LOCAL_HEADER)
        # The entry's own header may have other extra fields than the archive's list of entries.
        name, extra = struct.unpack("<HH", header[26:])
        return int(place + LOCAL_HEADER + name + extra)

    def check(self) -> None:
        """Raise SpecError where the archive's checksum is not that of the elements."""
        try:
            with self.opened() as member:
                while member.read(CHUNK):
                    pass
        except Damaged as error:
            raise self.damaged(error) from None

    def extent(self) -> Extent:
        """Return how long the array's bytes are, and how long they may be by the compressed ones."""
        with _zip_file(self.place.path) as archive:
            info = self._info(archive)
        return Extent(info.file_size, info.compress_size * RATIO + RATIO)

    def _info(self, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        return members[self.name]


def open_arrays(place: FilePlace, names: Sequence[tuple[str, KeyPath]]) -> list[NpzArray]:
    """Return the named arrays of a file, their headers read; raise SpecError for all that is wrong with them."""
    path, file, _, context = place
    arrays: list[NpzArray] = []
    with context.collector.together() as faults:
        try:
            with _zip_file(path) as archive:
                members = [info.filename.removesuffix(".npy") for info in archive.infolist()]
            for name, key in names:
                if name in members:
                    with faults.catch():
                        arrays.append(NpzArray.of(place._replace(key=key), name=name))
                    continue
                near = closest(name, members) if place.quotable else None
                help = f"did you mean `{clipped(near)}`?" if near else place.known("it has", sorted(members))
                faults.add("SN521", f"`{file}` has no array `{name}`", *key, help=help)
        except Damaged as error:
            why = f": {clipped(str(error), 200)}" if place.quotable else ""
            raise place.error(
                "SN520", f"`{file}` is not a valid .npz file{why}", help=_instead(path)
            ) from None
    return arrays


def read_keys(place: FilePlace, names: Mapping[str, str | int]) -> dict[str, tuple[str, NDArray[Any]]]:
    """Return arrays of numbers, text or dates, each with what a message calls it, by the keys of `[data.split]`.

    Raises SpecError for all that is wrong with them.
    """
    collector = place.context.collector
    found: dict[str, tuple[str, NDArray[Any]]] = {}
    with collector.together() as faults:
        for key, name in names.items():
            with faults.catch():
                own = place._replace(key=("split", key))
                if isinstance(name, int):
                    message = f"arrays of `{place.name}` have names, and {name} is a number"
                    raise own.error("SN521", message)
                found[key] = (f"array `{name}` of `{place.name}`", _read_key(own, name))
    return found


def _read_key(place: FilePlace, name: str) -> NDArray[Any]:
    try:
        with _zip_file(place.path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if name in members:
                with archive.open(members[name]) as member:
                    header = read_header(member)
                if header.dtype.kind in "USMm":
                    info = members[name]
                    _check_extent(header, info)
                    with archive.open(info) as member:
                        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
                        return array
    except (*Damaged, HeaderError, ValueError) as error:
        why = f": {clipped(str(error), 200)}" if place.quotable else ""
        raise place.error("SN522", f"array `{name}` of `{place.name}` cannot be read{why}") from None
    (array_,) = open_arrays(place, [(name, place.key)])
    return array_.read()


def _check_extent(header: NpyHeader, info: zipfile.ZipInfo) -> None:
    """Raise ValueError for an array that claims more bytes than its compressed ones can stand for."""
    if prod(header.shape) * header.dtype.itemsize > info.compress_size * RATIO + RATIO:
        message = "it claims more elements than it holds"
        raise ValueError(message)


@contextmanager
def _zip_file(path: Path) -> Iterator[zipfile.ZipFile]:
    with open_regular(path) as file, zipfile.ZipFile(file) as archive:
        yield archive


def _instead(path: Path) -> str | None:
    with open_regular(path) as file:
        start = file.read(6)
    if start == b"\x93NUMPY":
        return 'it is a single array (.npy): `type = "npy"` reads those'
    return None
