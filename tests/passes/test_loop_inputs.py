"""Inputs of recurrent layers that are multiplied within their loops, together with the state."""

from __future__ import annotations

import pytest

from specnet.graph import ops
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes.loop_inputs import join_inputs
from specnet.passes.pipeline import plan
from tests.support.driven import SHAPES, SIZES, driven, lstm, passed
from tests.support.graphs import body_of, counted, graph_of


def joined(*arrays, shapes=SHAPES, sizes=SIZES, step=lstm):
    """Return a graph with one loop after the pass, having checked that the results are the same."""
    return passed(lambda graph: join_inputs(graph, sizes), step, *arrays, shapes=shapes, sizes=sizes)


def products_of(graph):
    """Return how many products a graph has, and its loop."""
    return [sum(node.op is ops.MATMUL for node in g) for g in (graph, body_of(graph))]


def test_input_state_and_bias_are_one_product():
    made = joined()
    assert products_of(made) == [0, 1]
    body = body_of(made)
    kernel = body.arguments[-1]
    assert kernel.shape == (4, 2 + 2 + 1, 2), "that of the state, that of the input, and the bias"
    assert body.arguments[2].shape == (BATCH, 2 + 1)
    assert counted(body, ops.CONCAT) == 1


def test_without_a_bias_there_are_no_ones():
    made = joined(lambda **leaves: [driven(**(leaves | {"B": None}))])
    assert body_of(made).arguments[2].shape == (BATCH, 2)
    assert body_of(made).arguments[-1].shape == (4, 4, 2)


def moved(x, C, **_):
    """Return a drive whose bias is not the same at every step."""
    sums = ops.MATMUL(ops.rows(x), C) + ops.MATMUL(ops.rows(x * x), C)
    return [ops.transpose(ops.reshape(sums, shape=(4, STEPS, BATCH, 2)), axes=(1, 0, 2, 3))]


def given(s, **_):
    return [s]


@pytest.mark.parametrize("arrays", [moved, given], ids=lambda arrays: arrays.__name__)
def test_other_drives_are_left_alone(arrays):
    made = joined(arrays)
    assert body_of(made).arguments[-1].shape == SHAPES["R"]


def test_wide_inputs_are_multiplied_for_all_steps_at_once():
    made = joined(shapes=SHAPES | {"x": (STEPS, BATCH, 3), "C": (4, 3, 2)})
    assert products_of(made) == [1, 1]


def test_so_are_those_of_few_steps():
    made = joined(sizes={"batch": 3, "steps": 4})
    assert products_of(made) == [1, 1]


def test_a_drive_that_something_else_reads_is_left_alone():
    graph, leaves = graph_of(SHAPES)
    drive = driven(**leaves)
    last, _ = ops.scan(lambda *each: lstm(*each, leaves), [leaves["h"]] * 2, [drive])
    graph.outputs = {"y": last[0], "drive": drive}
    made = join_inputs(graph, SIZES)
    assert products_of(made) == [1, 1]


@pytest.mark.parametrize(("engine", "count"), [("numpy", 0), ("numba", 1)])
def test_compiled_loops_keep_their_drives(engine, count):
    graph, leaves = graph_of(SHAPES)
    last, _ = ops.scan(lambda *each: lstm(*each, leaves), [leaves["h"]] * 2, [driven(**leaves)])
    graph.outputs = {"y": last[0]}
    made = plan(graph, SIZES, threads=1, engine=engine).graph
    assert products_of(made)[0] == count
