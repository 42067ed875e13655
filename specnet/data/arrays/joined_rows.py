"""Rows of several arrays that stay in their file, side by side."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.rows import AnyOrder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from specnet.data.arrays.file_rows import FileRows


class JoinedRows(AnyOrder):
    """Rows of several arrays, each laid out flat: any of them can be read at any time."""

    def __init__(self, parts: Sequence[FileRows], dtype: np.dtype[Any]) -> None:
        self._parts = parts
        self.dtype = dtype
        self._widths = [prod(part.shape) for part in parts]
        self._scratch: list[NDArray[Any]] = [np.empty((0, *part.shape), part.dtype) for part in parts]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (elements,)."""
        return (sum(self._widths),)

    def __len__(self) -> int:
        return len(self._parts[0])

    def begin(self, *, shuffled: bool = False) -> None:
        """Raise RunError if the file is no longer what it was; any row can be read at any time."""
        for part in self._parts:
            part.begin(shuffled=shuffled)

    def apart(self, chosen: NDArray[np.intp] | None) -> JoinedRows:
        """Return the same rows, with memory of their own to read into."""
        return JoinedRows([part.apart(chosen) for part in self._parts], self.dtype)

    def read(self, places: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Put the rows at these places into `out` (places, elements)."""
        start, rows = 0, len(places)
        for i, (part, width) in enumerate(zip(self._parts, self._widths, strict=True)):
            if len(self._scratch[i]) < rows:
                self._scratch[i] = np.empty((rows, *part.shape), part.dtype)
            read = self._scratch[i][:rows]
            part.read(places, read)
            np.copyto(out[:, start : start + width], read.reshape(rows, width), casting="same_kind")
            start += width
