"""Biases that join products: which do, which do not, and that the numbers stay the same."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf, name_of
from specnet.graph.leaves import leaves as leaves_of
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes.differentiate import differentiate
from specnet.passes.layout import join_biases
from specnet.passes.pipeline import plan
from specnet.passes.simplify import simplify
from tests.support.compiled import bound
from tests.support.graphs import body_of, drawn, names_of
from tests.support.reference import evaluate


def affine(graph, x, name, units, *, after=True, transposed=False):
    shape = (x.shape[1], units)
    w = leaf(graph, f"w{name}", "parameter", shape[::-1] if transposed else shape)
    b = leaf(graph, f"b{name}", "parameter", (units,), after=f"w{name}" if after else None)
    return ops.MATMUL(x, w, b_t=transposed) + b


def network(activation=ops.tanh, **options):
    """Return a graph of two dense layers, x (batch, 3) to (batch, 4) to (batch, 2), and its result."""
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (BATCH, 3))
    h = activation(affine(graph, x, "1", 4))
    return graph, affine(graph, h, "2", 2, **options)


def joined(graph, *, fixed_inputs=False):
    """Return the graph as the pass makes it, and the names of the joined parameters."""
    made = join_biases(simplify(graph), fixed_inputs=fixed_inputs)
    return made, [name for name in leaves_of(made) if "+" in name]


def same(graph, made):
    """Check that two graphs compute the same, with kernels and biases one below the other where they are joined."""
    given = drawn(graph, 5)
    for name in leaves_of(made):
        if "+" in name:
            kernel, bias = name.split("+")
            given[name] = np.concatenate([given[kernel], given[bias][None]])
    before = evaluate(graph, given, graph.outputs.values(), 5)
    after = evaluate(made, given, made.outputs.values(), 5)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-13, atol=1e-15)


def test_the_bias_behind_hidden_activations_joins_their_product():
    graph, y = network()
    graph.outputs["y"] = y
    made, found = joined(graph)
    assert found == ["w2+b2"], "the first layer's x is laid out by whoever gives it"
    assert names_of(made) == ["matmul", "reshape", "add", "tanh", "append_ones_row", "matmul"]
    hidden = made.nodes[-1].inputs[0]
    assert hidden.shape == (5, BATCH), "features first, and a row of ones"
    assert made.outputs["y"].shape == (BATCH, 2)
    same(graph, made)


def test_an_input_that_never_changes_gets_a_column_of_ones():
    graph, y = network()
    graph.outputs["y"] = y
    made, found = joined(graph, fixed_inputs=True)
    assert found == ["w1+b1", "w2+b2"]
    assert names_of(made) == ["append_ones_column", "matmul", "tanh", "append_ones_row", "matmul"]
    same(graph, made)


def test_gradients_of_a_kernel_and_its_bias_are_one_product():
    graph, y = network()
    parameters = [value for name, value in leaves_of(graph).items() if name != "x"]
    gradients = differentiate(graph, ops.sum_all(ops.square(y)), parameters)
    assert [name_of(value) for value in parameters] == ["w1", "b1", "w2", "b2"]
    graph.outputs["packed"] = ops.pack(*gradients)
    for fixed in (False, True):
        made, found = joined(graph, fixed_inputs=fixed)
        (pack,) = (node for node in made if node.op is ops.pack)
        assert len(pack.inputs) == 4 - len(found)
        assert found == (["w1+b1", "w2+b2"] if fixed else ["w2+b2"])
        assert pack.inputs[-1].shape == (5, 2)
        assert names_of(made).count("reduce_sum") == (0 if fixed else 1)
        same(graph, made)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": ops.softmax},  # works along the features
        {"activation": lambda h: ops.reshape(ops.reshape(h, shape=(BATCH, 2, 2)) * 2.0, shape=(BATCH, 4))},
        {"after": False},  # the bias lies elsewhere
        {"transposed": True},
    ],
    ids=["softmax", "reshape", "apart", "transposed"],
)
def test_what_cannot_be_joined_stays(options):
    graph, y = network(**options)
    graph.outputs["y"] = y
    made, found = joined(graph)
    assert found == []
    same(graph, made)


def test_hidden_activations_that_are_given_out_stay():
    graph, y = network()
    graph.outputs["y"] = y
    (tanh,) = (value for value in graph.values if value.op is ops.tanh)
    graph.outputs["h"] = tanh
    assert joined(graph)[1] == []


def test_a_product_that_something_else_reads_stays():
    graph, y = network()
    graph.outputs["y"] = y
    graph.outputs["z"] = ops.exp(y.inputs[0])
    assert joined(graph)[1] == []


def test_what_is_the_same_for_all_rows_is_next_to_them_as_a_column():
    graph = Graph("float64")
    x, v = leaf(graph, "x", "input", (BATCH, 3)), leaf(graph, "v", "input", (4,))
    h = ops.tanh(affine(graph, x, "1", 4)) * v
    graph.outputs["y"] = affine(graph, h, "2", 2)
    made, found = joined(graph)
    assert found == ["w2+b2"]
    same(graph, made)


def test_loops_are_left_alone():
    graph, y = network()
    (), (again,) = ops.scan(
        lambda _, slices: ([], [affine_of(slices[0], graph)]),
        [],
        [leaf(graph, "xs", "input", (STEPS, BATCH, 3))],
    )
    graph.outputs = {"y": y, "again": again}
    made, found = joined(graph)
    assert found == ["w2+b2"]
    assert names_of(body_of(made)) == ["matmul", "add"]
    given = drawn(graph, {"batch": 3, "steps": 2})
    parameters = np.concatenate([given[name].ravel() for name in ("w1", "b1", "w2", "b2")])
    kinds = {"w1": (0, (3, 4)), "b1": (12, (4,)), "w2": (16, (4, 2)), "b2": (24, (2,)), "w2+b2": (16, (5, 2))}
    for name, (start, shape) in kinds.items():
        given[name] = parameters[start : start + np.prod(shape)].reshape(shape)
    sizes = {"batch": 3, "steps": 2}
    meant = evaluate(graph, given, graph.outputs.values(), sizes)
    execution, _ = bound(plan(graph, sizes), given, sizes)
    execution.step()
    for name, expected in zip(graph.outputs, meant, strict=True):
        np.testing.assert_allclose(execution.arrays[name], expected, rtol=1e-13, atol=1e-15)


def affine_of(x, graph):
    leaves = leaves_of(graph)
    return x @ leaves["w1"] + leaves["b1"]
