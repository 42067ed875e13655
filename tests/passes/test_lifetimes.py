from __future__ import annotations

from specnet.graph import ops
from specnet.passes.allocations import memory_read
from specnet.passes.fuse import group
from specnet.passes.lifetimes import Lifetimes
from tests.support.graphs import graph_of


def test_times_are_positions_in_the_order_of_the_groups():
    graph, leaves = graph_of({"x": (3,), "A": (3,)})
    first = ops.exp(leaves["x"])
    second = ops.tanh(ops.reshape(first, shape=(3, 1)))
    graph.outputs["y"] = second
    third = leaves["A"] * ops.sum_all(first)
    graph.assign(leaves["A"], third)
    times = Lifetimes(graph, group(graph, 1, fuse=False))
    made = [first, second, third.inputs[1], third]
    assert [times.position[value.index] for value in made] == [0, 1, 2, 3]
    assert [times.group_of[value.index] for value in made] == [0, 1, 2, 3]
    # A view is read as the array that it looks at, and what is returned outlasts all.
    assert times.last_read[first.index] == 2
    assert times.last_read[second.index] == 4
    assert times.memory_last_read[memory_read(leaves["A"])] == 3
