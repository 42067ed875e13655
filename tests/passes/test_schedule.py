"""What a plan does, in which order, for graphs made for it."""

from __future__ import annotations

from specnet.graph import ops
from specnet.graph.sizes import BATCH
from specnet.passes.allocate import allocate
from specnet.passes.fuse import group
from specnet.passes.schedule import Compute, Copy, Pieces, Repeat, scheduled
from tests.support.graphs import graph_of

MANY = 200_000


def instructions(graph, sizes, workers=0):
    groups = group(graph, sizes, workers=workers)
    return scheduled(graph, groups, allocate(graph, groups, sizes), workers)


def test_single_ops_are_computed_one_after_the_other():
    graph, leaves = graph_of({"x": (BATCH, 3), "K": (3, 3)})
    graph.outputs = {"y": ops.tanh(leaves["x"] @ leaves["K"]) @ leaves["K"]}
    made = instructions(graph, {"batch": 4})
    assert [type(each) for each in made] == [Compute] * 3
    assert [each.value.op.name for each in made] == ["matmul", "tanh", "matmul"]


def test_a_chain_over_long_arrays_is_a_block_with_a_name_of_its_own():
    graph, leaves = graph_of({"x": (BATCH,), "y": (BATCH,)})
    graph.outputs = {
        "a": ops.exp(ops.tanh(leaves["x"])),
        "b": ops.sum_all(ops.tanh(leaves["y"] * leaves["y"])),
    }
    blocks = [each for each in instructions(graph, {"batch": MANY}) if isinstance(each, Pieces)]
    assert [block.name for block in blocks] == [f"block_{n}" for n in range(len(blocks))]
    assert {v.op.name for v in blocks[0].group.values} >= {"tanh", "exp"}
    # What passes between the two needs room for a piece, not for the whole array.
    assert 0 < blocks[0].scratch < MANY * 8
    assert {block.workers for block in blocks} == {0}


def test_a_leaf_that_could_not_be_overwritten_is_assigned_at_the_end():
    graph, leaves = graph_of({"K": (3,), "V": (3,)})
    for name, value in (("K", leaves["V"] * 2.0), ("V", leaves["K"] * 2.0)):
        graph.assign(leaves[name], value)
    made = instructions(graph, {"batch": 1})
    copies = [each for each in made if isinstance(each, Copy)]
    assert copies
    assert made[-len(copies) :] == tuple(copies)
    assert all(each.value in leaves.values() for each in copies)


def test_a_loop_holds_what_its_body_does():
    graph, leaves = graph_of({"x": (5, BATCH, 3), "h": (BATCH, 3), "g": (BATCH, 3)})

    def step(states, arrays):
        # The states change places, so that neither can be computed over the other.
        return [states[1], ops.tanh(states[0] + arrays[0])], [states[0]]

    last, outputs = ops.scan(step, [leaves["h"], leaves["g"]], [leaves["x"]])
    graph.outputs = {"y": last[0], "z": last[1], "all": outputs[0]}
    (loop,) = instructions(graph, {"batch": 2})
    assert isinstance(loop, Repeat)
    assert loop.name == "loop_0"
    assert [each.value.op.name for each in loop.body if isinstance(each, Compute)] == ["add", "tanh"]
    assert all(isinstance(each, Copy) for each in (*loop.before, *loop.returned, *loop.after))
