"""Sums at indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.engines.numba.kernels.compiled import loops

Array = np.ndarray[Any, Any]


def scatter_add(x: Array, index: Array, columns: Array, at: Array, along: Array, out: Array) -> None:
    """Write zeros (n * m,), and add each row of x (rows * m,) where the row of its index begins."""
    width = len(columns)
    _scatter_add(x.reshape(len(index), width), index, out.reshape(-1, width))


@loops
def _scatter_add(x: Array, index: Array, out: Array) -> None:
    out[:] = 0
    last = len(out) - 1
    for i in range(index.size):
        row = min(max(index[i], 0), last)
        for j in range(x.shape[1]):
            out[row, j] += x[i, j]
