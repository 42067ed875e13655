"""Matrix products."""

from __future__ import annotations

from specnet.graph.attributes import Attributes
from specnet.graph.graph import Op, ShapeFault, Value
from specnet.graph.operators import OPERATORS
from specnet.graph.ops.shaping import reshape, rows
from specnet.graph.ops.stretching import fit
from specnet.graph.rules import Printer
from specnet.graph.sizes import Count, Kind, Shape, broadcast, count, show


class MatmulAttributes(Attributes):
    """Which of the operands are transposed first."""

    a_t: bool = False
    b_t: bool = False


def _sides(inputs: tuple[Value, ...], attributes: MatmulAttributes) -> tuple[Shape, Shape]:
    a, b = (v.shape for v in inputs)
    return (_turned(a) if attributes.a_t else a), (_turned(b) if attributes.b_t else b)


def _turned(shape: Shape) -> Shape:
    return (*shape[:-2], *shape[:-3:-1])


def _infer_matmul(inputs: tuple[Value, ...], attributes: MatmulAttributes) -> Kind:
    a, b = _sides(inputs, attributes)
    lead = broadcast(a[:-2], b[:-2])
    if len(a) < 2 or len(b) < 2 or a[-1] != b[-2] or lead is None:
        raise ShapeFault(f"{show(a)} and {show(b)} have no matrix product", inputs[0])
    return (*lead, a[-2], b[-1]), inputs[0].dtype


def _kernel(value: Value) -> str:
    settings = MATMUL.of(value)
    a = "{a:T}" if settings.a_t else "{a}"
    b = "{b:T}" if settings.b_t else "{b}"
    return f"{'dot' if value.rank == 2 else 'matmul'}({a}, {b}, {{o}})"


def _pullback(g: Value, y: Value, a: Value, b: Value, a_t: bool, b_t: bool) -> tuple[Value, Value]:
    to_a = MATMUL(b, g, a_t=b_t, b_t=True) if a_t else MATMUL(g, b, a_t=False, b_t=not b_t)
    to_b = MATMUL(g, a, a_t=True, b_t=a_t) if b_t else MATMUL(a, g, a_t=not a_t, b_t=False)
    return fit(to_a, a.shape), fit(to_b, b.shape)


def _flops(value: Value) -> Count:
    a, _ = _sides(value.inputs, MATMUL.of(value))
    return value.count * count(a[-1:]) * Count(2)


def _printed(_: Printer, value: Value) -> str:
    settings = MATMUL.of(value)
    turned = ["" if v.rank == 2 else "m" for v in value.inputs]
    a = f"{{a}}.{turned[0]}T" if settings.a_t else "{a}"
    b = f"{{b}}.{turned[1]}T" if settings.b_t else "{b}"
    return f"{a} @ {b}"


def _onnx(value: Value) -> str:
    settings = MATMUL.of(value)
    a, b = (
        f"Transpose({name}, perm={[*range(v.rank - 2), v.rank - 1, v.rank - 2]})" if turned else name
        for name, v, turned in zip("ab", value.inputs, (settings.a_t, settings.b_t), strict=True)
    )
    return f"MatMul({a}, {b})"


MATMUL: Op[MatmulAttributes] = Op(
    "matmul",
    _infer_matmul,
    _kernel,
    _pullback,
    attributes=MatmulAttributes,
    flops=_flops,
    noun="product",
    printed=_printed,
    onnx=_onnx,
)
"""The product of two matrices, either of them transposed first (`a_t`, `b_t`), over the last two axes.

Axes in front of them are matched as element by element: (..., n, k) by (..., k, m) to (..., n, m).
"""


def matmul(x: Value, w: Value) -> Value:
    """Return x·w over the last axis of x.

    A matrix w (in, out) takes (..., in) to (..., out); otherwise axes in front are matched element by element.
    """
    if x.rank < 2 or w.rank < 2 or x.shape[-1] != w.shape[-2]:
        raise ShapeFault(f"{show(x.shape)} and {show(w.shape)} have no matrix product", x)
    if w.rank > 2:
        return MATMUL(x, w)
    y = MATMUL(rows(x), w)
    return y if x.rank == 2 else reshape(y, shape=(*x.shape[:-1], w.shape[1]))


OPERATORS["matmul"] = matmul
