"""The arrays that a model takes, out of rows that hold the elements of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.signature import ONLY, InputArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Encoded = np.ndarray[Any, Any] | Mapping[str, np.ndarray[Any, Any]]
"""Rows as a model takes them: an array, or several by their names."""


def cut(rows: Array, array: InputArray) -> Array:
    """Return the elements of whole rows (rows, ...) that one array holds, laid out as it is."""
    if array.spans is None:
        return rows
    flat = rows.reshape(len(rows), -1)
    parts = [flat[:, start:end] for start, end in array.spans]
    elements = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return elements.reshape(len(rows), *array.shape)


def put_back(rows: Array, array: InputArray, elements: Array) -> None:
    """Put the elements of one array into flat rows (rows, width), where `cut` finds them."""
    flat, start = elements.reshape(len(rows), -1), 0
    for first, end in array.spans or ():
        rows[:, first:end] = flat[:, start : start + end - first]
        start += end - first


def holds(made: Array, given: Array) -> bool:
    """Return whether numbers are still what was given once they have been put into an array of its dtype.

    Of floats, they must be finite; as integers, they must be the same.
    """
    if made.dtype.kind == "f":
        # The sum of the squares is finite for nearly all finite numbers, and takes half the time.
        return isfinite(np.vdot(made, made)) or bool(np.isfinite(made).all())
    return given.dtype.kind in "bui" or np.array_equal(made, given)


def plain(arrays: Mapping[str, Array]) -> Encoded:
    """Return an only array as itself, and several by their names."""
    return arrays.get(ONLY, arrays)
