"""Ops that take class indices."""

from __future__ import annotations

from specnet.graph.attributes import Attributes, Prepared
from specnet.graph.graph import Op, ShapeFault, Value
from specnet.graph.rules import Printer
from specnet.graph.sizes import Count, Dim, DType, Kind, count, show, static


class ClassesAttributes(Attributes):
    """How many classes there are, or places of an axis."""

    classes: Dim


class SizeAttributes(Attributes):
    """How many rows the table has."""

    size: int


class CastAttributes(Attributes):
    """The dtype of the result."""

    to: DType


class IndicesAttributes(Attributes):
    """How many rows there are to choose from, and whose they are."""

    size: int
    who: str


def _infer_take_along_axis(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    x, index = inputs
    if x.shape[:-1] != index.shape:
        raise ShapeFault(f"{show(index.shape)} indices do not fit {show(x.shape)}", index)
    return index.shape, x.dtype


def _first_of_row(classes: Dim, rows: Count) -> dict[str, Prepared]:
    return {"first": Prepared("multiples", (rows, classes))}


def _printed_take(printer: Printer, value: Value) -> str:
    if value.rank == 1:
        return f"{{a}}[np.arange({printer.size(value.shape[0])}), {{b}}]"
    return "np.take_along_axis({a}, {b}[..., None], -1)[..., 0]"


take_along_axis: Op[Attributes] = Op(
    "take_along_axis",
    _infer_take_along_axis,
    "add({first}, {b:flat}, {s:flat})\ntake({a:flat}, {s:flat}, 0, {o:flat}, 'clip')",
    lambda g, y, x, index: (put_along_axis(g, index, classes=x.shape[-1]), None),
    scratch=lambda value: [(value.shape, "int64")],
    prepare=lambda value: _first_of_row(value.inputs[0].shape[-1], value.count),
    noun="picked",
    printed=_printed_take,
    onnx="Squeeze(GatherElements(a, Unsqueeze(b, [-1]), axis=-1), [-1])",
)
"""The element of each row of x, along its last axis, at an index: (batch, ..., n) to (batch, ...).

Indices are known to be in range: the data's are checked when it is read.
"""


def _infer_put_along_axis(inputs: tuple[Value, ...], attributes: ClassesAttributes) -> Kind:
    x, index = inputs
    if x.shape != index.shape:
        raise ShapeFault(f"{show(index.shape)} indices do not fit {show(x.shape)}", index)
    return (*x.shape, attributes.classes), x.dtype


_ONE_HOT = "np.eye({classes}, dtype={dtype})"

_ONE_HOT_ONNX = "Cast(OneHot(Cast({}, to='int64'), [{{classes}}], [0, 1], axis=-1), to={{dtype}})"


def _printed_put(printer: Printer, value: Value) -> str:
    x = value.inputs[0]
    if x.op.name == "expand" and not x.inputs[0].shape and not printer.has_name(x):
        return f"{{a.a}} * {_ONE_HOT}[{{b}}]"
    return f"{{a}}[..., None] * {_ONE_HOT}[{{b}}]"


put_along_axis: Op[ClassesAttributes] = Op(
    "put_along_axis",
    _infer_put_along_axis,
    "add({first}, {b:flat}, {s:flat})\n{o}.fill(0.0)\nput({o:flat}, {s:flat}, {a:flat}, 'clip')",
    lambda g, y, x, index, classes: (take_along_axis(g, index), None),
    attributes=ClassesAttributes,
    scratch=lambda value: [(value.inputs[1].shape, "int64")],
    prepare=lambda value: _first_of_row(put_along_axis.of(value).classes, value.inputs[0].count),
    noun="placed",
    printed=_printed_put,
    onnx=f"Mul(Unsqueeze(a, [-1]), {_ONE_HOT_ONNX.format('b')})",
)
"""Rows of zeros, of `classes` elements, with x at the index: the transpose of `take_along_axis`."""


def _infer_one_hot(inputs: tuple[Value, ...], attributes: ClassesAttributes) -> Kind:
    (index,) = inputs
    return (*index.shape, attributes.classes), index.graph.dtype


one_hot: Op[ClassesAttributes] = Op(
    "one_hot",
    _infer_one_hot,
    "add({first}, {a:flat}, {s:flat})\n{o}.fill(0.0)\nput({o:flat}, {s:flat}, {=1.0}, 'clip')",
    lambda g, y, index, classes: (None,),
    attributes=ClassesAttributes,
    scratch=lambda value: [(value.inputs[0].shape, "int64")],
    prepare=lambda value: _first_of_row(one_hot.of(value).classes, value.inputs[0].count),
    noun="one_hot",
    printed=f"{_ONE_HOT}[{{a}}]",
    onnx=_ONE_HOT_ONNX.format("a"),
)
"""Rows of zeros with a one at each index: (batch, ...) to (batch, ..., classes)."""


def _infer_gather(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    table, index = inputs
    return (*index.shape, *table.shape[1:]), table.dtype


def _pull_gather(g: Value, y: Value, table: Value, index: Value) -> tuple[Value, None]:
    return scatter_add(g, index, size=static(table.shape[0])), None


gather: Op[Attributes] = Op(
    "gather",
    _infer_gather,
    "take({a}, {b}, 0, {o}, 'clip')",
    _pull_gather,
    noun="gathered",
    printed="{a}[{b}]",
    onnx="Gather(a, b, axis=0)",
)
"""The rows of a table at indices: (n, ...), (batch, ...) to (batch, ..., ...)."""


def _infer_scatter_add(inputs: tuple[Value, ...], attributes: SizeAttributes) -> Kind:
    x, index = inputs
    if x.shape[: index.rank] != index.shape:
        raise ShapeFault(f"{show(index.shape)} indices do not fit {show(x.shape)}", index)
    return (attributes.size, *x.shape[index.rank :]), x.dtype


def _scatter_scratch(value: Value) -> list[Kind]:
    return [(value.inputs[0].shape, "int64")] * 2


scatter_add: Op[SizeAttributes] = Op(
    "scatter_add",
    _infer_scatter_add,
    "scatter_add({a:flat}, {b:flat}, {columns}, {s:flat}, {s2:flat}, {o:flat})",
    lambda g, y, x, index, size: (gather(g, index), None),
    attributes=SizeAttributes,
    flops=lambda value: value.inputs[0].count,
    scratch=_scatter_scratch,
    prepare=lambda value: {"columns": Prepared("multiples", (count(value.shape[1:]), 1))},
    noun="table",
    helper=(
        """\
def scatter_add(x, index, size):
    table = np.zeros((size, *x.shape[index.ndim :]), dtype)
    np.add.at(table, index, x)
    return table""",
    ),
    onnx=lambda value: (
        f"ScatterND(Expand(0.0, {list(value.shape)}), Unsqueeze(Cast(b, to='int64'), [-1]), a, reduction='add')"
    ),
)
"""Zeros (size, ...), and each row of x (batch, ..., ...) added at its index: the transpose of `gather`."""


def _infer_cast(inputs: tuple[Value, ...], attributes: CastAttributes) -> Kind:
    return inputs[0].shape, attributes.to


cast: Op[CastAttributes] = Op(
    "cast",
    _infer_cast,
    "copyto({o}, {a}, 'unsafe')",
    lambda g, y, x, to: (None,),
    attributes=CastAttributes,
    noun="numbers",
    printed="{a}.astype({dtype})",
    onnx="Cast(a, to={to})",
)
"""The same elements in another dtype; nothing flows back."""


def _infer_indices(inputs: tuple[Value, ...], _: IndicesAttributes) -> Kind:
    return inputs[0].shape, "int64"


indices: Op[IndicesAttributes] = Op(
    "indices",
    _infer_indices,
    "as_indices({a}, {size}, {who}, {s}, {s2}, {o})",
    lambda *_, **__: (None,),
    attributes=IndicesAttributes,
    scratch=lambda value: [(value.shape, value.inputs[0].dtype), (value.shape, "bool")],
    noun="index",
    printed="{a}.astype({dtype})",
    onnx="Cast(a, to='int64')",
)
"""Numbers as indices below `size`; the step ends in RunError where they are none, in the name of `who`."""
