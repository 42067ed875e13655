"""Rows of a batch, which compiled steps fetch themselves, by as many threads as share their work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.compiling import inner
from specnet.engines.numba.entries import ROWS
from specnet.engines.numba.language import int64_at, uint8_at

__all__ = ["fetch_rows"]

Array = np.ndarray[Any, Any]

SHARED = 1 << 14
"""Bytes of rows that are worth sharing out: some microseconds of reading them from memory."""

COPY = 6
"""Entries of a copy: where rows lie, the bytes from one to the next, the last one's number, where they go, how many are
taken, and the bytes of each."""


def fetch_table(copies: Sequence[tuple[Array, Array]], threads: int) -> Array | None:
    """Return the table of copies for `fetch_rows`, each from an array to one that takes some of its rows.

    It begins with how many parts they are shared out in, and their number. None where numbers of a row lie apart.
    """
    entries: list[int] = []
    for held, out in copies:
        if (
            not len(held)
            or held.dtype != out.dtype
            or not (held[0].flags.c_contiguous and out.flags.c_contiguous)
        ):
            return None
        row = held.itemsize * held[0].size
        entries += [address_of(held), held.strides[0], len(held) - 1, address_of(out), len(out), row]
    parts = threads if sum(out.nbytes for _, out in copies) >= SHARED else 1
    return np.array([parts, len(copies), *entries], np.int64)


@inner
def fetch_rows(t: Any, part: int) -> None:
    """Put a part of the rows whose places a step's table has where the step reads them."""
    places, g = int64_at(t[ROWS]), int64_at(t[ROWS + 1])
    parts = g[0]
    for number in range(g[1]):
        at = 2 + COPY * number
        source, step, last, out, rows, size = g[at], g[at + 1], g[at + 2], g[at + 3], g[at + 4], g[at + 5]
        for row in range(rows * part // parts, rows * (part + 1) // parts):
            a, b = uint8_at(source + min(max(places[row], 0), last) * step), uint8_at(out + row * size)
            # In vectors, which take less time than the system's copy where rows come from far away.
            for place in range(size):
                b[place] = a[place]
