"""Memory for large arrays that are filled once."""

from __future__ import annotations

import mmap
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

HUGE = 4 << 20
"""Bytes from which NumPy asks for huge pages for an array."""

_PRIVATE: dict[str, Any] = (
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
)
"""Memory that is shared with other processes takes more time to fill."""


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array as `np.empty` does, a large one `in_small_pages`."""
    if prod(shape) * np.dtype(dtype).itemsize < HUGE:
        return np.empty(shape, dtype)
    return in_small_pages(shape, dtype)


def in_small_pages(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array that the system has back as soon as it is given up.

    Memory of this size that `malloc` gives may lie below what is still used then, and stay with the process. NumPy asks
    for huge pages for its own; to find and clear these can take several times as long as to fill them.
    """
    size = max(1, prod(shape) * np.dtype(dtype).itemsize)
    try:
        memory = mmap.mmap(-1, size, **_PRIVATE)
    except OSError as error:
        raise MemoryError(f"no memory for {size:,} bytes") from error
    return np.frombuffer(memory, dtype, prod(shape)).reshape(shape)
