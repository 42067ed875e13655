"""Kernels as lists of calls: what views they need are made once, when a plan is bound to arrays, not at every step.

A step of a network of images makes some hundred calls of NumPy on parts of arrays that are the same every time. To
make these parts again takes as long as a small call itself, and holds the interpreter, which other workers wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy._core import umath

Array = np.ndarray[Any, Any]
Call = tuple[Callable[..., object], tuple[Any, ...]]
"""A function, and what it is called with."""


READY = 10_000
"""Calls that a plan makes ready: up to 5 MiB of views, where arrays of so many pieces take twenty times as much."""


class Remade:
    """Calls that are made again whenever they are performed."""

    def __init__(self, make: Callable[[], Iterable[Call]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[Call]:
        return iter(self._make())


def perform(calls: Iterable[Call]) -> None:
    """Make calls, one after the other."""
    for function, arguments in calls:
        function(*arguments)


def _clip(x: Array, low: Any, high: Any, out: Array) -> None:
    np.maximum(x, low, out=out)
    np.minimum(out, high, out=out)


clip: Callable[[Array, Any, Any, Array], object] = getattr(umath, "clip", _clip)
"""Bounds elements from below and above; NaN stays.

`np.clip` reaches the same ufunc through Python code that takes as long as 4,000 elements. `np.maximum` with one number
is not vectorised: for 16,384 elements in float32 it takes 6.4 µs, and this 2.1.
"""


def maximum(a: Array, b: Array | float, out: Array) -> None:
    """Write the larger of each two elements to `out`, which NumPy wants to be named."""
    np.maximum(a, b, out=out)


BRANCHLESS = 4_096
"""Elements that are chosen by their bits: of fewer, the calls take longer than what they save."""

_BITS: dict[Any, Any] = {np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64)}


def choose(condition: Array, a: Any, b: Any, out: Array, scratch: Array) -> None:
    """Write a where a condition is true, and b elsewhere; b may lie in `out`.

    NumPy's own way takes a branch for each run of equal truth values: 250 µs for 65,536 of them at random, 17 for rows
    of 256, and these five passes over bits take 23 for either.
    """
    bits = _BITS.get(out.dtype)
    alike = all(not isinstance(x, np.ndarray) or x.dtype == out.dtype for x in (a, b))
    if out.size < BRANCHLESS or bits is None or not alike:
        if out is not b:
            np.copyto(out, b)
        np.copyto(out, a, where=condition)
        return
    mask, chosen = scratch.view(bits), out.view(bits)
    first, second = (out.dtype.type(x).view(bits) if np.ndim(x) == 0 else x.view(bits) for x in (a, b))
    np.copyto(mask, condition)
    np.subtract(mask, 1, mask)  # all bits where the condition is false
    np.bitwise_xor(second, first, chosen)
    np.bitwise_and(chosen, mask, chosen)
    np.bitwise_xor(chosen, first, chosen)


FEW, ROWS = 4, 48
"""Elements of rows that are compared column by column, and how many rows there must be for each column."""


def maximum_reduce(x: Array, axis: int, dtype: Any, out: Array, keepdims: bool) -> None:
    """Write the largest elements along an axis, as `np.maximum.reduce` does.

    That takes 28 µs for 1,024 rows of two numbers, and to compare the columns 2: its inner loop is over a row.
    """
    size = x.shape[axis]
    last = axis in (-1, x.ndim - 1) and keepdims
    if not (last and 1 < size <= FEW and x.size >= ROWS * size * (size - 1)):
        np.maximum.reduce(x, axis, dtype, out, keepdims)  # type: ignore[call-overload]
        return
    np.maximum(x[..., :1], x[..., 1:2], out=out)
    for column in range(2, size):
        np.maximum(out, x[..., column : column + 1], out=out)


def sum_rows(x: Array, ones: Array, more: Array, overwrite: bool, out: Array) -> Iterable[Call]:
    """Add the sum over all axes but the last to `out`, or `overwrite` it."""
    rows = x.reshape(-1, x.shape[-1])
    yield np.dot, (ones[: len(rows)], rows, out if overwrite else more)
    if not overwrite:
        yield np.add, (out, more, out)


def sum_between(x: Array, axes: tuple[int, ...], ones: Array, out: Array) -> None:
    """Sum over neighbouring axes that others follow: each matrix of what remains is multiplied by as many ones."""
    before, behind = x.shape[: axes[0]], prod(x.shape[axes[-1] + 1 :])
    np.matmul(ones, x.reshape(*before, len(ones), behind), out.reshape(*before, behind))


def add_up(sums: Sequence[Array]) -> None:
    """Add to the first of some arrays the others, in their order."""
    whole = sums[0]
    for more in sums[1:]:
        np.add(whole, more, whole)


BUFFER = 256
"""Elements that NumPy buffers for each operand where slices are added: smaller buffers take longer."""


def add_slices(x: Array, axes: tuple[int, int], s: Array, out: Array) -> None:
    """Sum over two axes, of which the first is summed over into scratch."""
    first, second = axes
    with np.errstate():
        np.setbufsize(BUFFER)
        _add_along(x, first, s)
        _add_along(s, second - 1, out)


def _add_along(x: Array, axis: int, out: Array) -> None:
    slices = np.moveaxis(x, axis, 0)
    if len(slices) == 1:
        np.copyto(out, slices[0])
        return
    np.add(slices[0], slices[1], out)
    for more in slices[2:]:
        np.add(out, more, out)
