"""Ops that find values between the places of an axis."""

from __future__ import annotations

from specnet.graph.attributes import Attributes, Prepared
from specnet.graph.graph import Op, Value
from specnet.graph.sizes import Count, Kind, static


class FactorAttributes(Attributes):
    """How many new places there are for each old one."""

    factor: int


def _middle(value: Value) -> int:
    assert value.rank == 3
    return static(value.shape[1])


def _infer_upsample(inputs: tuple[Value, ...], attributes: FactorAttributes) -> Kind:
    (x,) = inputs
    first, _, last = x.shape
    return (first, _middle(x) * attributes.factor, last), x.dtype


def _infer_upsample_grad(inputs: tuple[Value, ...], attributes: FactorAttributes) -> Kind:
    (x,) = inputs
    first, _, last = x.shape
    return (first, _middle(x) // attributes.factor, last), x.dtype


def _flops(value: Value) -> Count:
    return value.count * Count(2 * _middle(value.inputs[0]))


_MIXTURE = """\
def mixture(size, factor):
    at = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
    return np.maximum(1 - np.abs(at[:, None] - np.arange(size)), 0).astype(dtype)"""

upsample: Op[FactorAttributes] = Op(
    "upsample",
    _infer_upsample,
    "matmul({table}, {a}, {o})",
    lambda g, y, x, factor: (upsample_grad(g, factor=factor),),
    attributes=FactorAttributes,
    flops=_flops,
    prepare=lambda value: {
        "table": Prepared("mixture", (_middle(value.inputs[0]), upsample.of(value).factor, value.dtype))
    },
    noun="upsampled",
    helper=(
        _MIXTURE,
        """\
def upsample(x, factor):
    return mixture(x.shape[1], factor) @ x""",
    ),
    onnx="MatMul(table, a)",
)
"""`factor` places for each along the middle axis, mixed of the two old ones that are nearest.

(n, h, m) to (n, factor * h, m): new place i lies at (i + 1/2) / factor - 1/2, and no further out than the first and the
last of the old.
"""

upsample_grad: Op[FactorAttributes] = Op(
    "upsample_grad",
    _infer_upsample_grad,
    "matmul({table}, {a}, {o})",
    lambda g, y, x, factor: (upsample(g, factor=factor),),
    attributes=FactorAttributes,
    flops=_flops,
    prepare=lambda value: {
        "table": Prepared("mixture_back", (_middle(value), upsample_grad.of(value).factor, value.dtype))
    },
    noun="downsampled",
    helper=(
        _MIXTURE,
        """\
def upsample_grad(x, factor):
    return mixture(x.shape[1] // factor, factor).T @ x""",
    ),
    onnx="MatMul(table, a)",
)
"""The transpose of `upsample`: what flows back through it."""
