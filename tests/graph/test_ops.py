"""Every op: its kernel against its meaning, and its pullback against central differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.graph import OPS, Graph, ShapeFault
from specnet.graph.leaves import constant, leaf, leaves, name_of, number
from specnet.graph.sizes import at
from specnet.passes.differentiate import differentiate
from specnet.passes.pipeline import plan
from tests.support.compiled import TOLERANCE, checked, run
from tests.support.graphs import pulled_back
from tests.support.op_rows import FLAT, OF_SCALARS, TABLE, B, build, build_of_scalars, flowing, named, numbers
from tests.support.reference import DRAWN, evaluate


def test_the_table_covers_every_op():
    # What has a body is no row: see test_loop_gradients.py and test_shard.py; nor what several processes do together:
    # see test_distribute.py and test_share_update.py.
    assert {row.op for row in TABLE} == {op.name for op in OPS.values() if not op.leaf} - {
        "add_portions",
        "all_gather",
        "all_reduce",
        "constant",
        "join_portions",
        "own_rows",
        "reduce_scatter",
        "scan",
        "shard",
    }


@named(TABLE)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_kernel_computes_what_its_op_means(row, dtype):
    for batch in (1, 5):
        graph, _, y = build(row, dtype)
        checked(graph, numbers(row, batch), [y], batch)


UNPULLED = {
    "batch_moments",
    "batch_norm_grad",
    "batch_norm_sums",
    "group_moments",
    "group_norm_grad",
    "append_ones_row",
    "append_ones_column",
    "pack",
    "layer_norm_grad",
}
"""Ops that stand where no gradient comes by."""


def test_every_op_that_has_a_slope_is_differentiated():
    # The rows of what is drawn multiply by it, and so have a slope.
    smooth = {row.op for row in TABLE} - FLAT - UNPULLED | DRAWN.keys()
    assert {row.op for row in TABLE if flowing(row)[1]} == smooth


def elementwise(row):
    y = build(row)[2]
    return y.op.elementwise and y.rank > 0 and any(g.shape and g.shape[0] == B for g in row.given)


@named([row for row in TABLE if elementwise(row)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch", [7, 70_000])
def test_a_kernel_works_in_place_and_piece_by_piece(row, dtype, batch):
    """The op stands in the middle of a chain, which a plan cuts into pieces where the arrays are long."""
    graph = Graph(dtype)
    sources = [leaf(graph, f"x{i}", "input", g.shape, g.dtype or None) for i, g in enumerate(row.given)]
    ones = [leaf(graph, f"one{i}", "input", v.shape, v.dtype) for i, v in enumerate(sources)]
    before = [v if v.dtype == "bool" else v * one for v, one in zip(sources, ones, strict=True)]
    y = row.apply(*before)
    after = leaf(graph, "after", "input", y.shape, dtype)
    z = ops.where(y, after, 0.0) if y.dtype == "bool" else y * after
    given = numbers(row, batch) | {f"one{i}": 1 for i in range(len(ones))}
    given["after"] = np.random.default_rng(2).normal(size=at(y.shape, batch))
    meant = evaluate(
        graph,
        {n: np.broadcast_to(x, at(leaves(graph)[n].shape, batch)) for n, x in given.items()},
        [z],
        batch,
    )
    for room in (batch, batch + 1):
        got = run(graph, given, [z], batch, room=room)
        assert any(step.block for step in plan(graph, room).steps) == (batch > 7)
        np.testing.assert_allclose(got[0], meant[0], TOLERANCE[dtype], TOLERANCE[dtype])


@named([row for row in TABLE if flowing(row)[1]])
def test_a_pullback_agrees_with_central_differences(row):
    batch, step, rng = 5, 1e-6, np.random.default_rng(1)
    loss, sources = flowing(row)
    given = numbers(row, batch)
    given["w"] = rng.normal(size=at(leaves(loss.graph)["w"].shape, batch))
    slopes = checked(loss.graph, given, pulled_back(loss.graph, loss, sources), batch, rtol=1e-10)
    compiled = evaluate(loss.graph, given, differentiate(loss.graph, loss, sources), batch)
    for slope, other in zip(slopes, compiled, strict=True):
        np.testing.assert_array_equal(slope, other)
    for source, slope in zip(sources, slopes, strict=True):
        name = name_of(source)
        for _ in range(3):
            direction = rng.normal(size=slope.shape)
            expected = difference(loss, given, name, step * direction) / (2 * step)
            assert (slope * direction).sum() == pytest.approx(expected, rel=1e-6, abs=1e-7), name


def difference(loss, given, name, step):
    """Return how much a scalar changes from one step before a leaf's numbers to one behind them."""
    ends = [evaluate(loss.graph, given | {name: given[name] + s * step}, [loss], 5)[0] for s in (1.0, -1.0)]
    return float(ends[0] - ends[1])


