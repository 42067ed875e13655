"""Arrays that begin with a cache line.

A vector of the processor then lies in one line. In the arrays of NumPy itself, which begin 16 bytes into one if they
are large, each vector of 64 bytes would lie in two.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LINE = 64
"""Bytes of a cache line, and of the longest vectors."""


def aligned(shape: tuple[int, ...], dtype: str = "uint8") -> Array:
    """Return an array whose numbers are not set yet, as `np.empty` does."""
    return _cut(np.empty(_room(shape, dtype), np.uint8), shape, dtype)


def filled(shape: tuple[int, ...], number: float, dtype: str) -> Array:
    """Return an array with the same number everywhere, as `np.full` does."""
    if number == 0:
        return _cut(np.zeros(_room(shape, dtype), np.uint8), shape, dtype)  # the system's own zeros
    array = aligned(shape, dtype)
    array.fill(number)
    return array


def _room(shape: tuple[int, ...], dtype: str) -> int:
    return prod(shape) * np.dtype(dtype).itemsize + LINE


def _cut(raw: Array, shape: tuple[int, ...], dtype: str) -> Array:
    start = -raw.ctypes.data % LINE
    return raw[start : start + raw.size - LINE].view(dtype).reshape(shape)
