"""The source of small plans, as it is written, and run."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.emit import emit
from specnet.graph import ops
from specnet.graph.leaves import number
from specnet.graph.sizes import BATCH, at
from specnet.passes.pipeline import plan
from tests.support.compiled import run
from tests.support.graphs import graph_of


def made(**options):
    graph, leaves = graph_of({"x": (BATCH, 2), "K": (2,)})
    rate = number(graph, "rate")
    graph.outputs = {"loss": ops.sum_all(leaves["x"] * leaves["K"])}
    graph.phase = "update"
    graph.assign(leaves["K"], leaves["K"] - rate)
    return emit(plan(graph, 4, optimise=False, **options))


def test_a_plan_is_one_function_of_straight_lines():
    program = made()
    head, *lines = program.source.splitlines()
    assert head == "def step(rate):"
    assert all(line.startswith("    ") and not line.startswith("     ") for line in lines)
    assert lines[-1].startswith("    return (")
    assert [
        name for name in program.functions if name not in ("multiply", "subtract", "add_reduce", "float")
    ] == []
    assert (program.numbers, program.scalars) == (("rate",), ("loss",))
    compile(program.source, "<plan>", "exec")


def test_constant_bounds_take_one_vectorised_pass():
    graph, leaves = graph_of({"x": (BATCH, 2), "y": (BATCH, 2)})
    bounded = ops.clip(ops.relu(leaves["x"]), low=-1.0, high=1.0)
    graph.outputs = {"y": ops.maximum(bounded, leaves["y"])}
    code = emit(plan(graph, 4)).code
    assert [line.partition("(")[0] for lines in code for line in lines] == ["clip", "clip", "maximum"]


@pytest.mark.parametrize(
    ("shape", "axes", "kernel"),
    [
        ((BATCH, 5), (0,), "dot"),
        ((3, BATCH, 5), (0, 1), "dot"),
        ((BATCH, 5), (1,), "dot"),
        ((BATCH, 3, 5), (2,), "dot"),
        ((4, BATCH, 5), (1,), "matmul"),
        ((BATCH, 4, 5), (1,), "add_reduce"),
        ((4, BATCH, 5), (0,), "add_reduce"),
        ((BATCH, 5, "int64"), (1,), "add_reduce"),
        ((BATCH, 5, "bool"), (1,), "add_reduce"),
    ],
)
def test_sums_of_long_rows_and_columns_are_products_with_ones(shape, axes, kernel):
    graph, leaves = graph_of({"x": shape}, "float32")
    graph.outputs = {"y": ops.reduce_sum(leaves["x"], axes=axes)}
    ((line,),) = emit(plan(graph, 6)).code
    assert line.startswith(f"{kernel}(")
    given = np.random.default_rng(0).integers(0, 2, at(leaves["x"].shape, 6)).astype(leaves["x"].dtype)
    (found,) = run(graph, {"x": given}, graph.outputs.values(), 6)
    np.testing.assert_array_equal(found, given.sum(axes))


@pytest.mark.parametrize(("axis", "kernel"), [(-1, "dot"), (-2, "add_reduce")])
@pytest.mark.parametrize("op", [ops.softmax, ops.log_softmax])
def test_a_softmax_sums_its_last_axis_by_a_product(op, axis, kernel):
    graph, leaves = graph_of({"x": (BATCH, 3, 4)})
    graph.outputs = {"y": op(leaves["x"], axis=axis)}
    (lines,) = emit(plan(graph, 6)).code
    sums = [line for line in lines if line.startswith(("dot(", "add_reduce("))]
    assert [line.partition("(")[0] for line in sums] == [kernel]


def test_a_guard_returns_before_anything_is_updated():
    lines = [line.strip() for line in made(guard="loss").source.splitlines()]
    (guard,) = (n for n, line in enumerate(lines) if line.startswith("if "))
    assert lines[guard].endswith(" != 0.0:")
    assert lines[guard + 1].startswith("return (")
    assert any("subtract" in line for line in lines[guard + 2 :])
    assert not any("subtract" in line for line in lines[:guard])


def test_steps_have_the_lines_that_compute_them():
    graph, leaves = graph_of({"x": (BATCH, 2)})
    graph.outputs = {"y": ops.exp(ops.tanh(leaves["x"]))}
    compiled = plan(graph, 4)
    program = emit(compiled)
    for step, code in zip(compiled.steps, program.code, strict=True):
        assert code
        assert all(line in program.source for line in code)
        assert any(step.op in line for line in code)
