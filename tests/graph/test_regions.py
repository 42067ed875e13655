"""Nodes with several results, regions, and loops."""

from __future__ import annotations

import pytest

from specnet.graph import ops
from specnet.graph.attributes import NONE
from specnet.graph.graph import Region, ShapeFault
from specnet.graph.leaves import argument, constant, leaf
from specnet.graph.ops.scan import ScanAttributes
from specnet.graph.printing import text
from specnet.graph.sizes import BATCH, STEPS
from tests.support.graphs import body_of, graph_of
from tests.support.loops import RNN, recurrence

SHAPES = {"x": (STEPS, BATCH, 3), "h": (BATCH, 3), "W": (3, 3)}


def test_a_node_may_have_several_results():
    graph, leaves = graph_of(RNN)
    last, outputs = recurrence(ops.scan, **leaves)
    node = last.node
    assert node is outputs.node
    assert node.results == (last, outputs)
    assert [value.number for value in node.results] == [0, 1]
    assert [graph.values[value.index] for value in node.results] == [last, outputs]
    assert (last.shape, outputs.shape) == ((BATCH, 2), (STEPS, BATCH, 2))
    with pytest.raises(ValueError, match="unpack"):
        node.value  # noqa: B018


def test_results_are_numbered_apart_from_nodes():
    graph, leaves = graph_of(SHAPES)
    (last,), _ = ops.scan(lambda s, a: ([s[0] + a[0]], [a[0]]), [leaves["h"]], [leaves["x"]])
    after = ops.exp(last)
    assert (after.index, after.node.index) == (len(graph.values) - 1, len(graph.nodes) - 1)
    assert after.index == after.node.index + 1


def test_a_widened_node_keeps_what_it_had():
    graph, leaves = graph_of(SHAPES)
    (last,), _ = ops.scan(lambda s, a: ([s[0] + a[0]], []), [leaves["h"]], [leaves["x"]])
    reader = ops.exp(last)
    node = last.node
    settings = ops.SCAN.of(node)
    settings.body.returns += (settings.body.returns[0],)
    (more,) = node.widen(settings, [((STEPS, BATCH, 3), "float64")])
    assert node.results == (last, more)
    assert (more.number, more.index, more.node) == (1, len(graph.values) - 1, node)
    assert more.index > reader.index, "values that were there keep their indices"
    assert last.index == 3


def test_what_a_step_uses_of_the_graph_around_it_becomes_an_argument():
    graph, leaves = graph_of(SHAPES)
    scale = ops.exp(leaves["W"])

    def step(states, slices):
        return [ops.tanh(states[0] @ scale + slices[0] @ scale)], [states[0] @ leaves["W"]]

    (last,), _ = ops.scan(step, [leaves["h"]], [leaves["x"]])
    body = body_of(graph)
    assert last.inputs == (leaves["h"], leaves["x"], scale, leaves["W"]), "each of them once"
    assert [value.shape for value in body.arguments] == [(BATCH, 3), (BATCH, 3), (3, 3), (3, 3)]
    assert body.taken == {scale: body.arguments[2], leaves["W"]: body.arguments[3]}
    assert [node.attributes.position for node in body if node.op.name == "argument"] == [0, 1, 2, 3]


def test_a_value_may_come_from_two_graphs_further_out():
    graph, leaves = graph_of(SHAPES)
    inner_most = []

    def outer(states, slices):
        def inner(own, _):
            inner_most.append(own[0].graph)
            return [ops.tanh(own[0] @ leaves["W"] + slices[0])], []

        (last,), _ = ops.scan(inner, states, [], length=2)
        return [last], []

    (last,), _ = ops.scan(outer, [leaves["h"]], [leaves["x"]])
    body = body_of(graph)
    assert last.inputs == (leaves["h"], leaves["x"], leaves["W"])
    (loop,) = (node for node in body if node.op is ops.SCAN)
    assert loop.inputs == (body.arguments[0], body.arguments[2], body.arguments[1])
    inside = ops.SCAN.of(loop).body
    assert (graph.depth, body.depth, inside.depth) == (0, 1, 2)
    assert inner_most == [inside]
    assert inside.around is body


