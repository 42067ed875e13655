"""Ops that rearrange elements."""

from __future__ import annotations

from specnet.graph.attributes import Attributes
from specnet.graph.graph import Op, ShapeFault, Value
from specnet.graph.record import Unexportable
from specnet.graph.rules import Printer
from specnet.graph.sizes import Kind, Shape, Size, count, joined, show, static


class ShapeAttributes(Attributes):
    """The shape of the result."""

    shape: Shape


class AxesAttributes(Attributes):
    """Axes, counted from 0."""

    axes: tuple[int, ...]


def _infer_reshape(inputs: tuple[Value, ...], attributes: ShapeAttributes) -> Kind:
    (x,), shape = inputs, attributes.shape
    assert bool(x.rank) == bool(shape), "a scalar has no memory that could be seen as an array"
    if count(shape) != x.count:
        raise ShapeFault(
            f"{show(x.shape)} cannot be reshaped to {show(shape)}: the numbers of elements differ", x
        )
    return shape, x.dtype


def _printed_reshape(printer: Printer, value: Value) -> str:
    (x,) = value.inputs
    settings, last = x.attributes, value.rank - 1
    summed = isinstance(settings, AxesAttributes) and settings.axes == (last,) and x.op.name == "reduce_sum"
    if summed and value.shape[-1] == 1 and x.rank == last and not printer.has_name(x):
        kind = ", dtype={dtype}" if x.inputs[0].dtype == "bool" else ""
        return f"np.sum({{a.a}}, axis=-1, keepdims=True{kind})"
    # One axis follows from the others.
    several = sum(isinstance(dim, Size) for dim in value.shape) > 1
    sizes = ("-1" if isinstance(dim, Size) and not several else printer.size(dim) for dim in value.shape)
    return f"{{a}}.reshape({', '.join(sizes)})"


reshape: Op[ShapeAttributes] = Op(
    "reshape",
    _infer_reshape,
    attributes=ShapeAttributes,
    pullback=lambda g, y, x, shape: (reshape(g, shape=x.shape),),
    alias=True,
    flops=0,
    noun="reshaped",
    printed=_printed_reshape,
    onnx=lambda value: (
        f"Reshape(a, [{', '.join('-1' if isinstance(d, Size) else str(d) for d in value.shape)}])"
    ),
)
"""The same elements, in the same order, in another shape."""


def _infer_transpose(inputs: tuple[Value, ...], attributes: AxesAttributes) -> Kind:
    (x,), axes = inputs, attributes.axes
    if sorted(axes) != list(range(x.rank)):
        raise ShapeFault(f"the axes {axes} are not an ordering of the {x.rank} axes of {show(x.shape)}", x)
    return tuple(x.shape[axis] for axis in axes), x.dtype


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


transpose: Op[AxesAttributes] = Op(
    "transpose",
    _infer_transpose,
    "copyto({o}, {a}.transpose({axes}))",
    lambda g, y, x, axes: (transpose(g, axes=_inverse(axes)),),
    attributes=AxesAttributes,
    flops=0,
    noun="transposed",
    printed="np.transpose({a}, {axes})",
    onnx="Transpose(a, perm={axes})",
)
"""The axes in another order."""


def _infer_pack(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    total = 0
    for value in inputs:
        size = value.count
        assert not size.powers, "only arrays of a fixed size are packed"
        total += size.each
    return (total,), inputs[0].dtype


pack: Op[Attributes] = Op(
    "pack",
    _infer_pack,
    flops=0,
    noun="packed",
    printed="np.concatenate([array.ravel() for array in [{inputs}]])",
    onnx=Unexportable("it lays arrays out in the memory of a plan"),
)
"""Arrays of fixed size end to end in one vector; a plan lets each be computed in its place there."""


def _infer_ones_row(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    rows, *rest = inputs[0].shape
    return (static(rows) + 1, *rest), inputs[0].dtype


append_ones_row: Op[Attributes] = Op(
    "append_ones_row",
    _infer_ones_row,
    "copyto({o}[:-1], {a})\n{o}[-1] = 1.0",
    flops=0,
    noun="with_ones",
    printed="np.pad({a}, ((0, 1), (0, 0)), constant_values=1)",
    onnx="Pad(a, [0, 0, 1, 0], 1.0)",
)
"""A matrix with a last row of ones: (n, m) to (n + 1, m). A plan computes the matrix in its place above the ones."""


def _infer_ones_column(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    *rest, columns = inputs[0].shape
    return (*rest, static(columns) + 1), inputs[0].dtype


append_ones_column: Op[Attributes] = Op(
    "append_ones_column",
    _infer_ones_column,
    "copyto({o}[:, :-1], {a})\n{o}[:, -1] = 1.0",
    flops=0,
    noun="with_ones",
    printed="np.pad({a}, ((0, 0), (0, 1)), constant_values=1)",
    onnx="Pad(a, [0, 0, 0, 1], 1.0)",
)
"""A matrix with a last column of ones: (n, m) to (n, m + 1)."""


def rows(x: Value) -> Value:
    """Return a value as a matrix: all axes but the last joined into one."""
    if x.rank == 2:
        return x
    return reshape(x, shape=(joined(x.shape[:-1]), x.shape[-1]))


def flat(x: Value) -> Value:
    """Return the value of each example as one row: (batch, ...) to (batch, n)."""
    return x if x.rank == 2 else reshape(x, shape=(x.shape[0], joined(x.shape[1:])))
