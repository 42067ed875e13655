"""Arrays of numbers that a document or a definition fixes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from specnet.graph.graph import Graph, Value
from specnet.graph.op import Op
from specnet.runtime.shapes import Count, DType, Shape


def _infer_fixed(_: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    return (len(attributes["values"]),), attributes["dtype"]


def _table(value: Value, _: int) -> dict[str, Any]:
    import numpy as np

    return {"table": np.array(value.attributes["values"], value.dtype)}


FIXED = Op("fixed", _infer_fixed, "copyto({o}, {table})", flops=lambda _: Count(0), prepare=_table)
"""A vector of given numbers."""


def fixed(graph: Graph, values: Sequence[float], dtype: DType | None = None) -> Value:
    """Return a vector (n,) of given numbers, of the graph's dtype unless another is named."""
    return graph.apply(FIXED, (), {"values": tuple(values), "dtype": dtype or graph.dtype})
