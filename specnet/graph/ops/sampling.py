"""Ops that find values between the places of an axis."""

from __future__ import annotations

from dataclasses import dataclass

from specnet.graph.attributes import Attributes, Prepared
from specnet.graph.graph import Kind, Op, Value
from specnet.graph.sizes import Count


@dataclass(frozen=True)
class FactorAttributes(Attributes):
    """How many new places there are for each old one."""

    factor: int


def _middle(value: Value) -> int:
    size = value.shape[1]
    assert value.rank == 3
    assert isinstance(size, int)
    return size


def _infer_resample(inputs: tuple[Value, ...], attributes: FactorAttributes) -> Kind:
    (x,) = inputs
    first, _, last = x.shape
    return (first, _middle(x) * attributes.factor, last), x.dtype


def _infer_gathered(inputs: tuple[Value, ...], attributes: FactorAttributes) -> Kind:
    (x,) = inputs
    first, _, last = x.shape
    return (first, _middle(x) // attributes.factor, last), x.dtype


def _products(value: Value) -> Count:
    return value.count * Count(2 * _middle(value.inputs[0]))


upsample: Op[FactorAttributes] = Op(
    "upsample",
    _infer_resample,
    "matmul({table}, {a}, {o})",
    lambda g, y, x, factor: (upsample_grad(g, factor=factor),),
    attributes=FactorAttributes,
    flops=_products,
    prepare=lambda value: {
        "table": Prepared("mixture", (_middle(value.inputs[0]), upsample.of(value).factor, value.dtype))
    },
)
"""`factor` places for each along the middle axis, mixed of the two old ones that are nearest.

(n, h, m) to (n, factor * h, m): new place i lies at (i + 1/2) / factor - 1/2, and no further out than the first and the
last of the old.
"""

upsample_grad: Op[FactorAttributes] = Op(
    "upsample_grad",
    _infer_gathered,
    "matmul({table}, {a}, {o})",
    lambda g, y, x, factor: (upsample(g, factor=factor),),
    attributes=FactorAttributes,
    flops=_products,
    prepare=lambda value: {
        "table": Prepared("mixture_back", (_middle(value), upsample_grad.of(value).factor, value.dtype))
    },
)
"""The transpose of `upsample`: what flows back through it."""