@named([row for row in TABLE if row.op in FLAT | UNPULLED and row.op not in DRAWN])
def test_nothing_flows_back_through_an_op_without_a_slope(row):
    _, leaves, y = build(row)
    assert y.op.pullback is None or set(y.op.pullback(y, y, *leaves, **y.attributes.named())) == {None}


@pytest.mark.parametrize("name", ["where", "maximum", "take_along_axis", "huber", "log_softmax"])
def test_differences_would_show_a_wrong_pullback(name):
    """The check above can fail: a gradient twice too large is found out."""
    loss, (source, *_) = flowing(next(r for r in TABLE if r.op == name))
    given = numbers(next(r for r in TABLE if r.op == name), 5)
    given["w"] = np.ones(at(leaves(loss.graph)["w"].shape, 5))
    (slope,) = evaluate(loss.graph, given, pulled_back(loss.graph, loss * 2.0, [source]), 5)
    direction = np.random.default_rng(1).normal(size=slope.shape)
    expected = difference(loss, given, name_of(source), 1e-6 * direction) / 2e-6
    assert abs(expected) > 0.01
    assert (slope * direction).sum() == pytest.approx(2.0 * expected, rel=1e-6)


@named(OF_SCALARS)
@pytest.mark.parametrize("seed", range(4))
def test_a_scalar_expression_computes_what_its_op_means(row, seed):
    rng = np.random.default_rng(seed)
    graph, y = build_of_scalars(row)
    given = {f"x{i}": rng.uniform(g.low, g.high) for i, g in enumerate(row.given)}
    checked(graph, given, [y], 1)


@pytest.mark.parametrize("name", ["sqrt", "exp", "log", "expm1", "log1p", "cos", "tanh", "sign"])
@pytest.mark.parametrize("x", [-800.0, -1.0, -0.0, 0.0, 0.5, 800.0, math.inf, -math.inf, math.nan])
def test_a_function_of_scalars_raises_nothing(name, x):
    graph = Graph("float64")
    y = getattr(ops, name)(number(graph, "x"))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(run(graph, {"x": x}, [y], 1)[0], getattr(np, name)(x), 1e-15)


def test_ties_of_the_largest_share_the_gradient():
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (B, 4))
    (slope,) = pulled_back(graph, ops.sum_all(ops.reduce_max(x)), [x])
    given = {"x": [[1.0, 3.0, 3.0, 0.0], [2.0, 1.0, 0.0, 0.0]]}
    np.testing.assert_array_equal(checked(graph, given, [slope], 2)[0], [[0, 0.5, 0.5, 0], [1, 0, 0, 0]])


def test_an_unselected_gradient_that_is_infinite_does_no_harm():
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (B,))
    weight = leaf(graph, "w", "input", (B,))
    y = ops.where(ops.greater(x, 0.0), x, x * 0.5)
    (slope,) = pulled_back(graph, ops.sum_all(y * weight), [x])
    got = run(graph, {"x": [1.0, -1.0], "w": [np.inf, -np.inf]}, [slope], 2)[0]
    np.testing.assert_array_equal(got, [np.inf, -np.inf])


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (lambda g, x: x + leaf(g, "b", "input", (4,)), "do not fit element by element"),
        (lambda g, x: x @ leaf(g, "b", "input", (4, 2)), "no matrix product"),
        (lambda g, x: ops.reshape(x, shape=(B, 4)), "numbers of elements differ"),
        (lambda g, x: ops.expand(x, shape=(B, 4)), "cannot be stretched"),
        (lambda g, x: ops.transpose(x, axes=(0, 0)), "not an ordering of the 2 axes"),
        (lambda g, x: ops.take_along_axis(x, leaf(g, "b", "input", (B, 3), "int64")), "indices do not fit"),
        (
            lambda g, x: ops.put_along_axis(x, leaf(g, "b", "input", (B,), "int64"), classes=3),
            "indices do not fit",
        ),
        (lambda g, x: ops.inner(x, leaf(g, "b", "input", (3,))), "no inner product"),
        (lambda g, x: ops.MATMUL(x, x, a_t=False, b_t=False), "no matrix product"),
    ],
)
def test_values_that_do_not_fit_an_op_are_named(apply, message):
    graph = Graph("float64")
    with pytest.raises(ShapeFault, match=message):
        apply(graph, leaf(graph, "x", "input", (B, 3)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_integers_and_floats_make_floats(dtype):
    graph = Graph(dtype)
    whole = leaf(graph, "i", "input", (B, 3), "int64")
    for y in (whole * leaf(graph, "x", "input", (3,)), leaf(graph, "y", "input", (B, 3)) * whole):
        assert y.dtype == dtype
    assert (whole + whole).dtype == "int64"


def test_a_constant_may_follow_the_batch():
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (B,))
    y = ops.sum_all(x) * constant(graph, 2.0, (("batch", -1),))
    assert float(checked(graph, {"x": [1.0, 2.0, 6.0]}, [y], 3)[0]) == 6.0
