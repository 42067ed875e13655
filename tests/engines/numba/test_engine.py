"""Compiled loops compute what NumPy does: every op, small documents, and with the long checks all there is."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

pytest.importorskip("numba")

from specnet.engines.execution import Executable
from specnet.engines.numba import engine
from specnet.engines.random import stream
from specnet.graph.leaves import name_of
from specnet.passes.pipeline import plan
from tests.support.compiled import compared
from tests.support.drawn_graphs import gradients, graphs
from tests.support.examples import LONG, examples
from tests.support.graphs import drawn
from tests.support.op_rows import TABLE, build, named, numbers
from tests.support.reference import evaluate
from tests.support.shipped_networks import FILES, some, three_steps

SMALL = ("mlp.toml", "xor.json", "iris.toml", "digits.toml", "forecast-lstm.toml", "reviews.toml")


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


def test_numba_reads_the_source_of_what_it_compiles():
    """It would tokenize lines of another file, which Python 3.15 may refuse."""
    loop = "def {name}(t):\n    t = int64_at(t)\n    t[0] = 7\n"
    run = engine.compiled((loop,))
    table = np.zeros(1, np.int64)
    run(0, table.ctypes.data)
    assert table[0] == 7
    assert inspect.getsource(run.py_func).startswith("def plan_")
