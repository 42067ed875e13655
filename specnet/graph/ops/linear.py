"""Matrix products."""

from __future__ import annotations

from typing import Any

from specnet.graph.graph import ShapeFault, Value
from specnet.graph.op import Op
from specnet.graph.ops.shaping import reshape, rows
from specnet.runtime.shapes import Count, DType, Shape, count, show


def _sides(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, Shape]:
    a, b = (v.shape for v in inputs)
    return (a[::-1] if attributes["a_t"] else a), (b[::-1] if attributes["b_t"] else b)


def _infer_product(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    a, b = _sides(inputs, attributes)
    if len(a) != 2 or len(b) != 2 or a[1] != b[0]:
        raise ShapeFault(f"{show(a)} and {show(b)} have no matrix product", inputs[0])
    return (a[0], b[1]), inputs[0].dtype


def _kernel(value: Value) -> str:
    a = "{a:T}" if value.attributes["a_t"] else "{a}"
    b = "{b:T}" if value.attributes["b_t"] else "{b}"
    return f"dot({a}, {b}, {{o}})"


def _pullback(g: Value, y: Value, a: Value, b: Value, a_t: bool, b_t: bool) -> tuple[Value, Value]:
    to_a = product(b, g, a_t=b_t, b_t=True) if a_t else product(g, b, a_t=False, b_t=not b_t)
    to_b = product(g, a, a_t=True, b_t=a_t) if b_t else product(a, g, a_t=not a_t, b_t=False)
    return to_a, to_b


def _flops(value: Value) -> Count:
    a, b = _sides(value.inputs, value.attributes)
    return count((*a, b[1])) * Count(2)


product = Op("product", _infer_product, _kernel, _pullback, flops=_flops)
"""The product of two matrices, either of them transposed first (`a_t`, `b_t`)."""


def matmul(x: Value, w: Value) -> Value:
    """Return x·w, w (in, out), over the last axis of x: (batch, ..., in) to (batch, ..., out)."""
    if x.rank < 2 or w.rank != 2 or x.shape[-1] != w.shape[0]:
        raise ShapeFault(f"{show(x.shape)} and {show(w.shape)} have no matrix product", x)
    y = product(rows(x), w, a_t=False, b_t=False)
    return y if x.rank == 2 else reshape(y, shape=(*x.shape[:-1], w.shape[1]))
