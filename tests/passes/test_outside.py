from __future__ import annotations

from specnet.graph import ops
from specnet.passes.allocate import allocate
from specnet.passes.allocations import memory_of
from specnet.passes.fuse import group
from tests.support.graphs import graph_of


def allocated(graph):
    return allocate(graph, group(graph, 1), 1)


def test_a_leaf_gets_its_new_value_where_it_lies_unless_the_old_one_is_read_later():
    graph, leaves = graph_of({"a": (3,), "b": (3,)})
    over, copied = leaves["a"] * 2.0, leaves["b"] * 2.0
    graph.assign(leaves["a"], over)
    graph.assign(leaves["b"], copied)
    graph.outputs["y"] = ops.tanh(leaves["b"])
    out = allocated(graph)
    assert out.places[over.index].storage.memory == memory_of(leaves["a"])
    assert out.places[copied.index].storage.memory != memory_of(leaves["b"])
    assert out.copies == [(leaves["b"], copied)]


def test_parts_are_computed_where_they_are_joined_or_packed():
    graph, leaves = graph_of({"x": (2, 3)})
    a, b, c, d = (op(leaves["x"]) for op in (ops.exp, ops.tanh, ops.sigmoid, ops.square))
    joined, packed = ops.concat(a, b, axis=0), ops.pack(c, d)
    graph.outputs |= {"joined": joined, "packed": packed}
    out = allocated(graph)
    assert [out.joined[part.index][0] for part in (a, b)] == [joined, joined]
    assert {(whole.index, n) for whole in (joined, packed) for n in (0, 1)} == out.packed
    assert [out.places[part.index].delta for part in (c, d)] == [0, 6 * 8]
    assert out.places[c.index].storage is out.places[packed.index].storage
