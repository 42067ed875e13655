from __future__ import annotations

import ast
import re
import struct
import sys
from dataclasses import dataclass
from math import prod
from typing import IO

LONGEST = 1 << 16
"""The longest header that is read; one of an array of numbers has about a hundred bytes."""


class HeaderError(ValueError):
    """The start of a .npy file is none."""


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What a .npy file says of its array before the elements."""

    type: str
    """Kind and bytes of an element, such as `f4`; a kind alone where it is no plain number."""
    swapped: bool
    """Whether the bytes of an element stand in the order that this machine doesn't use."""
    shape: tuple[int, ...]
    size: int
    """The bytes of the header itself."""
    fortran: bool = False
    """Whether the first axis runs fastest."""

    @property
    def bytes(self) -> int:
        """The bytes of the elements."""
        return prod(self.shape) * int(self.type[1:] or 0)


def read_header(file: IO[bytes]) -> NpyHeader:
    """Return the header at a file's position, and leave the position at the first element.

    The format is NumPy's, versions 1 to 3: the magic bytes, two of version, the header's length in two or
    four bytes, little-endian, and a Python literal of a dictionary. Raises HeaderError.
    """
    start = file.read(8)
    if len(start) < 8 or start[:6] != b"\x93NUMPY":
        raise HeaderError("it does not start as a .npy file")
    form = {1: "<H", 2: "<I", 3: "<I"}.get(start[6])
    if form is None:
        raise HeaderError(f"its .npy version {start[6]} is not known")
    width = struct.calcsize(form)
    field = file.read(width)
    if len(field) < width:
        raise HeaderError("its header is truncated")
    length = struct.unpack(form, field)[0]
    if length > LONGEST:
        raise HeaderError("its header is too long for an array of numbers")
    text = file.read(length)
    if len(text) < length:
        raise HeaderError("its header is truncated")
    try:
        entries = ast.literal_eval(text.decode("utf-8" if start[6] == 3 else "latin-1").strip())
        descr, shape = entries["descr"], entries["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError, RecursionError, MemoryError):
        raise HeaderError("its header is damaged") from None
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise HeaderError("its header gives no shape")
    match = re.fullmatch(r"([<>|=])([a-zA-Z])(\d*)(\[.*\])?", descr) if isinstance(descr, str) else None
    if match is None:
        return NpyHeader("V", False, shape, 8 + width + length)
    order, kind, size = match[1], match[2], match[3]
    swapped = order == (">" if sys.byteorder == "little" else "<")
    return NpyHeader(kind + size, swapped, shape, 8 + width + length, bool(entries.get("fortran_order")))
