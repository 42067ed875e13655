"""Arrays of numbers that a document or a definition fixes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from specnet.graph.graph import Graph, Value
from specnet.graph.op import Op
from specnet.runtime.shapes import BATCH, Count, DType, Shape


def _infer_fixed(_: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    return (len(attributes["values"]),), attributes["dtype"]


def _table(value: Value, _: int) -> dict[str, Any]:
    import numpy as np

    return {"table": np.array(value.attributes["values"], value.dtype)}


FIXED = Op("fixed", _infer_fixed, "copyto({o}, {table})", flops=lambda _: Count(0), prepare=_table)
"""A vector of given numbers."""


def _infer_rows(_: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    return (BATCH,), attributes["dtype"]


def _places(_: Value, batch: int) -> dict[str, Any]:
    import numpy as np

    return {"places": np.arange(batch)}


ROW_NUMBERS = Op(
    "row_numbers", _infer_rows, "copyto({o}, {places})", flops=lambda _: Count(0), prepare=_places
)
"""The place of each row in its batch."""


def row_numbers(graph: Graph) -> Value:
    """Return the places of the rows in their batch, from 0: (batch,) of int64."""
    return graph.apply(ROW_NUMBERS, (), {"dtype": "int64"})


def fixed(graph: Graph, values: Sequence[float], dtype: DType | None = None) -> Value:
    """Return a vector (n,) of given numbers, of the graph's dtype unless another is named."""
    return graph.apply(FIXED, (), {"values": tuple(values), "dtype": dtype or graph.dtype})
