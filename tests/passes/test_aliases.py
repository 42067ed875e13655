from __future__ import annotations

from specnet.graph import ops
from specnet.graph.sizes import BATCH
from specnet.passes.aliases import root, start_in_root, starts_of_parts, unreshaped
from tests.support.graphs import graph_of


def test_a_view_of_a_view_is_one_of_the_array_below():
    _, given = graph_of({"x": (6, 4)})
    made = ops.exp(given["x"])
    later = ops.part(ops.part(made, start=2, stop=6), start=1, stop=3)
    flat = ops.reshape(later, shape=(8,))
    assert root(flat) is root(later) is root(made) is made
    assert unreshaped(flat) is later
    assert unreshaped(later) is later
    assert sum(start.at(1) for start in start_in_root(flat)) == 2 * 4 + 1 * 4
    assert start_in_root(made) == ()


def test_parts_begin_where_those_before_them_end():
    _, given = graph_of({"a": (BATCH, 3), "b": (BATCH, 3), "c": (BATCH, 3)})
    joined = ops.concat(*given.values(), axis=0)
    starts = {part.index: sum(each.at(10) for each in start) for part, start in starts_of_parts(joined)}
    assert [starts[given[name].index] for name in "abc"] == [0, 10 * 3, 20 * 3]
