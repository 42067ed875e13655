"""Arrays that are stretched against larger ones are laid out in full first."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.leaves import number
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes.spread import spread
from tests.support.graphs import body_of, counted, drawn, graph_of, names_of
from tests.support.reference import evaluate

SIZES = {"batch": 3, "steps": 4}
SHAPES = {"x": (BATCH, 3), "y": (BATCH, 3), "v": (3,), "c": (BATCH, 1), "s": (STEPS, BATCH, 3)}


def spreading(apply):
    """Return the ops of a graph's one output behind the pass, having checked that it is the same to the bit."""
    graph, leaves = graph_of(SHAPES)
    graph.outputs["y"] = apply(**leaves)
    made = spread(graph)
    given = drawn(graph, SIZES)
    (before,), (after,) = (evaluate(g, given, g.outputs.values(), SIZES) for g in (graph, made))
    np.testing.assert_array_equal(after, before)
    return made


@pytest.mark.parametrize(
    ("apply", "meant"),
    [
        (lambda x, v, **_: x + v, ["expand", "add"]),
        (lambda x, v, **_: v - x, ["expand", "subtract"]),
        (lambda x, c, **_: x * c, ["expand", "multiply"]),
        (lambda v, c, **_: v * c, ["expand", "expand", "multiply"]),
        (
            lambda x, v, c, **_: ops.where(ops.greater(x, 0.0), v, c),
            ["greater", "expand", "expand", "where"],
        ),
        (lambda x, y, v, **_: (x + v) * (y - v), ["expand", "add", "subtract", "multiply"]),
    ],
)
def test_what_is_stretched_is_laid_out(apply, meant):
    made = spreading(apply)
    assert names_of(made) == meant
    for node in made:
        if node.op.elementwise and node.op is not ops.expand:
            assert {value.shape for value in node.inputs} <= {node.value.shape, ()}


@pytest.mark.parametrize(
    ("apply", "meant"),
    [
        (lambda x, y, **_: x + y, ["add"]),
        (lambda x, **_: x * 2.0, ["multiply"]),
        (lambda x, **_: x * number(x.graph, "rate"), ["multiply"]),
        (lambda v, **_: ops.expand(v, shape=(BATCH, 3)), ["expand"]),
        (lambda s, x, **_: ops.MATMUL(s, x, b_t=True), ["matmul"]),
        (lambda x, c, **_: ops.concat(x, c, axis=1), ["concat"]),
    ],
)
def test_what_is_not_stretched_stays(apply, meant):
    graph, leaves = graph_of(SHAPES)
    graph.outputs["y"] = apply(**leaves)
    assert names_of(spread(graph)) == meant


def test_it_is_laid_out_once_for_each_shape():
    made = spreading(lambda x, y, v, s, **_: (s + v) * (s - v) + ops.tanh(x * v) * (y / v))
    assert counted(made, ops.expand) == 3, "v twice, in two shapes, and the product against s"


def test_loops_too():
    def apply(s, v, **_):
        (), (outputs,) = ops.scan(lambda _, slices: ([], [slices[0] + v]), [], [s])
        return outputs

    assert names_of(body_of(spreading(apply))) == ["expand", "add"]
