"""Arrays of numbers that a document or a definition fixes."""

from __future__ import annotations

from collections.abc import Sequence

from specnet.graph.attributes import Attributes, Prepared
from specnet.graph.graph import Graph, Op, Value
from specnet.graph.record import Unexportable
from specnet.graph.sizes import BATCH, DType, Kind, Size
from specnet.graph.windows import Shares


class FixedAttributes(Attributes):
    """The numbers, as a tuple or as a rule that gives them, and how many they are."""

    values: Sequence[float]
    length: int
    dtype: DType


def _infer_fixed(_: tuple[Value, ...], attributes: FixedAttributes) -> Kind:
    return (attributes.length,), attributes.dtype


FIXED: Op[FixedAttributes] = Op(
    "fixed",
    _infer_fixed,
    "copyto({o}, {table})",
    attributes=FixedAttributes,
    flops=0,
    prepare=lambda value: {"table": Prepared("vector", (FIXED.of(value).values, value.dtype))},
    noun="table",
    printed=lambda _, value: f"np.array({list(FIXED.of(value).values)}, dtype={{dtype}})",
    onnx="table",
)
"""A vector of given numbers."""

ROW_NUMBERS: Op[Attributes] = Op(
    "row_numbers",
    lambda *_: ((BATCH,), "int64"),
    "copyto({o}, {places})",
    flops=0,
    prepare=lambda _: {"places": Prepared("multiples", (BATCH, 1))},
    noun="row_numbers",
    printed="np.arange({rows})",
    onnx="Reshape(NonZero(Expand([1], [batch])), [-1])",
)
"""The place of each row in its batch."""


def row_numbers(graph: Graph) -> Value:
    """Return the places of the rows in their batch, from 0: (batch,) of int64."""
    return graph.apply(ROW_NUMBERS, ())[0]


class NumbersAttributes(Attributes):
    """How many there are."""

    size: Size


STEP_NUMBERS: Op[NumbersAttributes] = Op(
    "step_numbers",
    lambda _, attributes: ((attributes.size,), "int64"),
    "copyto({o}, {places})",
    attributes=NumbersAttributes,
    flops=0,
    prepare=lambda value: {"places": Prepared("multiples", (STEP_NUMBERS.of(value).size, 1))},
    noun="step_numbers",
    printed=lambda printer, value: f"np.arange({printer.size(STEP_NUMBERS.of(value).size)})",
    onnx=Unexportable("it depends on the length of the sequences"),
)
"""The place of each step of sequences whose length is a named size."""


def step_numbers(graph: Graph, size: Size) -> Value:
    """Return the numbers of so many steps, from 0: (steps,) of int64."""
    return graph.apply(STEP_NUMBERS, (), NumbersAttributes(size))[0]


def fixed(graph: Graph, values: Sequence[float], dtype: DType | None = None) -> Value:
    """Return a vector (n,) of given numbers, of the graph's dtype unless another is named."""
    # `len` refuses what no index can hold, which a document may still ask for.
    length = values.windows.number if isinstance(values, Shares) else len(values)
    known = tuple(values) if isinstance(values, list) else values
    return graph.apply(FIXED, (), FixedAttributes(known, length, dtype or graph.dtype))[0]
