"""Stretching along axes and summing over them: each is the other's gradient."""

from __future__ import annotations

from specnet.graph.attributes import Prepared
from specnet.graph.graph import Op, ShapeFault, Value
from specnet.graph.leaves import constant
from specnet.graph.ops.shaping import AxesAttributes, ShapeAttributes, reshape
from specnet.graph.rules import Printer, per_input
from specnet.graph.sizes import Count, DType, Kind, Shape, Size, broadcast, show


def _infer_expand(inputs: tuple[Value, ...], attributes: ShapeAttributes) -> Kind:
    (x,), shape = inputs, attributes.shape
    if broadcast(x.shape, shape) != shape:
        raise ShapeFault(f"{show(x.shape)} cannot be stretched to {show(shape)}", x)
    return shape, x.dtype


def _expand_onnx(value: Value) -> str:
    # An axis of size 1 takes on the size that the operand has along it: that of the batch, for one.
    (x,) = value.inputs
    own = (*[None] * (value.rank - x.rank), *x.shape)
    sizes = ("1" if size == dim else str(dim) for dim, size in zip(value.shape, own, strict=True))
    return f"Expand(a, [{', '.join(sizes)}])"


expand: Op[ShapeAttributes] = Op(
    "expand",
    _infer_expand,
    "copyto({o}, {a})",
    lambda g, y, x, shape: (fit(g, x.shape),),
    attributes=ShapeAttributes,
    elementwise=True,
    formula=lambda _: "a",
    flops=0,
    noun="expanded",
    printed=lambda _, value: (
        "np.broadcast_to({a}, {shape})" if value.inputs[0].shape else "np.full({shape}, {a}, {dtype})"
    ),
    onnx=_expand_onnx,
)
"""A value repeated along new axes and axes of size 1."""


def _infer_sum(inputs: tuple[Value, ...], attributes: AxesAttributes) -> Kind:
    (x,) = inputs
    shape = tuple(dim for i, dim in enumerate(x.shape) if i not in attributes.axes)
    return shape, x.graph.dtype if x.dtype == "bool" else x.dtype


def _stretch(g: Value, x: Value, axes: tuple[int, ...]) -> Value:
    """Lay a reduced value along the axes that it was reduced over."""
    kept = tuple(1 if i in axes else dim for i, dim in enumerate(x.shape))
    return expand(reshape(g, shape=kept) if g.rank else g, shape=x.shape)


def _of_columns(value: Value) -> bool:
    """Whether all axes but the last are summed over, of floats."""
    (x,) = value.inputs
    return bool(value.shape) and reduce_sum.of(value).axes == tuple(range(x.rank - 1)) and x.dtype != "bool"


def _by_product(value: Value) -> str:
    """Return the product with a vector of ones that a sum is, or nothing where it is none.

    A product is three to four times as fast as a reduction (128 x 256 in float32: 1.8 µs instead of 4.9 along the first
    axis, 2.0 instead of 7.8 along the second).
    """
    (x,) = value.inputs
    axes = reduce_sum.of(value).axes
    if not value.shape or x.dtype not in ("float32", "float64"):
        return ""
    if _of_columns(value):
        return "dot({ones}, {a:rows}, {o})"
    if axes == (x.rank - 1,):
        return "dot({a:rows}, {ones}, {o:flat})"
    # A few long matrices. Of many small ones, each would be a call of the matrix library.
    few = isinstance(x.shape[-2], Size) and not any(isinstance(dim, Size) for dim in x.shape[:-2])
    return "matmul({ones}, {a}, {o})" if axes == (x.rank - 2,) and few else ""


def _of_middle(value: Value) -> bool:
    """Whether neighbouring axes are summed over that others follow, as by global pooling: a product for each matrix.

    NumPy adds what lies behind these axes at a time, which are few numbers: 64 images of 28 x 28 x 24 take 620 µs on
    one thread, and as products with a vector of ones 69. Products would copy arrays of a loop, which may lie apart.
    """
    (x,) = value.inputs
    axes = reduce_sum.of(value).axes
    if x.graph.depth or x.dtype not in ("float32", "float64") or not value.shape:
        return False
    neighbours = axes == tuple(range(axes[0], axes[0] + len(axes))) and axes[-1] < x.rank - 1
    return neighbours and not _by_product(value)


