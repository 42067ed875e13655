"""Indices that come as numbers, and sums at indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.diagnostics import RunError

Array = np.ndarray[Any, Any]


def as_indices(x: Array, size: int, who: str, again: Array, wrong: Array, out: Array) -> None:
    """Write numbers as int64 indices; raise RunError unless they are whole and from 0 to size - 1.

    `again` and `wrong` are scratch of the shape of x, of its dtype and of bool.
    """
    np.copyto(out, x, "unsafe")
    np.copyto(again, out)
    np.not_equal(again, x, wrong)
    if wrong.any():
        found = wrong.argmax()
    elif out.size and out.min() < 0:
        found = out.argmin()
    elif out.size and out.max() >= size:
        found = out.argmax()
    else:
        return
    number = x.flat[found].item()
    shown = f"{number:g}" if isinstance(number, float) else str(number)
    raise RunError(
        f"{who} takes whole numbers from 0 to {size - 1}, since its input_dim is {size}, got {shown}"
    )


def scatter_add(x: Array, index: Array, columns: Array, at: Array, along: Array, out: Array) -> None:
    """Write zeros (n * m,), and add each row of x (rows * m,) where the row of its index begins.

    `columns` counts from 0 to m - 1, and `at` and `along` are scratch of int64 of x's shape.
    """
    width = len(columns)
    shape = (len(index), width)
    np.copyto(at.reshape(shape), index[:, np.newaxis])
    np.multiply(at, width, at)
    np.copyto(along.reshape(shape), columns)
    np.add(at, along, at)
    out.fill(0.0)
    np.add.at(out, at, x)
