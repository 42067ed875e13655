"""What a plan says of itself: names, sizes, counts of operations and memory, by formula."""

from __future__ import annotations

from specnet.graph import ops
from specnet.graph.leaves import number
from specnet.graph.sizes import BATCH
from specnet.passes.pipeline import plan
from tests.support.graphs import graph_of

ROWS = 6


def made(guard=None):
    graph, leaves = graph_of({"x": (BATCH, 3), "K": (3, 4)})
    rate = number(graph, "rate")
    y = ops.tanh(leaves["x"] @ leaves["K"]) * rate
    graph.outputs = {"loss": ops.sum_all(y), "y": y}
    return plan(graph, ROWS, guard=guard, optimise=False)


def test_it_names_what_it_takes_and_gives():
    whole = made("loss")
    assert whole.leaves == {"x": ((BATCH, 3), "float64"), "K": ((3, 4), "float64")}
    assert whole.numbers == ("rate",)
    assert whole.scalars == ("loss",)
    assert list(whole.arrays) == ["y"]
    assert (whole.guard, whole.batch, whole.sizes) == ("loss", ROWS, {"batch": ROWS})
    assert whole.streams == ()


def test_streams_are_named_once_also_those_within_loops():
    graph, leaves = graph_of({"x": (5, BATCH, 3), "h": (BATCH, 3)})

    def step(states, arrays):
        noise = ops.normal_noise(arrays[0], stream="noise/a", stddev=1.0)
        return [states[0] + arrays[0] * noise], []

    (last,), _ = ops.scan(step, [leaves["h"]], [leaves["x"]])
    again = ops.normal_noise(last, stream="noise/a", stddev=1.0)
    graph.outputs = {"y": last * again}
    assert plan(graph, 2).streams == ("noise/a",)


def test_operations_are_counted_by_formula():
    whole = made()
    counts = {step.op: step.flops.at(whole.sizes) for step in whole.steps}
    assert counts["matmul"] == 2 * ROWS * 3 * 4
    assert counts["multiply"] == ROWS * 4
    assert whole.flops() == sum(counts.values())
    assert whole.flops({"batch": 1}) * ROWS == whole.flops()


def test_each_step_says_where_its_result_is():
    whole = made()
    product, *_, total = whole.steps
    assert (product.op, product.shape, product.dtype, product.size) == (
        "matmul",
        (BATCH, 4),
        "float64",
        ROWS * 4 * 8,
    )
    assert 0 <= product.offset <= whole.arena - product.size
    assert (total.op, total.memory) == ("reduce_sum", "")
    assert {step.loop for step in whole.steps} == {None}
    assert whole.prologue == 0


def test_what_is_computed_once_is_no_part_of_an_execution():
    graph, leaves = graph_of({"x": (BATCH, 3), "K": (3, 4)})
    graph.outputs = {"y": ops.square(leaves["x"]) @ leaves["K"]}
    whole = plan(graph, ROWS, fixed_inputs=True)
    assert whole.flops() == 2 * ROWS * 3 * 4
    assert whole.prologue >= ROWS * 3 * 8
