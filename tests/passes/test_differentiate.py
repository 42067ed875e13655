"""What differentiation appends to a graph; that its numbers are right, central differences show for every op."""

from __future__ import annotations

import numpy as np

from specnet.graph import ops
from specnet.graph.sizes import BATCH
from specnet.passes.differentiate import differentiate, flow_back
from tests.support.graphs import graph_of, names_of
from tests.support.reference import evaluate

X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.5, 1.0]])
K = np.array([[1.0, -2.0], [0.5, 3.0]])


def appended(graph, make):
    """Return the ops that a function appends to a graph, and what it returns."""
    before = len(graph.nodes)
    made = make()
    return names_of(graph.nodes[before:]), made


def test_ops_are_pulled_back_from_the_last_to_the_first():
    graph, leaves = graph_of({"x": (BATCH, 2), "K": (2, 2)})
    y = ops.exp(ops.tanh(leaves["x"]) @ leaves["K"])
    names, (slope,) = appended(graph, lambda: differentiate(graph, ops.sum_all(y), [leaves["K"]]))
    # The sum spreads a one, exp multiplies it by y, and the product multiplies that by its other input, turned.
    assert names[-1] == "matmul"
    assert "tanh" not in names
    assert slope.shape == (2, 2)
    expected = np.tanh(X).T @ np.exp(np.tanh(X) @ K)
    np.testing.assert_allclose(evaluate(graph, {"x": X, "K": K}, [slope], 3)[0], expected, 1e-14)


def test_nothing_is_appended_for_what_no_wanted_value_leads_to():
    graph, leaves = graph_of({"x": (BATCH, 2), "K": (2, 2)})
    loss = ops.sum_all(ops.tanh(leaves["x"]) + leaves["x"] @ leaves["K"])
    names, _ = appended(graph, lambda: differentiate(graph, loss, [leaves["K"]]))
    assert not {"tanh", "square", "subtract"} & set(names)


def test_gradients_of_a_value_that_is_read_twice_are_added():
    graph, leaves = graph_of({"x": (BATCH, 2)})
    x = leaves["x"]
    names, (slope,) = appended(graph, lambda: differentiate(graph, ops.sum_all(x * x), [x]))
    assert names.count("add") == 1
    np.testing.assert_array_equal(evaluate(graph, {"x": X}, [slope], 3)[0], 2.0 * X)


def test_what_a_loss_does_not_depend_on_has_zeros_and_nothing_flows_back_to_it():
    graph, leaves = graph_of({"x": (BATCH, 2), "K": (2, 2)})
    loss = ops.sum_all(leaves["x"])
    assert flow_back(graph, {loss: loss}, [leaves["K"]]) == [None]
    (slope,) = differentiate(graph, loss, [leaves["K"]])
    np.testing.assert_array_equal(evaluate(graph, {"x": X, "K": K}, [slope], 3)[0], np.zeros((2, 2)))


def test_gradients_belong_to_the_backward_phase_and_to_the_layers_of_their_ops():
    graph, leaves = graph_of({"x": (BATCH, 2)})
    graph.key_path = ("layers", 0)
    y = ops.tanh(leaves["x"])
    graph.key_path = ("loss",)
    loss = ops.sum_all(y)
    before = len(graph.nodes)
    differentiate(graph, loss, [leaves["x"]])
    added = graph.nodes[before:]
    assert {node.phase for node in added} == {"backward"}
    assert added[-1].key_path == ("layers", 0)
    assert graph.key_path == ()
