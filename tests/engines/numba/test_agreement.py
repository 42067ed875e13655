"""Compiled loops compute what NumPy does: every op, small documents, and with the long checks all there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from specnet.engines.execution import Executable
from specnet.engines.random import stream
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf, name_of, number
from specnet.graph.sizes import at
from specnet.passes import cores
from specnet.passes.differentiate import differentiate
from specnet.passes.pipeline import plan
from tests.support.compiled import TOLERANCE, bound, run
from tests.support.drawn_graphs import gradients, graphs
from tests.support.examples import LONG, examples
from tests.support.graphs import drawn
from tests.support.op_rows import TABLE, B, build, named, numbers
from tests.support.reference import evaluate
from tests.support.shipped_networks import FILES, some, three_steps

SMALL = ("mlp.toml", "xor.json", "iris.toml", "digits.toml", "forecast-lstm.toml", "reviews.toml")


def compared(graph, given, wanted, sizes):
    """Check the wanted values against what the ops mean."""
    meant = evaluate(graph, given, wanted, sizes)
    got = run(graph, given, wanted, sizes, engine="numba")
    for value, here, there in zip(wanted, got, meant, strict=True):
        assert here.shape == there.shape
        tolerance = TOLERANCE[graph.dtype]
        np.testing.assert_allclose(here, there, tolerance, tolerance, err_msg=str(value.op))


ROWS = TABLE if LONG else list({row.op: row for row in TABLE}.values())


@named(ROWS)
def test_an_op_computes_what_it_means(row):
    for dtype in ("float32", "float64") if LONG else ("float32",):
        graph, _, y = build(row, dtype)
        compared(graph, numbers(row, 5), [y], 5)


@pytest.mark.parametrize("name", SMALL)
def test_a_small_document_trains_alike(name):
    network, data = some(name, dtype="float64", **{"training.optimizer.learning_rate": 1e-3})
    (losses, parameters), (own_losses, own) = (
        three_steps(network, data, engine=engine) for engine in ("numpy", "numba")
    )
    np.testing.assert_allclose(own_losses, losses, rtol=1e-9)
    np.testing.assert_allclose(own, parameters, rtol=1e-6, atol=1e-8)


@pytest.mark.skipif(not LONG, reason="with the long checks only")
@pytest.mark.parametrize("name", [name for name in FILES if name not in SMALL])
def test_every_document_trains_alike(name):
    test_a_small_document_trains_alike(name)


SHAPES = [
    ((B, 3, 4), (B, 3, 4)),
    ((B, 3, 4), (4,)),
    ((B, 3, 4), (3, 4)),
    ((B, 3, 4), (B, 1, 1)),
    ((B, 3, 4), (B, 1, 4)),
    ((B, 3, 4), (3, 1)),
    ((B, 3, 4), (1, 3, 1)),
    ((B, 1, 4), (B, 1, 1)),
    ((B, 2, 3, 4), (B, 1, 3, 1)),
    ((B, 2, 3, 4), (2, 1, 4)),
    ((1, 1), (1, 1)),
    ((B, 3), (1, 1)),
    ((5, B), (B,)),
]


@pytest.mark.parametrize(("shape", "other"), SHAPES, ids=str)
def test_operands_are_stretched_along_any_axes(shape, other):
    rng = np.random.default_rng(0)
    graph = Graph("float64")
    x, y = leaf(graph, "x", "input", shape), leaf(graph, "y", "input", other)
    given = {"x": rng.normal(size=at(shape, 6)), "y": rng.normal(size=at(other, 6))}
    z = x * y
    compared(graph, given, [z, ops.exp(z - y) * x], 6)


def test_numbers_are_handed_to_a_loop():
    graph = Graph("float32")
    x, rate = leaf(graph, "x", "input", (B, 4)), number(graph, "rate")
    wanted = [x * rate + 0.123, ops.where(ops.greater(x, rate), x, rate * 3.0)]
    for value in (0.5, 2.0):
        compared(graph, {"x": np.arange(20.0).reshape(5, 4) / 7, "rate": value}, wanted, 5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_and_infinity_stay_what_they_are(dtype):
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, -1e300, 100.0, -100.0, 1000.0, -1000.0])
    graph = Graph(dtype)
    x, y = leaf(graph, "x", "input", (B,)), leaf(graph, "y", "input", (B,))
    one = [ops.exp, ops.log, ops.sqrt, ops.tanh, ops.sigmoid, ops.relu, ops.absolute, ops.sign, ops.expm1]
    one += [ops.log1p, ops.softplus, ops.square, ops.erf]
    two = [ops.add, ops.subtract, ops.multiply, ops.divide, ops.maximum, ops.minimum, ops.greater]
    wanted = [op(x) for op in one] + [op(x, y) for op in two]
    with np.errstate(all="ignore"):
        left, right = (a.ravel().astype(dtype) for a in np.meshgrid(special, special))
        given = {"x": left, "y": right}
        expected, got = (run(graph, given, wanted, len(left), engine=e) for e in ("numpy", "numba"))
    for value, here, there in zip(wanted, got, expected, strict=True):
        np.testing.assert_allclose(here, there, TOLERANCE[dtype], err_msg=str(value.op))


def convolved(graph):
    """Return what a convolution and chains before and after it come to, forward and back."""
    image = leaf(graph, "image", "input", (B, 8, 8, 4))
    kernel = leaf(graph, "kernel", "parameter", (3, 3, 4, 4))
    y = ops.tanh(ops.conv2d(image * 2.0, kernel)) * 0.5
    loss = ops.mean_all(ops.square(y + ops.relu(y)))
    return [loss, *differentiate(graph, loss, [kernel, image])]


@pytest.mark.parametrize("batch", [1, 7, 900])
def test_workers_share_chains_and_convolutions(batch, monkeypatch):
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    graph, rng = Graph("float64"), np.random.default_rng(1)
    wanted = convolved(graph)
    given = {"image": rng.normal(size=(batch, 8, 8, 4)), "kernel": rng.normal(size=(3, 3, 4, 4))}
    compared(graph, given, wanted, batch)


@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs() | gradients())
def test_drawn_graphs_give_what_they_mean(graph):
    sizes, room = {"batch": 2, "steps": 3}, {"batch": 4, "steps": 5}
    numbers = drawn(graph, sizes)
    meant = evaluate(graph, numbers, graph.wanted, sizes)
    made = plan(graph, room, engine="numba")
    leaves = {name: np.array(numbers[name]) for name in made.leaves}
    streams = {name: stream(0, name) for name in made.streams}
    execution = Executable(made, streams).bind(sizes, leaves)
    found = dict(zip(made.scalars, execution.step(), strict=True)) | execution.arrays
    got = [found[name] for name in graph.outputs] + [leaves[name_of(leaf)] for leaf, _ in graph.assignments]
    for here, there in zip(got, meant, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-9, atol=1e-9)


def test_a_plan_gives_the_same_bits_twice():
    network, data = some("digits.toml", dtype="float64")
    first, second = (three_steps(network, data, engine="numba") for _ in range(2))
    assert first[0] == second[0]
    assert first[1].tobytes() == second[1].tobytes()


def test_what_only_a_loop_reads_takes_no_memory():
    graph = Graph("float32")
    x = leaf(graph, "x", "input", (B, 64))
    y = ops.tanh(x)
    for _ in range(5):
        y = ops.tanh(y * x + ops.exp(-y))
    graph.outputs = {"y": y}
    made = plan(graph, 10, engine="numba")
    assert made.arena <= 10 * 64 * 4
    execution, _ = bound(made, {"x": np.ones((10, 64))}, 10)
    execution.step()
    (expected,) = evaluate(graph, {"x": np.ones((10, 64))}, [y], 10)
    np.testing.assert_allclose(execution.arrays["y"], expected, 1e-6)
