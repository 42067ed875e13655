from __future__ import annotations

from specnet.graph import ops
from specnet.passes.groups import Group, is_looped
from tests.support.graphs import graph_of


def test_neighbours_of_one_shape_run_as_one_compiled_loop():
    _, given = graph_of({"x": (8,)})
    a = ops.exp(given["x"])
    b = ops.tanh(a)
    total = ops.sum_all(b)
    c = b * total
    values = [a, b, total, c]
    assert Group(values).runs == [[a], [b], [total], [c]]
    assert Group(values, compiled=True).runs == [[a, b], [total], [c]]
    assert [is_looped(value) for value in values] == [True, True, False, True]


def test_what_lies_elsewhere_in_what_a_loop_computes_is_read_after_it():
    _, given = graph_of({"x": (4, 4)})
    a = ops.exp(given["x"])
    b = ops.tanh(ops.reshape(a, shape=a.shape))
    assert Group([a, b], compiled=True).runs == [[a], [b]]
