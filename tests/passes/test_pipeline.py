"""The passes one after the other: what a plan of a small graph is, with and without them."""

from __future__ import annotations

import gc

import pytest

from specnet.graph import ops
from specnet.graph.sizes import BATCH
from specnet.passes import pipeline
from tests.support.graphs import graph_of


def small():
    graph, leaves = graph_of({"x": (BATCH, 3), "K": (3, 4), "B": (4,), "y": (BATCH, 4)})
    hidden = ops.tanh(leaves["x"] @ leaves["K"] + leaves["B"])
    ops.exp(hidden)  # nobody reads it
    graph.outputs = {"loss": ops.sum_all((hidden - leaves["y"]) * 1.0)}
    return graph


def ops_of(made):
    return [step.op for step in made.steps]


def test_only_an_optimised_plan_is_rewritten_and_both_are_pruned():
    plain, optimised = pipeline.plan(small(), 8, optimise=False), pipeline.plan(small(), 8)
    assert ops_of(plain) == ["matmul", "add", "tanh", "subtract", "multiply", "reduce_sum"]
    assert "multiply" not in ops_of(optimised)
    assert "exp" not in ops_of(optimised) + ops_of(plain)


def test_what_is_given_by_inputs_that_never_change_is_computed_once():
    graph, leaves = graph_of({"x": (BATCH, 3), "K": (3, 4)})
    graph.outputs = {"y": ops.square(leaves["x"]) @ leaves["K"]}
    for fixed in (False, True):
        made = pipeline.plan(graph, 8, fixed_inputs=fixed)
        assert {step.op: step.prologue for step in made.steps} == {"square": fixed, "matmul": False}


@pytest.mark.parametrize("optimise", [False, True])
def test_what_leaves_a_loop_runs_once(optimise):
    graph, leaves = graph_of({"x": (5, BATCH, 3), "h": (BATCH, 3), "K": (3, 3)})

    def step(states, arrays):
        return [ops.tanh(states[0] + arrays[0] @ leaves["K"])], []

    (graph.outputs["y"],), _ = ops.scan(step, [leaves["h"]], [leaves["x"]])
    made = pipeline.plan(graph, 4, optimise=optimise)
    (product,) = (step for step in made.steps if step.op == "matmul")
    assert (product.loop is None) == optimise
    assert product.times.at(made.sizes) == (1 if optimise else 5)


def test_workers_are_there_only_for_ops_that_are_shared(monkeypatch):
    monkeypatch.setattr(pipeline, "cores", lambda threads: 3)
    assert pipeline.plan(small(), 8).workers == 0
    graph, leaves = graph_of({"x": (BATCH, 8, 8, 2), "K": (3, 3, 2, 4)})
    graph.outputs = {"y": ops.conv2d(leaves["x"], leaves["K"], **ops.PLAIN)}
    assert pipeline.plan(graph, 8).workers == 3


@pytest.mark.parametrize(
    ("engine", "batch", "joined"),
    [("numpy", 8, True), ("numpy", 800, True), ("numba", 8, True), ("numba", 800, False)],
)
def test_compiled_products_that_are_no_loops_leave_biases_to_what_follows(engine, batch, joined, monkeypatch):
    asked = []
    monkeypatch.setattr(pipeline, "join_biases", lambda graph, **_: asked.append(graph) or graph)
    graph, leaves = graph_of({"x": (BATCH, 3), "g": (BATCH, 4)})
    graph.outputs = {"gradients": ops.pack(ops.MATMUL(leaves["x"], leaves["g"], a_t=True))}
    pipeline.plan(graph, batch, engine=engine)
    assert bool(asked) == joined


def test_planning_leaves_the_collector_as_it_was():
    assert gc.isenabled()
    pipeline.plan(small(), 8)
    assert gc.isenabled()
