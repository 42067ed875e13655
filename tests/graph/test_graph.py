"""Graphs, their shapes and their builders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Graph, ShapeFault
from specnet.graph.leaves import constant, leaf, leaves, number, scalar_of
from specnet.graph.printing import text
from specnet.graph.scopes import Scope
from specnet.graph.sizes import BATCH, Count, Size, at, broadcast, count, show
from specnet.graph.update_builder import UpdateBuilder
from specnet.vocabulary.initializers.given import Zeros
from specnet.vocabulary.regularizers.norms import L2
from tests.support.reference import evaluate

DIMS = st.sampled_from([1, 2, 3, BATCH, Size(2)])
SHAPES = st.lists(DIMS, max_size=4).map(tuple)


@given(SHAPES, SHAPES)
def test_broadcasting_is_numpys_for_a_batch_that_no_dimension_equals(a, b):
    meant = None
    # Prime sizes: a batch of 11 and twice 11 are equal to no other dimension.
    try:
        meant = np.broadcast_shapes(at(a, 11), at(b, 11))
    except ValueError:
        assert broadcast(a, b) is None
        return
    joined = broadcast(a, b)
    assert joined is not None
    assert at(joined, 11) == meant


@given(SHAPES, st.integers(1, 7))
def test_counts_are_exact_for_every_batch(shape, batch):
    assert count(shape).at(batch) == np.prod(at(shape, batch), dtype=int)
    assert (count(shape) * Count(3)).at(batch) == 3 * count(shape).at(batch)


def test_shapes_are_shown_as_a_reader_writes_them():
    assert show(()) == "()"
    assert show((BATCH,)) == "(batch,)"
    assert show((BATCH, 28, 28, 1)) == "(batch, 28, 28, 1)"
    assert show((Size(4), 3)) == "(4*batch, 3)"


def test_a_graph_prints_what_it_computes():
    graph = Graph("float32")
    x = leaf(graph, "x", "input", (BATCH, 3))
    w = leaf(graph, "w", "parameter", (3, 2))
    graph.outputs["y"] = ops.relu(x @ w)
    graph.assign(w, w * number(graph, "rate"))
    lines = text(graph).split("\n")
    assert lines[2] == "%2: float32(batch, 2) = matmul(%0, %1)"
    assert lines[3] == "%3: float32(batch, 2) = relu(%2)"
    assert lines[-2:] == ["return y = %3", "assign w = %5"]
    assert list(leaves(graph)) == ["x", "w", "rate"]
    assert len(graph) == len(list(graph)) == 6


def test_arithmetic_with_numbers_on_either_side():
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (BATCH,))
    values = [x + 1.0, 1.0 + x, x - 1.0, 1.0 - x, x * 3.0, 3.0 * x, x / 4.0, 4.0 / x, -x]
    array = np.array([1.0, -2.0])
    meant = [array + 1, 1 + array, array - 1, 1 - array, array * 3, 3 * array, array / 4, 4 / array, -array]
    for got, expected in zip(evaluate(graph, {"x": array}, values, 2), meant, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_values_remember_who_asked_for_them():
    graph = Graph("float32")
    graph.key_path = ("layers", 3)
    x = leaf(graph, "x", "input", (BATCH, 3))
    graph.key_path, graph.phase = ("loss",), "backward"
    y = ops.exp(x)
    assert (x.key_path, x.phase) == (("layers", 3), "forward")
    assert (y.key_path, y.phase) == (("loss",), "backward")


def test_a_fault_names_the_value_to_blame():
    graph = Graph("float32")
    x, w = leaf(graph, "x", "input", (BATCH, 3)), leaf(graph, "w", "parameter", (4, 2))
    with pytest.raises(ShapeFault) as caught:
        x @ w
    assert caught.value.blame is x
    assert str(caught.value) == "(batch, 3) and (4, 2) have no matrix product"


def test_a_parameter_asked_for_again_is_the_same_one():
    builder = Builder(Graph("float32"), training=True, scope=Scope("dense_1", "dense_1"))
    builder.graph.key_path = ("layers", 0)
    first = builder.parameter("kernel", (3, 2), Zeros(), L2(factor=0.5))
    assert builder.parameter("kernel", (3, 2), Zeros(), L2(factor=0.5)) is first
    assert len(builder.penalties) == 1
    made = builder.parameters["dense_1.kernel"]
    assert (made.shape, made.size, made.key_path, made.field) == ((3, 2), 6, ("layers", 0), "kernel_init")
    assert builder.stream("mask") == "dense_1/mask"
    assert builder.dtype == "float32"


def test_slots_are_kept_from_step_to_step():
    graph = Graph("float64")
    build = UpdateBuilder(graph, 5)
    slot = build.slot("mean", 0.25)
    one = build.slot("product", 1.0, (1,))
    new = slot * 0.9
    assert build.keep(slot, new) is new
    assert graph.assignments == [(slot, new)]
    assert build.slots == {"mean": ((5,), 0.25), "product": ((1,), 1.0)}
    assert (slot.shape, one.shape) == ((5,), (1,))


def test_a_leaf_takes_values_of_its_own_shape_alone():
    graph = Graph("float32")
    w = leaf(graph, "w", "parameter", (3,))
    with pytest.raises(AssertionError, match="cannot take"):
        graph.assign(w, leaf(graph, "x", "input", (4,)))


@given(st.integers(1, 9))
def test_the_mean_is_over_the_batch_at_hand(batch):
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (BATCH, 3))
    array = np.random.default_rng(batch).normal(size=(batch, 3))
    whole, columns = evaluate(graph, {"x": array}, [ops.mean_all(x), ops.mean(x, axes=(0,))], batch)
    np.testing.assert_allclose(whole, array.mean())
    np.testing.assert_allclose(columns, array.mean(0))
    assert scalar_of(constant(graph, 2.0, (("batch", -1),))) == (2.0, (("batch", -1),))


def test_the_logarithm_of_probabilities_is_taken_from_logits():
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (BATCH, 2))
    array = np.array([[0.0, 2000.0], [-800.0, 0.0]])
    wanted = [ops.log_of(ops.softmax(x)), ops.log_of(ops.sigmoid(x)), ops.log_of(ops.exp(x) + 1.0)]
    soft, single, _ = evaluate(graph, {"x": array}, wanted, 2)
    np.testing.assert_allclose(soft, [[-2000.0, 0.0], [-800.0, 0.0]], atol=1e-12)
    np.testing.assert_allclose(single, [[-np.log(2.0), 0.0], [-800.0, -np.log(2.0)]], atol=1e-12)
    assert wanted[2].op is ops.log
