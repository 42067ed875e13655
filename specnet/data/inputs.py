"""The arrays that a model takes, out of rows that hold the elements of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from specnet.data.signature import ONLY, InputArray, Padding

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


def padding_fault(rows: Array, padding: Padding) -> tuple[int, str] | None:
    """Return the first of some sequences (rows, steps, ...) with nothing but padding, or with some in them, and why."""
    there = ~_is_padding(rows, padding)
    faults = {
        "has no step that is not padding": ~there.any(axis=1),
        "has padding before its last step": (there[:, 1:] > there[:, :-1]).any(axis=1),
    }
    found = [(int(wrong.argmax()), why) for why, wrong in faults.items() if wrong.any()]
    return min(found, default=None)


def is_padded(targets: Array, padding: Padding) -> Array:
    """Return which of the tokens that sequences are to continue with are padding, (rows, steps) as the targets."""
    padded: Array = targets == 0
    if padding == "boundary":  # the first of them ends a sequence
        padded[:, 1:] = padded[:, :-1].copy()
        padded[:, 0] = False
    return padded


def _is_padding(rows: Array, padding: Padding) -> Array:
    """Return which steps of sequences (rows, steps, ...) are padding: (rows, steps)."""
    if padding != "nan":
        padded: Array = rows == 0
        if padding == "boundary":
            padded[:, 0] = False
        return padded
    return cast("Array", np.isnan(rows).all(axis=tuple(range(2, rows.ndim))))


def put_back(rows: Array, array: InputArray, elements: Array) -> None:
    """Put the elements of one array into flat rows (rows, width), where `cut` finds them."""
    flat, start = elements.reshape(len(rows), -1), 0
    for first, end in array.spans or ():
        rows[:, first:end] = flat[:, start : start + end - first]
        start += end - first


def token_fault(rows: Array, tokens: int) -> tuple[int, float] | None:
    """Return the first of some rows with a number that is not the index of one of so many tokens, and this number."""
    wrong = np.argwhere(~((rows >= 0) & (rows < tokens) & (rows == np.floor(rows))))
    return (int(wrong[0][0]), float(rows[tuple(wrong[0])])) if len(wrong) else None


def holds(made: Array, given: Array, array: InputArray) -> bool:
    """Return whether numbers are still what was given once they have been put into an array of its dtype.

    Of floats, they must be finite, except in steps of padding; as integers, they must be the same. Indices must be
    those of tokens.
    """
    padding = array.padding
    if padding is not None and padding_fault(made, padding) is not None:
        return False
    if padding == "nan":
        return bool((np.isfinite(made) | _is_padding(made, padding)[..., None]).all())
    if array.tokens and token_fault(given, array.tokens) is not None:
        return False
    if made.dtype.kind == "f":
        return are_finite(made)
    return given.dtype.kind in "bui" or np.array_equal(made, given)


def are_finite(numbers: Array) -> bool:
    """Return whether all of some numbers are finite. NumPy must already ignore what overflows."""
    # The sum is finite for nearly all finite numbers, and takes half the time.
    return isfinite(np.add.reduce(numbers, None)) or bool(np.isfinite(numbers).all())


def plain(arrays: Mapping[str, Array]) -> Encoded:
    """Return an only array as itself, and several by their names."""
    return arrays.get(ONLY, arrays)