def _sum_kernel(value: Value) -> str:
    (x,) = value.inputs
    if not value.shape:
        return "{o} = count_nonzero({a})" if x.dtype == "bool" else "{o} = float(add_reduce({a:flat}))"
    if _of_few(value):
        return "add_slices({a}, {axes}, {s}, {o})"
    if _of_middle(value):
        return "sum_between({a}, {axes}, {ones}, {o})"
    return _by_product(value) or "add_reduce({a}, {axes}, None, {o})"


FEW = 4
"""Slices along an axis that are worth adding one by one."""


def _of_few(value: Value) -> bool:
    """Whether few numbers are summed along each of two axes that lie apart, as in the gradient of upsampling.

    To add slices takes a seventh of the time of a reduction there (64 x 14 x 2 x 14 x 2 x 16: 0.2 ms instead of 1.5).
    """
    (x,) = value.inputs
    axes = reduce_sum.of(value).axes
    outermost = x.graph.depth == 0 and x.dtype in ("float32", "float64")
    if len(axes) != 2 or not outermost or axes[1] - axes[0] < 2 or axes[1] == x.rank - 1:
        return False
    return all(isinstance(dim, int) and dim <= FEW for dim in (x.shape[axis] for axis in axes))


def _sum_scratch(value: Value) -> list[Kind]:
    if not _of_few(value):
        return []
    first, _ = reduce_sum.of(value).axes
    (x,) = value.inputs
    return [((*x.shape[:first], *x.shape[first + 1 :]), x.dtype)]


def _sum_ones(value: Value) -> dict[str, Prepared]:
    (x,) = value.inputs
    by_product = _of_columns(value) or _of_middle(value) or _by_product(value)
    return {"ones": ones(x.count // value.count, x.dtype)} if by_product else {}


def ones(count: Count, dtype: DType) -> Prepared:
    """Return a vector of ones, by which a matrix is multiplied to sum its rows or columns."""
    return Prepared("filled", (count, 1.0, dtype))


def _sum_by_rows(value: Value) -> str:
    return "sum_rows({a}, {ones}, {more}, {overwrite}, {o})" if _of_columns(value) else ""


def _printed_sum(_: Printer, value: Value) -> str:
    axes = reduce_sum.of(value).axes
    options = [f"axis={axes[0] if len(axes) == 1 else axes}"] if value.shape else []
    if value.inputs[0].dtype == "bool" and value.shape:
        options.append("dtype={dtype}")
    return f"np.sum({', '.join(['{a}', *options])})"


def _sum_onnx(value: Value) -> str:
    a = "Cast(a, to={dtype})" if value.inputs[0].dtype == "bool" else "a"
    return f"ReduceSum({a}, {{axes}}, keepdims=0)"


reduce_sum: Op[AxesAttributes] = Op(
    "reduce_sum",
    _infer_sum,
    _sum_kernel,
    lambda g, y, x, axes: (_stretch(g, x, axes),),
    attributes=AxesAttributes,
    flops=per_input(1),
    scratch=_sum_scratch,
    prepare=_sum_ones,
    sums=_sum_by_rows,
    noun="total",
    printed=_printed_sum,
    onnx=_sum_onnx,
)
"""The sum over some axes, which it drops."""


def fit(gradient: Value, shape: Shape) -> Value:
    """Sum a gradient over the axes along which its value was stretched, so that it has the value's shape."""
    if gradient.shape == shape:
        return gradient
    if broadcast(gradient.shape, shape) == shape:
        return expand(gradient, shape=shape)
    lead = gradient.rank - len(shape)
    axes = tuple(range(lead)) + tuple(
        lead + i for i, dim in enumerate(shape) if dim == 1 and gradient.shape[lead + i] != 1
    )
    summed = reduce_sum(gradient, axes=axes)
    if not summed.rank:
        return expand(summed, shape=shape) if shape else summed
    return summed if summed.shape == shape else reshape(summed, shape=shape)


def zeros_like(x: Value) -> Value:
    """Return zeros of a value's shape."""
    return expand(constant(x.graph, 0.0), shape=x.shape)
