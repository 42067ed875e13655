from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from math import prod
from tokenize import TokenError
from typing import IO, Any

import numpy as np

from specnet.engines.sharing import PARSING

LONGEST = 1 << 16
"""The longest header that is read; one of an array of numbers has about a hundred bytes."""

_UNREADABLE = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, TokenError, UserWarning)
"""What NumPy raises for a header that it cannot read, or warns of."""


class HeaderError(ValueError):
    """The start of a .npy file is none."""


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What a .npy file says of its array before the elements."""

    dtype: np.dtype[Any]
    """As stored, with the order of the bytes."""
    shape: tuple[int, ...]
    size: int
    """The bytes of the header itself."""
    fortran: bool = False
    """Whether the first axis runs fastest."""

    @property
    def type(self) -> str:
        """Kind and bytes of an element, such as `f4`; `V` where it has several fields."""
        return "V" if self.dtype.names is not None else type_of(self.dtype)

    @property
    def bytes(self) -> int:
        """The bytes of the elements."""
        return prod(self.shape) * self.dtype.itemsize


def type_of(dtype: np.dtype[Any]) -> str:
    """Return kind and bytes of an element, such as `f4`, whatever the order of the bytes."""
    return dtype.str[1:].partition("[")[0]


def read_header(file: IO[bytes]) -> NpyHeader:
    """Return the header at a file's position, and leave the position at the first element.

    The header is read by NumPy once it is known to be complete and not too long. Raises HeaderError.
    """
    start = file.read(8)
    if len(start) < 8 or start[:6] != np.lib.format.MAGIC_PREFIX:
        raise HeaderError("it does not start as a .npy file")
    # In version 3, only names of fields may have other characters, and arrays of numbers have none.
    read = {
        1: np.lib.format.read_array_header_1_0,
        2: np.lib.format.read_array_header_2_0,
        3: np.lib.format.read_array_header_2_0,
    }.get(start[6])
    if read is None:
        raise HeaderError(f"its .npy version {start[6]} is not known")
    width = 2 if start[6] == 1 else 4
    field = file.read(width)
    length = int.from_bytes(field, "little")
    if len(field) < width:
        raise HeaderError("its header is truncated")
    if length > LONGEST:
        raise HeaderError("its header is too long for an array of numbers")
    text = file.read(length)
    if len(text) < length:
        raise HeaderError("its header is truncated")
    try:
        # Filters of warnings are the whole process's, too.
        with PARSING.lock, warnings.catch_warnings(action="error"):
            shape, fortran, dtype = read(BytesIO(field + text), max_header_size=LONGEST)
    except _UNREADABLE as error:
        shapeless = str(error).startswith("shape is not valid")
        raise HeaderError("its header gives no shape" if shapeless else "its header is damaged") from None
    if not all(type(n) is int and n >= 0 for n in shape):
        raise HeaderError("its header gives no shape")
    return NpyHeader(dtype, shape, 8 + width + length, fortran)
