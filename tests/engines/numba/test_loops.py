"""Loops over arrays of any shapes, and what they are told from outside."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba import engine
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf, number
from specnet.graph.sizes import at
from specnet.passes.pipeline import plan
from tests.support.compiled import compared
from tests.support.op_rows import B

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


def loops_of(graph, wanted, batch=5):
    graph.outputs = {f"out{i}": value for i, value in enumerate(wanted)}
    program = engine.emit(plan(graph, batch, engine="numba"))
    return program.compiled if program.whole is None else program.compiled[:-1]


def scaled(factor):
    graph = Graph("float32")
    x = leaf(graph, "x", "input", (B, 4))
    return loops_of(graph, [ops.tanh(x) * factor])


def test_a_constant_is_no_part_of_the_code():
    assert scaled(0.123) == scaled(0.456)


@pytest.mark.parametrize("factor", [2.0, 0.5, -1.0])
def test_a_constant_that_saves_an_operation_is(factor):
    assert scaled(factor) != scaled(0.123)


def test_equal_chains_are_one_function():
    graph = Graph("float32")
    x, y = leaf(graph, "x", "input", (B, 4)), leaf(graph, "y", "input", (B, 9))
    (loop,) = loops_of(graph, [ops.tanh(x) + x, ops.tanh(y) + y])
    assert loop.count("tanh(") == 1


def test_axes_that_no_array_tells_apart_are_one():
    graph = Graph("float32")
    x, c = leaf(graph, "x", "input", (B, 3, 4)), leaf(graph, "c", "input", (4,))
    (whole,) = loops_of(graph, [ops.exp(x)])
    assert whole.count("for ") == 1
    (rows,) = loops_of(graph, [x * c])
    assert rows.count("for ") == 2


def test_what_is_the_same_along_the_last_axis_is_read_once():
    graph = Graph("float32")
    x, c = leaf(graph, "x", "input", (B, 4)), leaf(graph, "c", "input", (B, 1))
    (loop,) = loops_of(graph, [x * c])
    before, inside = loop.split("for i1")
    assert "y" in before.split("for i0")[1]
    assert "= a2[" in before or "= a1[" in before
    assert "y" in inside
