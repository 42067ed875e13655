"""Ops that take class indices."""

from __future__ import annotations

from typing import Any

from specnet.graph.graph import ShapeFault, Value
from specnet.graph.op import Op
from specnet.runtime.shapes import DType, Shape, count, show


def _infer_pick(inputs: tuple[Value, ...], _: dict[str, Any]) -> tuple[Shape, DType]:
    x, index = inputs
    if x.shape[:-1] != index.shape:
        raise ShapeFault(f"{show(index.shape)} indices do not fit {show(x.shape)}", index)
    return index.shape, x.dtype


def _first_of_row(classes: int, rows: int) -> dict[str, Any]:
    import numpy as np

    return {"first": np.arange(rows, dtype=np.int64) * classes}


def _classes(value: Value) -> int:
    last = value.shape[-1]
    assert isinstance(last, int)
    return last


pick = Op(
    "pick",
    _infer_pick,
    "add({first}, {b:flat}, {s:flat})\ntake({a:flat}, {s:flat}, 0, {o:flat}, 'clip')",
    lambda g, y, x, index: (place(g, index, classes=_classes(x)), None),
    scratch=lambda value: [(value.shape, "int64")],
    prepare=lambda value, batch: _first_of_row(_classes(value.inputs[0]), value.count.at(batch)),
)
"""The element of each row of x, along its last axis, at an index: (batch, ..., n) to (batch, ...).

Indices are known to be in range: the data's are checked when it is read.
"""


def _infer_place(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    x, index = inputs
    if x.shape != index.shape:
        raise ShapeFault(f"{show(index.shape)} indices do not fit {show(x.shape)}", index)
    return (*x.shape, attributes["classes"]), x.dtype


place: Op = Op(
    "place",
    _infer_place,
    "add({first}, {b:flat}, {s:flat})\n{o}.fill(0.0)\nput({o:flat}, {s:flat}, {a:flat}, 'clip')",
    lambda g, y, x, index, classes: (pick(g, index), None),
    scratch=lambda value: [(value.inputs[1].shape, "int64")],
    prepare=lambda value, batch: _first_of_row(value.attributes["classes"], value.inputs[0].count.at(batch)),
)
"""Rows of zeros, of `classes` elements, with x at the index: the transpose of `pick`."""


def _infer_one_hot(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    (index,) = inputs
    return (*index.shape, attributes["classes"]), index.graph.dtype


one_hot = Op(
    "one_hot",
    _infer_one_hot,
    "add({first}, {a:flat}, {s:flat})\n{o}.fill(0.0)\nput({o:flat}, {s:flat}, {=1.0}, 'clip')",
    lambda g, y, index, classes: (None,),
    scratch=lambda value: [(value.inputs[0].shape, "int64")],
    prepare=lambda value, batch: _first_of_row(value.attributes["classes"], value.inputs[0].count.at(batch)),
)
"""Rows of zeros with a one at each index: (batch, ...) to (batch, ..., classes)."""


def _infer_lookup(inputs: tuple[Value, ...], _: dict[str, Any]) -> tuple[Shape, DType]:
    table, index = inputs
    return (*index.shape, *table.shape[1:]), table.dtype


def _back_to_table(g: Value, y: Value, table: Value, index: Value) -> tuple[Value, None]:
    del y
    size = table.shape[0]
    assert isinstance(size, int)
    return scatter(g, index, size=size), None


lookup = Op("lookup", _infer_lookup, "take({a}, {b}, 0, {o}, 'clip')", _back_to_table)
"""The rows of a table at indices: (n, ...), (batch, ...) to (batch, ..., ...)."""


def _infer_scatter(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    x, index = inputs
    if x.shape[: index.rank] != index.shape:
        raise ShapeFault(f"{show(index.shape)} indices do not fit {show(x.shape)}", index)
    return (attributes["size"], *x.shape[index.rank :]), x.dtype


def _scatter_room(value: Value) -> list[tuple[Shape, DType]]:
    return [(value.inputs[0].shape, "int64")] * 2


def _columns_of_row(value: Value, _: int) -> dict[str, Any]:
    import numpy as np

    return {"columns": np.arange(count(value.shape[1:]).each, dtype=np.int64)}


scatter: Op = Op(
    "scatter",
    _infer_scatter,
    "scatter_add({a:flat}, {b:flat}, {columns}, {s:flat}, {s2:flat}, {o:flat})",
    lambda g, y, x, index, size: (lookup(g, index), None),
    flops=lambda value: value.inputs[0].count,
    scratch=_scatter_room,
    prepare=_columns_of_row,
)
"""Zeros (size, ...), and each row of x (batch, ..., ...) added at its index: the transpose of `lookup`."""


def _infer_cast(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    return inputs[0].shape, attributes["to"]


cast = Op("cast", _infer_cast, "copyto({o}, {a}, 'unsafe')", lambda g, y, x, to: (None,))
"""The same elements in another dtype; nothing flows back."""


def _infer_indices(inputs: tuple[Value, ...], _: dict[str, Any]) -> tuple[Shape, DType]:
    return inputs[0].shape, "int64"


indices = Op(
    "indices",
    _infer_indices,
    "as_indices({a}, {size}, {who}, {s}, {s2}, {o})",
    lambda *_, **__: (None,),
    scratch=lambda value: [(value.shape, value.inputs[0].dtype), (value.shape, "bool")],
)
"""Numbers as indices below `size`; the step ends in RunError where they are none, in the name of `who`."""
