"""Sums and largest elements along axes, and softmax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from math import prod
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from specnet.engines.numba.kernels.compiled import inner, loops
from specnet.engines.numba.mathematics import exp, from_bits32, from_bits64, log

Array = np.ndarray[Any, Any]


def add_reduce(
    x: Array,
    axis: int | Sequence[int] = 0,
    dtype: Any = None,
    out: Array | None = None,
    keepdims: bool = False,
) -> Any:
    """Sum over axes as `numpy.add.reduce` does, into `out` or to a number."""
    shape = _outline(x, axis)
    if x.dtype.kind != "f" or len(shape) > 5:
        return np.add.reduce(x, axis, dtype, out, keepdims)  # type: ignore[call-overload]
    if out is None:
        return _total(x.reshape(-1))
    if len(shape) == 2:
        _add_last(x.reshape(shape), out.reshape(-1))
    else:
        # Of one sum, what stays behind it is the innermost loop.
        shape = (shape[0], 1, 1, *shape[1:]) if len(shape) == 3 else (*shape, *(1,) * (5 - len(shape)))
        _add_between(x.reshape(shape), out.reshape(shape[::2]))
    return out


def add_slices(x: Array, axes: tuple[int, int], s: Array, out: Array) -> None:
    """Sum over two axes."""
    add_reduce(x, axes, None, out)


def sum_between(x: Array, axes: tuple[int, ...], _: Array, out: Array) -> None:
    """Sum over neighbouring axes that others follow."""
    add_reduce(x, axes, None, out)


def maximum_reduce(x: Array, axis: int, dtype: Any, out: Array, keepdims: bool) -> None:
    """Write the largest elements along an axis."""
    shape = _outline(x, axis)
    if x.dtype.kind != "f":
        np.maximum.reduce(x, axis, dtype, out, keepdims)  # type: ignore[call-overload]
    elif len(shape) == 2:
        _largest_of_last(x.reshape(shape), out.reshape(-1))
    else:
        _largest(x.reshape(shape), out.reshape(shape[0], shape[2]))


def softmax(x: Array, axis: int, out: Array) -> None:
    """Write exp(x) / sum(exp(x)) along an axis, shifted by the largest so that nothing overflows."""
    _along(_softmax_of_last, _softmax, x, axis, out)


def log_softmax(x: Array, axis: int, out: Array) -> None:
    """Write x - log(sum(exp(x))) along an axis, shifted by the largest so that nothing overflows."""
    _along(_log_softmax_of_last, _log_softmax, x, axis, out)


def _along(
    of_last: Callable[..., None], between: Callable[..., None], x: Array, axis: int, out: Array
) -> None:
    """Call what computes something along the last axis, or along one that others follow."""
    at = axis % x.ndim
    before, size, behind = prod(x.shape[:at]), x.shape[at], prod(x.shape[at + 1 :])
    if behind == 1:
        rows, made = x.reshape(before, size), out.reshape(before, size)
        of_last(rows, rows.view(f"i{x.itemsize}"), made)
    else:
        between(x.reshape(before, size, behind), out.reshape(before, size, behind))


def _outline(x: Array, axis: int | Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of axes that stay and that are reduced in turns, the first of those that stay.

    Neighbours of one kind are taken together, and those of size 1 left out.
    """
    axes = {a % x.ndim for a in ((axis,) if isinstance(axis, int) else axis)}
    kinds = [(number in axes, size) for number, size in enumerate(x.shape) if size != 1]
    runs = [(reduced, prod(size for _, size in run)) for reduced, run in groupby(kinds, lambda kind: kind[0])]
    sizes = tuple(size for _, size in runs)
    if not runs or runs[0][0]:
        sizes = (1, *sizes)
    return sizes if len(sizes) > 1 else (*sizes, 1)


def number_of(bits: Any) -> Any:
    """Return the number that has the bits of an integer."""
    return bits.view(f"f{bits.itemsize}")


@overload(number_of)  # type: ignore[untyped-decorator]
def _number_of(bits: Any) -> Any:
    def single(bits: Any) -> Any:
        return from_bits32(bits)

    def double(bits: Any) -> Any:
        return from_bits64(bits)

    return single if bits == types.int32 else double


