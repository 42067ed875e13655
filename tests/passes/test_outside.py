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


def test_the_decay_of_a_slot_is_computed_where_the_slot_lies():
    for engine in ("numpy", "numba"):
        graph, leaves = graph_of({"m": (500_000,), "g": (500_000,)})
        decayed = leaves["m"] * 0.9
        graph.assign(leaves["m"], decayed + leaves["g"])
        groups = group(graph, 1, compiled=engine == "numba")
        out = allocate(graph, groups, 1)
        place = out.places.get(decayed.index)
        if engine == "numba":
            assert place is None, "it stays in a register"
            continue
        assert place.storage.memory == memory_of(leaves["m"])
        assert out.arena == 0
        (chain,) = (each for each in groups if decayed in each.values)
        assert not chain.inner


def test_an_old_value_that_is_read_again_stays_until_then():
    for reader in ("slot", "decayed"):
        graph, leaves = graph_of({"m": (500_000,), "g": (500_000,), "p": (500_000,)})
        decayed = leaves["m"] * 0.9
        made = decayed + leaves["g"]
        graph.assign(leaves["m"], made)
        graph.assign(leaves["p"], made * (leaves["m"] if reader == "slot" else decayed))
        out = allocated(graph)
        assert out.places[decayed.index].storage.memory != memory_of(leaves["m"])
