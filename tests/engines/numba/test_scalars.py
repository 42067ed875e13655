"""Expressions of scalars within a compiled step."""

from __future__ import annotations

import ast

import pytest

pytest.importorskip("numba")

from specnet.engines.numba.entries import HEADER, Unfit
from specnet.engines.numba.scalars import Scalars
from specnet.engines.numpy.emit import emit
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.passes.pipeline import plan


@pytest.fixture
def writer():
    graph = Graph("float32")
    x = leaf(graph, "x", "input", (BATCH, 3))
    graph.outputs = {"y": ops.tanh(x)}
    made = plan(graph, {"batch": 5})
    return Scalars(emit(made), made.sizes, str)


def written(writer, text):
    """Return an expression as the compiled step has it; `x` and `y` are arrays."""
    for name, view in zip(("x", "y"), writer.views, strict=False):
        text = text.replace(f"<{name}>", view)
    return writer.scalar(ast.parse(text, mode="eval").body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5 * s1 + rate", "0.5 * s1 + rate"),
        ("scalar_sqrt(1.0 - 0.9 ** step)", "sqrt(1.0 - 0.9 ** step)"),
        ("float(add_reduce(<x>))", f"float64(total(a{HEADER}, t, {HEADER + 1}))"),
        ("float(dot(<x>, <x>))", f"float64(inner_product(a{HEADER}, a{HEADER}, t, {HEADER + 1}))"),
    ],
)
def test_scalars_are_those_of_the_statements(writer, text, expected):
    assert written(writer, text) == expected


@pytest.mark.parametrize(
    "text",
    ["scalar_erf(s1)", "<x> + 1.0", "float(max_reduce(<x>))", "ranks.sum(s1)", "float(add_reduce(<x>, 0))"],
)
def test_others_have_no_compiled_form(writer, text):
    with pytest.raises(Unfit):
        written(writer, text)