def test_a_loop_belongs_to_the_innermost_graph_of_what_it_is_given():
    graph, leaves = graph_of(SHAPES | {"v": (3,)})

    def outer(states, slices):
        (last,), _ = ops.scan(lambda own, given: ([own[0] + given[0]], []), [leaves["v"]], [slices[0]])
        return [states[0] + last], []

    ops.scan(outer, [leaves["W"]], [leaves["x"]])
    assert sum(node.op is ops.SCAN for node in graph) == 1
    assert sum(node.op is ops.SCAN for node in body_of(graph)) == 1


def test_a_value_of_another_graph_is_refused():
    (graph, leaves), (_, others) = graph_of(SHAPES), graph_of(SHAPES)
    with pytest.raises(AssertionError, match="belongs to another graph"):
        leaves["h"] + others["h"]
    finished = Region("float64")
    with pytest.raises(AssertionError, match="belongs to another graph"):
        finished.take(leaves["h"])
    assert len(graph) == 3


def test_a_body_has_the_origin_and_phase_of_what_asks_for_it():
    graph, leaves = graph_of(SHAPES)
    graph.key_path, graph.phase = ("layers", 2), "backward"
    ops.scan(lambda s, a: ([s[0] + a[0]], []), [leaves["h"]], [leaves["x"]])
    assert {(node.key_path, node.phase) for node in body_of(graph)} == {(("layers", 2), "backward")}


def test_regions_are_attributes_that_can_be_exchanged():
    graph, leaves = graph_of(SHAPES)
    ops.scan(lambda s, a: ([s[0] + a[0]], []), [leaves["h"]], [leaves["x"]])
    node = graph.nodes[-1]
    other = Region("float64")
    assert node.regions == (node.attributes.body,)
    assert node.attributes.with_regions((other,)).regions == (other,)
    assert NONE.regions == ()


def faulty(step, init=("h",), arrays=("x",), **options):
    _, leaves = graph_of(SHAPES | {"v": (3,), "t": (STEPS,), "y": (7, BATCH, 3)})
    with pytest.raises(ShapeFault) as caught:
        ops.scan(step, [leaves[name] for name in init], [leaves[name] for name in arrays], **options)
    return str(caught.value), caught.value.blame, leaves


def test_a_state_that_changes_its_shape():
    message, blame, leaves = faulty(lambda s, a: ([ops.reduce_sum(s[0], axes=(0,))], []))
    assert message == "a state (batch, 3) cannot become (3,)"
    assert blame is leaves["h"]


def test_a_state_that_changes_its_dtype():
    message, _, _ = faulty(lambda s, a: ([ops.greater(s[0], 0.0)], []))
    assert message == "a state (batch, 3) cannot become (batch, 3)"


def test_arrays_of_different_lengths():
    message, blame, leaves = faulty(lambda s, a: ([s[0] + a[1]], []), arrays=("x", "y"))
    assert message == "(7, batch, 3) does not have steps steps"
    assert blame is leaves["y"]
    message, blame, leaves = faulty(lambda s, a: ([s[0] + a[0]], []), length=4)
    assert message == "(steps, batch, 3) does not have 4 steps"


def test_scalars_go_through_no_loop():
    message, blame, leaves = faulty(lambda s, a: ([s[0] + a[1]], []), arrays=("x", "t"))
    assert message == "(steps,) does not fit what a loop takes, ()"
    assert blame is leaves["t"]
    message, _, _ = faulty(lambda s, a: ([s[0] + a[0]], [ops.sum_all(a[0])]))
    assert message == "a step of a loop cannot give a scalar"
    _graph, leaves = graph_of(SHAPES)
    with pytest.raises(ShapeFault, match=r"\(\) does not fit what a loop takes, \(\)"):
        ops.scan(lambda s, a: ([s[0]], []), [ops.sum_all(leaves["h"])], [leaves["x"]])


