from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.data.faults import closest, listed
from specnet.data.files import Place, Site, memory
from specnet.data.npy import Header, HeaderError, read_header
from specnet.data.sample import Cells, array_cells, leading_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.diagnostics import KeyPath

Damaged = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)

RATIO = 1100
"""How many bytes one compressed byte can stand for at most: 1032 in a deflate stream, and some spare."""


NO_HEADER = Header("V", False, (), 0)


@dataclass
class NpzArray:
    """One array of a file, its header read."""

    path: Path
    file: str
    name: str
    key: KeyPath
    header: Header = NO_HEADER

    def read(self, site: Site) -> NDArray[Any] | None:
        """Return the array as stored, or note how the file is damaged."""
        import numpy as np

        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.name}.npy") as member:
                array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        except (*Damaged, ValueError) as error:
            site.faults.add("SN520", f"array `{self.name}` of `{self.file}` is damaged: {error}", *self.key)
            return None
        return array

    def cells(self, name: str, site: Site) -> tuple[Cells, ...]:
        """Return the columns of the first rows; none of elements that cannot be read without NumPy."""
        header = self.header
        rows = leading_rows(header.shape, header.type)
        if not rows or (header.fortran and len(header.shape) > 1):
            return ()
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.name}.npy") as member:
                read_header(member)
                data = member.read(rows * header.bytes // header.shape[0])
        except (*Damaged, ValueError) as error:
            site.faults.add("SN520", f"array `{self.name}` of `{self.file}` is damaged: {error}", *self.key)
            return ()
        return array_cells(name, data, header.type, rows, swapped=header.swapped)

    def labels(self, site: Site) -> Counter[int] | None:
        """Return how often each value occurs, for whole numbers, one a row, without NumPy."""
        from array import array

        code = {"i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q"}
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.name}.npy") as member:
                read_header(member)
                values = array(code[self.header.type], member.read())
        except (*Damaged, ValueError) as error:
            site.faults.add("SN520", f"array `{self.name}` of `{self.file}` is damaged: {error}", *self.key)
            return None
        if self.header.swapped:
            values.byteswap()
        return Counter(values)


def open_arrays(place: Place, names: Sequence[tuple[str, KeyPath]]) -> list[NpzArray] | None:
    """Return the named arrays of a file, their headers read, or note what is wrong with them."""
    path, file, file_key, site = place.path, place.name, place.key, place.site
    before = len(site.faults.found)
    arrays: list[NpzArray] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            for name, key in names:
                if name in members:
                    arrays += _open_array(NpzArray(path, file, name, key), archive, members[name], site)
                    continue
                near = closest(name, members)
                cure = f"did you mean `{near}`?" if near else f"it has {listed(sorted(members))}"
                site.faults.add("SN521", f"`{file}` has no array `{name}`", *key, help=cure)
    except Damaged as error:
        message = f"`{file}` is no sound npz file: {error}"
        site.faults.add("SN520", message, *file_key, help=_instead(path))
    return arrays if len(site.faults.found) == before else None


def _open_array(
    array: NpzArray, archive: zipfile.ZipFile, info: zipfile.ZipInfo, site: Site
) -> list[NpzArray]:
    what = f"array `{array.name}` of `{array.file}`"
    try:
        with archive.open(info) as member:
            array.header = read_header(member)
    except HeaderError as error:
        site.faults.add("SN522", f"{what} cannot be read: {error}", *array.key)
        return []
    except Damaged as error:
        site.faults.add("SN520", f"{what} is damaged: {error}", *array.key)
        return []
    _check(array, info, site)
    return [array]


def _instead(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(6)
    if start == b"\x93NUMPY":
        return "it is a single array (.npy); join inputs and targets with numpy.savez"
    return None


def _check(array: NpzArray, info: zipfile.ZipInfo, site: Site) -> None:
    """Refuse an array that is no numbers, or claims more than its file can hold."""
    header, faults = array.header, site.faults
    shape = " x ".join(map(str, header.shape)) or "no axes"
    what = f"array `{array.name}` of `{array.file}`"
    if header.type[0] not in "buif":
        kind = {"O": "pickled objects", "c": "complex numbers", "U": "text", "S": "text"}.get(header.type[0])
        message = f"{what} holds {kind or 'elements of type ' + header.type}, not numbers"
        cure = "specnet never reads pickles" if header.type[0] == "O" else None
        faults.add("SN522", message, *array.key, help=cure)
    elif not header.shape:
        faults.add("SN522", f"{what} is a single number, not rows", *array.key)
    elif not prod(header.shape):
        faults.add("SN543", f"{what} holds no elements: its shape is {shape}", *array.key)
    elif header.bytes + header.size != info.file_size or info.file_size > info.compress_size * RATIO + RATIO:
        message = f"{what} is cut off: its header tells of {shape} elements"
        faults.add("SN520", message, *array.key)
    else:
        there = memory()
        if there is not None and header.bytes > there:
            message = f"{what} holds {header.bytes / 2**30:.1f} GiB, of the machine's {there / 2**30:.1f} GiB"
            faults.add("SN570", message, *array.key)
