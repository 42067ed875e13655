"""What a graph does not need is left out, in its loops too."""

from __future__ import annotations

import numpy as np

from specnet.graph import ops
from specnet.graph.leaves import leaves as leaves_of
from specnet.graph.printing import text
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes.pruning import prune
from tests.support.graphs import body_of, drawn, graph_of, names_of
from tests.support.reference import evaluate

SIZES = {"batch": 3, "steps": 4}
X, H = (STEPS, BATCH, 2), (BATCH, 2)
SHAPES = {"x": X, "y": X, "h": H, "g": H, "v": (2,), "u": (2,)}


def test_what_leads_to_no_output_is_left_out():
    graph, leaves = graph_of(SHAPES | {"W": (2,), "b": (2,)})
    ops.exp(leaves["x"])
    kept = ops.tanh(leaves["h"])
    graph.outputs["y"] = kept
    ops.log(kept)
    graph.assign(leaves["W"], ops.reduce_sum(kept, axes=(0,)))
    made = prune(graph)
    assert list(leaves_of(made)) == ["h", "W"], "a leaf that takes a value stays"
    assert names_of(made) == ["tanh", "reduce_sum"]
    assert text(prune(made)) == text(made)


def test_a_graph_that_needs_all_stays():
    graph, leaves = graph_of({"x": X})
    graph.outputs["y"] = ops.exp(leaves["x"])
    assert text(prune(graph)) == text(graph)


def narrowed(build, wanted):
    """Return the one loop of a graph after pruning, having checked that the wanted results are the same."""
    graph, leaves = graph_of(SHAPES)
    results = build(**leaves)
    graph.outputs = {str(n): results[n] for n in wanted}
    given = drawn(graph, SIZES)
    meant = evaluate(graph, given, graph.outputs.values(), SIZES)
    made = prune(graph)
    for got, expected in zip(evaluate(made, given, made.outputs.values(), SIZES), meant, strict=True):
        np.testing.assert_array_equal(got, expected)
    (node,) = (node for node in made if node.op is ops.SCAN)
    return node, made


def several(x, y, h, g, v, u):
    """Give the last states (0, 1), and three outputs of which the last two are equal (2, 3, 4)."""

    def step(states, slices):
        a, b = states
        mixed = ops.tanh(slices[0] + v)
        return [a + slices[1] * u, ops.tanh(b)], [ops.exp(a), mixed, mixed]

    last, outputs = ops.scan(step, [h, g], [x, y])
    return [*last, *outputs]


def names_given(node):
    return [value.attributes.named().get("name") for value in node.inputs]


def test_a_dead_state_is_left_out():
    node, _ = narrowed(several, [0])
    assert names_given(node) == ["h", "y", "u"]
    settings = ops.SCAN.of(node)
    assert (settings.states, settings.arrays, len(node.results)) == (1, 1, 1)
    assert names_of(settings.body) == ["multiply", "add"]


def test_dead_outputs_arrays_and_constants_are_left_out():
    node, _ = narrowed(several, [1])
    assert names_given(node) == ["g"]
    settings = ops.SCAN.of(node)
    assert (settings.states, settings.arrays, len(node.results)) == (1, 0, 1)
    assert names_of(settings.body) == ["tanh"]


def test_a_loop_without_its_states():
    node, _ = narrowed(several, [3])
    assert names_given(node) == ["x", "v"]
    assert (ops.SCAN.of(node).states, len(node.results)) == (0, 1)


def test_a_state_that_an_output_reads_stays():
    node, _ = narrowed(several, [2])
    assert names_given(node) == ["h", "y", "u"]
    assert len(node.results) == 2


def test_equal_outputs_become_one():
    node, made = narrowed(several, [3, 4])
    assert len(node.results) == 1
    assert made.outputs["3"] is made.outputs["4"]


def test_equal_states_stay_two():
    """They have the same new value, but may not have begun with the same."""

    def build(x, h, g, **_):
        def step(states, slices):
            new = states[0] * states[1] + slices[0]
            return [new, new], []

        return [*ops.scan(step, [h, g], [x])[0]]

    node, made = narrowed(build, [0, 1])
    assert len(node.results) == 2
    assert made.outputs["0"] is not made.outputs["1"]


def test_states_that_other_states_alone_read_stay():
    def build(x, h, g, **_):
        def step(states, slices):
            a, b, c, d = states
            return [ops.tanh(b), c + slices[0], c * 0.5, ops.exp(d) + a], []

        return [*ops.scan(step, [h, g, h * 2.0, g * 3.0], [x])[0]]

    node, _ = narrowed(build, [0])
    assert ops.SCAN.of(node).states == 3
    assert names_of(ops.SCAN.of(node).body) == ["tanh", "add", "multiply"], "the fourth has gone"
    node, _ = narrowed(build, [2])
    assert ops.SCAN.of(node).states == 1
    assert ops.SCAN.of(node).arrays == 0


def test_a_state_that_nothing_but_itself_reads_goes():
    def build(x, h, g, **_):
        def step(states, slices):
            return [states[0] + slices[0], states[1] * 2.0], [slices[0] * 3.0]

        last, outputs = ops.scan(step, [h, g], [x])
        return [*last, *outputs]

    node, _ = narrowed(build, [2])
    assert (ops.SCAN.of(node).states, names_of(ops.SCAN.of(node).body)) == (0, ["multiply"])


def test_a_dead_loop_goes():
    graph, leaves = graph_of(SHAPES)
    several(**leaves)
    graph.outputs["y"] = ops.exp(leaves["h"])
    assert names_of(prune(graph)) == ["exp"]


def test_loops_in_loops_are_narrowed():
    def build(x, y, h, v, **_):
        def step(states, slices):
            def inner(own, given):
                return [ops.tanh(own[0] + slices[0]), own[1] * v], [own[1] + given[0], own[0]]

            last, outputs = ops.scan(inner, [states[0], slices[1]], [y])
            return [last[0]], [ops.reduce_sum(outputs[1], axes=(0,)), last[1]]

        (last,), outputs = ops.scan(step, [h], [x, y])
        return [last, *outputs]

    _, made = narrowed(build, [0, 1])
    made = prune(made)  # what the inner loop no longer takes is seen the second time
    body = body_of(made)
    (inner,) = (each for each in body if each.op is ops.SCAN)
    settings = ops.SCAN.of(inner)
    assert (settings.states, settings.arrays, len(inner.results)) == (1, 0, 2)
    assert names_of(settings.body) == ["add", "tanh"]
    assert ops.SCAN.of(made.nodes[-1]).arrays == 1, "and so is the array that was for it alone"
    assert len(body.arguments) == 2


def test_the_order_of_what_is_kept_stays():
    node, made = narrowed(several, [4, 2, 0])
    assert [value.number for value in made.outputs.values()] == [2, 1, 0]
    assert names_given(node) == ["h", "x", "y", "v", "u"]
