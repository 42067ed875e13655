"""Where arrays lie, as compiled code is told."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

TILE = 16
"""Rows or columns that a part of a product has a multiple of."""


def address_of(array: Array) -> int:
    """Return the address of an array's first element."""
    address: int = array.__array_interface__["data"][0]
    return address


def product_parts(a: Array, b: Array, out: Array, parts: int) -> list[int]:
    """Return what the matrix library is called with for each part of a product's rows or columns."""
    a, b = np.atleast_2d(a), b if b.ndim == 2 else b[:, np.newaxis]
    (n, k), m, size = a.shape, b.shape[1], a.itemsize
    (a_t, a_step), (b_t, b_step) = _layout(a), _layout(b)
    by_rows = n >= m
    # Whole tiles of the library's kernels, but for the last.
    tiles = -(-max(n, m) // TILE)
    ends = [min(tiles * part // parts * TILE, max(n, m)) for part in range(parts + 1)]
    step = out.strides[0] // size if out.ndim == 2 and n > 1 else m
    found: list[int] = []
    for start, stop in pairwise(ends):
        own = (stop - start, m) if by_rows else (n, stop - start)
        first = address_of(a) + (start * a.strides[0] if by_rows else 0)
        second = address_of(b) + (0 if by_rows else start * b.strides[1])
        result = address_of(out) + start * size * (step if by_rows else 1)
        found += [a_t, b_t, *own, k, first, a_step, second, b_step, result, step]
    return found


def _layout(matrix: Array) -> tuple[int, int]:
    """Return whether a matrix lies column by column, and the elements from one row or column to the next."""
    rows, columns = (step // matrix.itemsize for step in matrix.strides)
    if columns == 1 or matrix.shape[1] == 1:
        return 0, max(rows, matrix.shape[1])
    return 1, max(columns, matrix.shape[0])
