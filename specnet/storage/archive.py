"""Arrays in an archive that `numpy.load` opens, of plain numbers only: nothing in it can run code."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np

from specnet.data.arrays.npy_header import HeaderError, read_header
from specnet.data.opening import open_regular

Array = np.ndarray[Any, Any]

BROKEN = (
    zipfile.BadZipFile,
    HeaderError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    struct.error,
)
"""What `read_arrays` raises for a file that is damaged, beside OSError."""

_DTYPES = {"f4": np.float32, "f8": np.float64, "i8": np.int64, "u1": np.uint8, "b1": np.bool_}
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_arrays(file: IO[bytes], arrays: Mapping[str, Array]) -> None:
    """Write arrays into an open file; equal arrays give equal bytes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            # A fixed date, since the moment of writing would make equal models differ.
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True) as entry:
                _write(entry, np.asarray(array, order="C"))


def _write(entry: IO[bytes], array: Array) -> None:
    """Write an array as `np.lib.format.write_array` does, which copies large ones on the way."""
    np.lib.format.write_array_header_1_0(entry, np.lib.format.header_data_from_array_1_0(array))
    if array.size:
        entry.write(array.reshape(-1).view(np.uint8).data)


def read_arrays(file: Path | IO[bytes]) -> dict[str, Array]:
    """Return a file's arrays by name; raises OSError, or one of `BROKEN`.

    No more memory is taken than the file has bytes.
    """
    with ExitStack() as stack:
        opened = stack.enter_context(open_regular(file)) if isinstance(file, Path) else file
        archive = stack.enter_context(zipfile.ZipFile(opened))
        check_sizes(archive)
        return {_name(entry): _read(archive, entry) for entry in archive.infolist()}


def check_sizes(archive: zipfile.ZipFile) -> None:
    """Raise ValueError where an archive's entries are compressed, lie over each other, or bear one name."""
    entries = archive.infolist()
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise ValueError(f"`{entry.filename}` in it is compressed, which specnet never writes")
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        raise ValueError("two of its entries have the same name")
    assert archive.fp is not None
    archive.fp.seek(0, io.SEEK_END)
    if sum(entry.file_size for entry in entries) > archive.fp.tell():
        raise ValueError("its entries claim more bytes than the file has")


def _name(entry: zipfile.ZipInfo) -> str:
    if not entry.filename.endswith(".npy"):
        raise ValueError(f"`{entry.filename}` in it is not an array")
    return entry.filename.removesuffix(".npy")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Array:
    content = io.BytesIO(archive.read(entry))
    header = read_header(content)
    if header.type not in _DTYPES:
        kind = "Python objects" if header.type.startswith("O") else f"the type {header.type}"
        raise ValueError(f"`{entry.filename}` in it holds {kind}, and not numbers")
    if header.bytes != entry.file_size - header.size:
        raise ValueError(f"`{entry.filename}` in it is not as long as its shape says")
    content.seek(0)
    array: Array = np.lib.format.read_array(content, allow_pickle=False)
    return np.asarray(array, _DTYPES[header.type], order="C")
