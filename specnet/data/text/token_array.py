from __future__ import annotations

import tempfile
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.files import memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARE = 8
"""Up to which part of the machine's memory, one of so many, the tokens of a text are held in it."""


def token_array(pieces: Iterable[NDArray[np.int64]], tokens: int, largest: int | None = None) -> NDArray[Any]:
    """Return indices below `tokens` that come in pieces as one array of the smallest unsigned type that holds them.

    From `largest` bytes on, by default an eighth of the machine's memory, they are put into a temporary file that has
    no name, and the array is memory-mapped: nobody else can shorten this file while it is used.
    """
    dtype = np.min_scalar_type(max(0, tokens - 1))
    if largest is None:
        largest = (memory() or 1 << 33) // SHARE
    held: list[NDArray[Any]] = []
    size, remaining = 0, iter(pieces)
    for piece in remaining:
        held.append(piece.astype(dtype))
        size += held[-1].nbytes
        if size > largest:
            return _mapped(held, remaining, dtype)
    return np.concatenate(held) if held else np.empty(0, dtype)


def _mapped(
    held: list[NDArray[Any]], remaining: Iterable[NDArray[np.int64]], dtype: np.dtype[Any]
) -> NDArray[Any]:
    with tempfile.TemporaryFile() as file:
        for piece in held:
            piece.tofile(file)
        held.clear()
        for piece in remaining:
            piece.astype(dtype).tofile(file)
        file.flush()
        return np.memmap(file, dtype, "r")
