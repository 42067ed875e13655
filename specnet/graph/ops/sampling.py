"""Ops that find values between the places of an axis."""

from __future__ import annotations

from typing import Any

from specnet.graph.graph import Value
from specnet.graph.op import Op
from specnet.runtime.shapes import Count, DType, Shape


def _middle(value: Value) -> int:
    size = value.shape[1]
    assert value.rank == 3
    assert isinstance(size, int)
    return size


def _infer_resample(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    (x,) = inputs
    first, _, last = x.shape
    return (first, _middle(x) * attributes["factor"], last), x.dtype


def _infer_gathered(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    (x,) = inputs
    first, _, last = x.shape
    return (first, _middle(x) // attributes["factor"], last), x.dtype


def mixture(size: int, factor: int) -> Any:
    """Return the matrix (size * factor, size) that says how much of each place is in each new one.

    New place i lies at (i + 1/2) / factor - 1/2, and no further out than the first and the last of the old.
    """
    import numpy as np

    at = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0.0, size - 1.0)
    return np.maximum(1.0 - np.abs(at[:, np.newaxis] - np.arange(size)), 0.0)


def _forth(value: Value, _: int) -> dict[str, Any]:
    return {"table": mixture(_middle(value.inputs[0]), value.attributes["factor"]).astype(value.dtype)}


def _back(value: Value, _: int) -> dict[str, Any]:
    return {"table": mixture(_middle(value), value.attributes["factor"]).T.astype(value.dtype, order="C")}


def _products(value: Value) -> Count:
    return value.count * Count(2 * _middle(value.inputs[0]))


resample: Op = Op(
    "resample",
    _infer_resample,
    "matmul({table}, {a}, {o})",
    lambda g, y, x, factor: (resampled_back(g, factor=factor),),
    flops=_products,
    prepare=_forth,
)
"""`factor` places for each along the middle axis, mixed of the two old ones that are nearest.

(n, h, m) to (n, factor * h, m).
"""

resampled_back: Op = Op(
    "resampled_back",
    _infer_gathered,
    "matmul({table}, {a}, {o})",
    lambda g, y, x, factor: (resample(g, factor=factor),),
    flops=_products,
    prepare=_back,
)
"""The transpose of `resample`: what flows back through it."""