@loops
def _total(x: Array) -> Any:
    total = x.dtype.type(0)
    for i in range(x.size):
        total += x[i]
    return total


@loops
def _add_last(x: Array, out: Array) -> None:
    for i in range(len(x)):
        total = x.dtype.type(0)
        for j in range(x.shape[1]):
            total += x[i, j]
        out[i] = total


@loops
def _add_between(x: Array, out: Array) -> None:
    n, first, m, second, k = x.shape
    for i in range(n):
        for j in range(m):
            for c in range(k):
                out[i, j, c] = 0
            for a in range(first):
                pair = second - second % 2
                for b in range(0, pair, 2):
                    for c in range(k):
                        out[i, j, c] += x[i, a, j, b, c] + x[i, a, j, b + 1, c]
                for b in range(pair, second):
                    for c in range(k):
                        out[i, j, c] += x[i, a, j, b, c]


@inner
def _most(bits: Array) -> Any:
    """Return the bits of the largest number of a row, which are given as integers.

    With the bits behind the sign turned in negative ones, integers are in the order of the numbers. Unlike those, they
    are compared several at once: no NaN is among them. (A NaN has its way with a sum of exponentials in any case.)
    """
    kind = bits.dtype.type
    sign, most = kind(8 * bits.itemsize - 1), bits[0]
    behind = kind(~(kind(1) << sign))
    most = kind(most ^ (kind(most >> sign) & behind))
    for j in range(bits.size):
        most = max(most, kind(bits[j] ^ (kind(bits[j] >> sign) & behind)))
    return kind(most ^ (kind(most >> sign) & behind))


@loops
def _largest_of_last(x: Array, out: Array) -> None:
    for i in range(len(x)):
        most = x[i, 0]
        for j in range(1, x.shape[1]):
            most = x[i, j] if x[i, j] > most or x[i, j] != x[i, j] else most
        out[i] = most


@loops
def _largest(x: Array, out: Array) -> None:
    for i in range(len(x)):
        for c in range(x.shape[2]):
            out[i, c] = x[i, 0, c]
        for j in range(1, x.shape[1]):
            for c in range(x.shape[2]):
                a, b = out[i, c], x[i, j, c]
                out[i, c] = a if a >= b or a != a else b


@loops
def _softmax_of_last(x: Array, bits: Array, out: Array) -> None:
    for i in range(len(x)):
        most = number_of(_most(bits[i]))
        total = x.dtype.type(0)
        for j in range(x.shape[1]):
            power = exp(x[i, j] - most)
            out[i, j] = power
            total += power
        for j in range(x.shape[1]):
            out[i, j] /= total


@loops
def _log_softmax_of_last(x: Array, bits: Array, out: Array) -> None:
    kind = x.dtype.type
    for i in range(len(x)):
        most = number_of(_most(bits[i]))
        total = kind(0)
        for j in range(x.shape[1]):
            total += exp(x[i, j] - most)
        most += kind(log(total))
        for j in range(x.shape[1]):
            out[i, j] = x[i, j] - most


@loops
def _softmax(x: Array, out: Array) -> None:
    for i in range(len(x)):
        for c in range(x.shape[2]):
            most, total = x[i, 0, c], x.dtype.type(0)
            for j in range(1, x.shape[1]):
                most = max(most, x[i, j, c])
            for j in range(x.shape[1]):
                out[i, j, c] = exp(x[i, j, c] - most)
                total += out[i, j, c]
            for j in range(x.shape[1]):
                out[i, j, c] /= total


@loops
def _log_softmax(x: Array, out: Array) -> None:
    kind = x.dtype.type
    for i in range(len(x)):
        for c in range(x.shape[2]):
            most, total = x[i, 0, c], kind(0)
            for j in range(1, x.shape[1]):
                most = max(most, x[i, j, c])
            for j in range(x.shape[1]):
                total += exp(x[i, j, c] - most)
            shift = most + kind(log(total))
            for j in range(x.shape[1]):
                out[i, j, c] = x[i, j, c] - shift
