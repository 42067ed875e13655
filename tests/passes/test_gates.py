"""Sigmoids of a loop's gates that are computed by tanh, with what they are made of halved before the loop."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes.gates import halve_gates
from specnet.passes.pipeline import plan
from tests.support.driven import SHAPES, SIZES, cell, driven, gate, lstm, passed
from tests.support.graphs import body_of, counted, drawn, graph_of, names_of
from tests.support.reference import evaluate


def halved(step, *arrays):
    """Return a graph with one loop after the pass, having checked that the results are the same."""
    return passed(halve_gates, step, *arrays)


def test_the_kernels_and_the_bias_are_halved_and_nothing_larger():
    made = halved(lstm)
    assert counted(made, ops.sigmoid) == 0
    assert counted(body_of(made), ops.tanh) == 3
    factors = [node for node in made if node.op is ops.multiply]
    assert sorted(node.value.shape for node in factors) == [(4, 1, 2), (4, 2, 2), (4, 2, 2)]
    assert names_of(body_of(made)).count("multiply") == 4, "three of the cell, and one for the three gates"


def test_a_drive_that_is_given_is_halved_as_it_is():
    made = halved(lstm, lambda s, **_: [s])
    assert counted(made, ops.sigmoid) == 0
    shapes = {node.value.shape for node in made if node.op is ops.multiply}
    assert shapes == {(STEPS, 4, BATCH, 2), (4, 2, 2)}


def test_sums_that_are_all_gates_are_halved():
    def step(states, slices, leaves):
        gates = ops.sigmoid(states[0] @ leaves["R"] + slices[0])
        return [gate(gates, 0), gate(gates, 3)], [gates]

    assert counted(halved(step), ops.sigmoid) == 0


def of_what_is_read_twice(states, slices, leaves):
    sums = slices[0] + states[0] @ leaves["R"]
    return cell(states, sums), [sums]


def of_gates_that_overlap(states, slices, leaves):
    sums = slices[0] + states[0] @ leaves["R"]
    new = cell(states, sums)
    return [new[0], new[1] + gate(sums, 2)], []


def of_a_drive_that_is_read_twice(states, slices, leaves):
    return cell(states, slices[0] + states[0] @ leaves["R"]), [slices[0]]


def of_a_kernel_that_is_read_twice(states, slices, leaves):
    return cell(states, slices[0] + (states[0] + gate(states[1] @ leaves["R"], 0)) @ leaves["R"]), []


def of_a_product_that_is_read_twice(states, slices, leaves):
    product = states[0] @ leaves["R"]
    return cell(states, slices[0] + product), [product]


def of_no_sum(states, slices, leaves):
    return cell(states, states[0] @ leaves["R"]), [slices[0]]


@pytest.mark.parametrize(
    "step",
    [
        of_what_is_read_twice,
        of_gates_that_overlap,
        of_a_drive_that_is_read_twice,
        of_a_kernel_that_is_read_twice,
        of_a_product_that_is_read_twice,
        of_no_sum,
    ],
    ids=lambda step: step.__name__,
)
def test_what_something_else_reads_is_left_alone(step):
    assert counted(halved(step), ops.sigmoid) == 1


def test_gates_that_are_shut_or_open_stay_so():
    """Where a sigmoid is so near to 0 or 1 that its distance is lost, all that may be lost is that distance."""

    def step(states, slices, leaves):
        return [*states], [ops.sigmoid(slices[0] + states[0] @ leaves["R"])]

    graph, leaves = graph_of(SHAPES)
    _, outputs = ops.scan(lambda *given: step(*given, leaves), [leaves["h"]], [leaves["s"]])
    graph.outputs = {"y": outputs[0]}
    given = drawn(graph, SIZES)
    given["s"] *= 1000.0
    made = halve_gates(graph)
    (before,), (after,) = (evaluate(g, given, g.outputs.values(), SIZES) for g in (graph, made))
    assert {0.0, 1.0} <= {*after.ravel()}
    np.testing.assert_allclose(after, before, atol=1e-16, rtol=1e-13)


@pytest.mark.parametrize(("engine", "count"), [("numpy", 0), ("numba", 1)])
def test_compiled_loops_keep_sigmoids(engine, count):
    graph, leaves = graph_of(SHAPES)
    last, _ = ops.scan(
        lambda states, slices: lstm(states, slices, leaves), [leaves["h"]] * 2, [driven(**leaves)]
    )
    graph.outputs = {"y": last[0]}
    assert counted(plan(graph, SIZES, threads=1, engine=engine).graph, ops.sigmoid) == count
