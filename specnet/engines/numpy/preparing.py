"""What kernels need beside their operands, made once when a plan is bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from specnet.graph.attributes import Prepared
from specnet.graph.sizes import Count, DType, Size, Sizes

Array = np.ndarray[Any, Any]


def prepare(what: Prepared, sizes: Sizes) -> Any:
    """Return what a kernel needs, for these sizes."""
    return MAKERS[what.function](*(_at(argument, sizes) for argument in what.arguments))


def _at(argument: Any, sizes: Sizes) -> Any:
    """Return an argument with the sizes put in."""
    if isinstance(argument, Size | Count):
        return argument.at(sizes)
    if isinstance(argument, tuple) and type(argument) is tuple:
        return tuple(_at(part, sizes) for part in argument)
    return argument


def itself(what: Any) -> Any:
    """Return what is given."""
    return what


def vector(values: Sequence[float], dtype: DType) -> Array:
    """Return given numbers (n,)."""
    return np.array(values, dtype)


def filled(shape: int | tuple[int, ...], value: float, dtype: DType) -> Array:
    """Return an array that holds one number throughout."""
    return np.full(shape, value, dtype)


def multiples(length: int, step: int) -> Array:
    """Return 0, step, 2 * step, ... (length,) of int64."""
    return np.arange(length, dtype=np.int64) * step


def window(margins: Sequence[tuple[int, int]]) -> tuple[slice, ...]:
    """Return the index of what lies between margins, (before, after) for each axis."""
    return tuple(slice(before, -after if after else None) for before, after in margins)


def mixture(size: int, factor: int, dtype: DType) -> Array:
    """Return the matrix (size * factor, size) that says how much of each place is in each new one.

    New place i lies at (i + 1/2) / factor - 1/2, and no further out than the first and the last of the old.
    """
    at = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0.0, size - 1.0)
    return np.maximum(1.0 - np.abs(at[:, np.newaxis] - np.arange(size)), 0.0).astype(dtype)


def mixture_back(size: int, factor: int, dtype: DType) -> Array:
    """Return the transpose of `mixture`, laid out by rows."""
    return np.ascontiguousarray(mixture(size, factor, dtype).T)


MAKERS: dict[str, Callable[..., Any]] = {
    "filled": filled,
    "itself": itself,
    "mixture": mixture,
    "mixture_back": mixture_back,
    "multiples": multiples,
    "vector": vector,
    "window": window,
}
