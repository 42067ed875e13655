"""Which kernels compute the ops of a plan, and that they compute the same."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.emit import emit
from specnet.engines.numpy.kernels import kernel_of
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH, at
from specnet.passes.pipeline import plan
from tests.support.compiled import run
from tests.support.graphs import graph_of


def test_a_condition_that_changes_from_element_to_element_takes_no_branches():
    graph = Graph("float32")
    x, mask = leaf(graph, "x", "input", (BATCH, 8)), leaf(graph, "mask", "input", (BATCH, 8), "bool")
    sizes = {"batch": 4}
    assert kernel_of(ops.where(ops.greater(x, 0.0), x, 0.0), sizes, 0).startswith("choose(")
    assert kernel_of(ops.where(mask, x, 0.0), sizes, 0).startswith("copyto(")


@pytest.mark.parametrize(("rows", "shared"), [(10, False), (2000, True)])
def test_long_products_and_moments_have_kernels_that_workers_share(rows, shared):
    _, leaves = graph_of({"x": (BATCH, 100), "K": (100, 100)})
    product, moments = leaves["x"] @ leaves["K"], ops.batch_moments(leaves["x"])
    for value, function in ((product, "dot"), (moments, "moments")):
        assert kernel_of(value, rows, 2).startswith(f"shared_{function}({{workers}}, ") == shared
        assert "workers" not in kernel_of(value, rows, 1)
    assert "workers" not in kernel_of(ops.tanh(product), rows, 2), "chains are cut into pieces"


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
        ((BATCH, 4, 5), (1,), "sum_between"),
        ((BATCH, 2, 3, 4, 5), (1, 2), "sum_between"),
        ((4, BATCH, 5), (0,), "sum_between"),
        ((BATCH, 4, 5, 3), (1, 3), "add_reduce"),
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
