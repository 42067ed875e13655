"""Which products of loops read what stays the same as it lies in memory, and which read it transposed."""

from __future__ import annotations

import pytest

from specnet.graph import ops
from specnet.graph.sizes import STEPS
from specnet.passes.differentiate import differentiate
from specnet.passes.loop_products import LEAST_STEPS, transpose_constants
from specnet.passes.loops import hoist
from specnet.passes.pipeline import plan
from tests.support.graphs import body_of, graph_of, names_of
from tests.support.moving import moved

LONG = {"batch": 3, "steps": LEAST_STEPS}


def back(h, x, W, **_):
    """Return a loop that multiplies its state by a transposed matrix, twice."""

    def step(states, slices):
        w = states[0].graph.take(W)
        once = ops.tanh(ops.MATMUL(states[0], w, b_t=True) + slices[0])
        return [ops.tanh(ops.MATMUL(once, w, b_t=True))], []

    return [h], [x], step


def transposed(sizes, build=back):
    return moved(lambda graph: hoist(transpose_constants(graph, sizes)), build)


def products(graph):
    return [ops.MATMUL.of(node) for node in body_of(graph) if node.op is ops.MATMUL]


def test_a_matrix_that_stays_the_same_is_transposed_once_before_the_loop():
    made = transposed(LONG)
    assert names_of(made) == ["transpose", "scan"]
    assert products(made) == [ops.MatmulAttributes()] * 2


@pytest.mark.parametrize(
    "sizes", [{"batch": 3, "steps": LEAST_STEPS - 1}, {"batch": 1, "steps": LEAST_STEPS}], ids=str
)
def test_short_loops_and_products_of_vectors_are_left_alone(sizes):
    made = transposed(sizes)
    assert names_of(made) == ["scan"]
    assert products(made) == [ops.MatmulAttributes(b_t=True)] * 2


def test_what_changes_from_step_to_step_is_left_alone():
    def build(h, x, **_):
        return (
            [h],
            [x],
            lambda states, slices: ([ops.MATMUL(states[0], slices[0], b_t=True) @ states[0]], []),
        )

    assert products(transposed(LONG, build)) == [ops.MatmulAttributes(b_t=True), ops.MatmulAttributes()]


def test_the_other_operand_stays_as_it_is():
    def build(h, W, V, **_):
        def step(states, _):
            w, v = map(states[0].graph.take, (W, V))
            return [ops.tanh(states[0] @ ops.MATMUL(v, ops.MATMUL(states[0], w, b_t=True), a_t=True))], []

        return [h], [], step

    graph, leaves = graph_of({"h": (3, 3), "W": (3, 3), "V": (3, 3)})
    init, arrays, step = build(**leaves)
    (graph.outputs["y"],), _ = ops.scan(step, init, arrays, length=STEPS)
    made = products(transpose_constants(graph, LONG))
    assert made == [ops.MatmulAttributes(), ops.MatmulAttributes(a_t=True), ops.MatmulAttributes()]


def test_no_step_of_the_way_back_reads_a_transposed_kernel():
    graph, leaves = graph_of({"x": (STEPS, 8, 3), "h": (8, 3), "W": (3, 3)})
    (last,), _ = ops.scan(
        lambda s, a: ([ops.tanh(s[0] @ leaves["W"] + a[0])], []), [leaves["h"]], [leaves["x"]]
    )
    (graph.outputs["g"],) = differentiate(graph, ops.sum_all(last), [leaves["W"]])
    steps = plan(graph, LONG).steps
    assert [step.loop for step in steps if step.op == "transpose"] == [None]
    loops = [node for node in plan(graph, LONG).graph if node.op is ops.SCAN]
    within = [n for node in loops for n in ops.SCAN.of(node).body if n.op is ops.MATMUL]
    assert len(within) == 2
    assert not any(ops.MATMUL.of(node).b_t for node in within)