def test_arguments_must_fit_what_the_loop_is_given():
    graph, leaves = graph_of(SHAPES)
    body = Region("float64")
    state, constant_ = argument(body, (BATCH, 3)), argument(body, (3,))
    body.returns = (state + constant_,)
    with pytest.raises(ShapeFault, match=r"\(3, 3\) does not fit what a loop takes, \(3,\)"):
        graph.apply(ops.SCAN, (leaves["h"], leaves["W"]), ScanAttributes(body, 1, 0, 4))
    whole = ops.cast(leaves["h"], to="int64")
    with pytest.raises(ShapeFault, match=r"\(batch, 3\) does not fit what a loop takes, \(batch, 3\)"):
        graph.apply(ops.SCAN, (whole, leaves["W"]), ScanAttributes(body, 1, 0, 4))


def test_a_graph_with_a_region_prints_as_text():
    graph, leaves = graph_of(RNN)
    last, outputs = recurrence(ops.scan, **leaves, reverse=True)
    graph.outputs = {"y": outputs}
    graph.assign(leaves["B"], ops.reduce_sum(last, axes=(0,)))
    assert text(graph) == "\n".join(  # noqa: FLY002
        [
            (
                "%0: float64(steps, batch, 3) = leaf(name='x', role='input', shape=(steps, batch, 3),"
                " dtype='float64')"
            ),
            "%1: float64(batch, 2) = leaf(name='h', role='input', shape=(batch, 2), dtype='float64')",
            "%2: float64(3, 2) = leaf(name='U', role='parameter', shape=(3, 2), dtype='float64')",
            "%3: float64(2, 2) = leaf(name='W', role='parameter', shape=(2, 2), dtype='float64')",
            "%4: float64(2,) = leaf(name='B', role='parameter', shape=(2,), dtype='float64')",
            (
                "%5: float64(batch, 2), %6: float64(steps, batch, 2) ="
                " scan(%1, %0, %2, %3, %4, states=1, arrays=1, length=steps, reverse=True)"
            ),
            (
                "    (%0: float64(batch, 2), %1: float64(batch, 3), %2: float64(3, 2), %4: float64(2, 2),"
                " %7: float64(2,)):"
            ),
            "        %3: float64(batch, 2) = matmul(%1, %2)",
            "        %5: float64(batch, 2) = matmul(%0, %4)",
            "        %6: float64(batch, 2) = add(%3, %5)",
            "        %8: float64(batch, 2) = add(%6, %7)",
            "        %9: float64(batch, 2) = tanh(%8)",
            "        return %9, %9",
            "%7: float64(2,) = reduce_sum(%5, axes=(0,))",
            "return y = %6",
            "assign B = %7",
        ]
    )


def test_settings_that_are_their_default_are_not_printed():
    graph, leaves = graph_of({"x": (BATCH, 3), "W": (3, 3)})
    ops.MATMUL(leaves["x"], leaves["W"])
    ops.MATMUL(leaves["x"], leaves["W"], b_t=True)
    ops.softmax(leaves["x"])
    ops.softmax(leaves["x"], axis=-2)
    constant(graph, 0.5, (("batch", -1),))
    ops.reshape(leaves["x"], shape=(BATCH, 3, 1))
    leaf(graph, "b", "parameter", (3,), after="W")
    assert [line.partition(" = ")[2] for line in text(graph).split("\n")][2:] == [
        "matmul(%0, %1)",
        "matmul(%0, %1, b_t=True)",
        "softmax(%0)",
        "softmax(%0, axis=-2)",
        "constant(factor=0.5, powers=(('batch', -1),), dtype='float64')",
        "reshape(%0, shape=(batch, 3, 1))",
        "leaf(name='b', role='parameter', shape=(3,), dtype='float64', after='W')",
    ]


def test_a_node_is_known_by_its_results():
    graph, leaves = graph_of(RNN)
    recurrence(ops.scan, **leaves)
    assert repr(graph.nodes[-1]) == "<%5, %6 = scan>"
