"""What an op is set to for a process's rows means the whole batch where all of it is there."""

from __future__ import annotations

from specnet.graph import ops
from specnet.graph.leaves import CONSTANT
from specnet.graph.sizes import BATCH, GLOBAL_BATCH, Size, globally
from specnet.passes.whole_batch import whole_batch, with_global_constants
from tests.support.graphs import graph_of


def test_shapes_are_those_of_the_whole_batch():
    _, leaves = graph_of({"x": (BATCH, 4, 6)})
    made = ops.reshape(leaves["x"], shape=(Size(4), 6))
    assert whole_batch(made.node.attributes).shape == (globally(Size(4)), 6)


def test_what_names_no_batch_stays_as_it_is():
    _, leaves = graph_of({"x": (BATCH, 4, 6)})
    attributes = ops.transpose(leaves["x"], axes=(1, 0, 2)).node.attributes
    assert whole_batch(attributes) is attributes
    assert with_global_constants(attributes) is attributes


def test_bodies_of_loops_get_its_sizes_and_constants():
    _, leaves = graph_of({"x": (BATCH, 4, 6), "B": (BATCH, 6)})

    def step(states, slices):
        new = states[0] + slices[0] - ops.mean(slices[0], (0,))
        return [new], []

    (last,), _ = ops.scan(step, [leaves["B"]], [ops.transpose(leaves["x"], axes=(1, 0, 2))])
    attributes = last.node.attributes
    for made, rows in ((whole_batch(attributes), GLOBAL_BATCH), (with_global_constants(attributes), BATCH)):
        (body,) = made.regions
        assert [v.shape[0] for node in body if node.op.leaf for v in node.results][:2] == [rows, rows]
        powers = [CONSTANT.of(node).powers for node in body if node.op is CONSTANT]
        assert ("global_batch", -1) in powers[0]
