"""Every rule of the simplifier by itself: what it gives, and that the numbers stay the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import constant, given, leaf, number, scalar_of
from specnet.graph.sizes import BATCH, Size, show
from specnet.passes.rules import RULES
from specnet.passes.simplify import simplify
from tests.support.graphs import body_of, counted, graph_of, names_of
from tests.support.reference import evaluate

XY = (BATCH, 3)


def c(value, each, power=0):
    return constant(value.graph, each, (("batch", power),) if power else ())


def wide(s, shape=XY):
    return ops.expand(s, shape=shape)


def padded(value, before, after):
    return ops.pad(value, margins=(*((0, 0),) * (value.rank - 1), (before, after)))


@dataclass(frozen=True)
class Row:
    """An expression over x, y (batch, 3), v (3,), m of booleans, i of indices, and scalars s and t; and its result."""

    rule: str
    apply: Any
    result: str


TABLE = [
    Row("add", lambda x, **_: x + 0.0, "x"),
    Row("add", lambda x, **_: 0.0 + x, "x"),
    Row("add", lambda x, y, **_: x + -y, "subtract(x, y)"),
    Row("add", lambda x, y, **_: -x + y, "subtract(y, x)"),
    Row("add", lambda s, **_: s * (c(s, 1.0) + c(s, 2.0)), "multiply(s, 3)"),
    Row("add", lambda s, **_: s * (c(s, 1.0, -1) + c(s, 2.0, -1)), "multiply(s, 3*batch^-1)"),
    Row("add", lambda x, s, **_: wide(s) + x, "add(s, x)"),
    Row("add", lambda x, s, **_: x + wide(s), "add(x, s)"),
    Row("add", lambda x, v, **_: x + wide(v), "add(x, v)"),
    Row("add", lambda s, t, **_: wide(s) + wide(t), "expand(add(s, t), shape=(batch, 3))"),
    Row("subtract", lambda x, **_: x - 0.0, "x"),
    Row("subtract", lambda x, y, **_: x - -y, "add(x, y)"),
    Row("subtract", lambda s, **_: s * (c(s, 1.0) - c(s, 3.0)), "multiply(s, -2)"),
    Row("subtract", lambda x, s, **_: wide(s) - x, "subtract(s, x)"),
    Row("multiply", lambda x, **_: x * 1.0, "x"),
    Row("multiply", lambda x, **_: 1.0 * x, "x"),
    Row("multiply", lambda x, **_: x * -1.0, "negative(x)"),
    Row("multiply", lambda x, **_: 2.0 * x, "multiply(x, 2)"),
    Row("multiply", lambda x, **_: (x * 2.0) * 3.0, "multiply(x, 6)"),
    Row("multiply", lambda x, **_: (3.0 * (2.0 * x)) * c(x, 1.0, -1), "multiply(x, 6*batch^-1)"),
    Row("multiply", lambda x, **_: -x * 2.0, "multiply(x, -2)"),
    Row("multiply", lambda x, y, **_: -x * -y, "multiply(x, y)"),
    Row("multiply", lambda x, s, **_: x * wide(s), "multiply(x, s)"),
    Row("multiply", lambda x, s, **_: x * (c(x, 2.0, 1) * c(x, 3.0, -1)), "multiply(x, 6)"),
    Row("divide", lambda x, **_: x / 1.0, "x"),
    Row("divide", lambda s, **_: s * (c(s, 1.0) / c(s, 4.0, 1)), "multiply(s, 0.25*batch^-1)"),
    Row("divide", lambda x, s, **_: x / wide(s), "divide(x, s)"),
    Row("divide", lambda x, s, **_: wide(s) / x, "divide(s, x)"),
    Row("multiply", lambda s, m, **_: wide(s) * m, "multiply(s, m)"),
    Row("multiply", lambda v, m, **_: wide(v) * m, "multiply(v, m)"),
    Row("negative", lambda x, **_: ops.negative(-x), "x"),
    Row("negative", lambda x, **_: x * -c(x, 2.0, -1), "multiply(x, -2*batch^-1)"),
    Row("negative", lambda x, **_: -(x * 2.0), "multiply(x, -2)"),
    Row("negative", lambda s, **_: -wide(s), "expand(negative(s), shape=(batch, 3))"),
    Row("reshape", lambda x, **_: ops.reshape(x, shape=XY), "x"),
    Row(
        "reshape",
        lambda x, **_: ops.reshape(ops.reshape(x, shape=(BATCH, 3, 1)), shape=(Size(3),)),
        "reshape(x, shape=(3*batch,))",
    ),
    Row("reshape", lambda x, **_: ops.reshape(ops.reshape(x, shape=(Size(3),)), shape=XY), "x"),
    Row("reshape", lambda s, **_: ops.reshape(wide(s), shape=(Size(3),)), "expand(s, shape=(3*batch,))"),
    Row("expand", lambda x, **_: wide(x), "x"),
    Row("expand", lambda v, **_: wide(wide(v, (1, 3))), "expand(v, shape=(batch, 3))"),
    Row("crop", lambda x, **_: ops.crop(x, margins=((0, 0), (0, 0))), "x"),
    Row(
        "crop",
        lambda x, y, **_: ops.crop(ops.concat(x, y, axis=1), margins=((0, 0), (3, 0))),
        "y",
    ),
    Row(
        "crop",
        lambda x, y, **_: ops.crop(ops.concat(x, y, axis=1), margins=((0, 0), (4, 1))),
        "crop(y, margins=((0, 0), (1, 1)))",
    ),
    Row("crop", lambda v, **_: ops.crop(v, margins=((1, 0),)), "part(v, start=1, stop=3)"),
    Row("part", lambda v, **_: ops.part(v, start=0, stop=3), "v"),
    Row("pad", lambda x, **_: ops.pad(x, margins=((0, 0), (0, 0))), "x"),
    Row("add", lambda v, **_: padded(v, 0, 3) + padded(v, 3, 0), "concat(v, v, axis=0)"),
    Row(
        "add",
        lambda v, **_: padded(v, 4, 1) + padded(v, 1, 4),
        "pad(concat(v, v, axis=0), margins=((1, 1),))",
    ),
    Row(
        "add",
        lambda x, y, **_: padded(x, 6, 0) + (padded(x, 0, 6) + padded(y, 3, 3)),
        "concat(x, y, x, axis=1)",
    ),
    Row("transpose", lambda x, **_: ops.transpose(x, axes=(0, 1)), "x"),
    Row("transpose", lambda x, **_: ops.transpose(ops.transpose(x, axes=(1, 0)), axes=(1, 0)), "x"),
    Row(
        "transpose",
        lambda x, **_: ops.transpose(
            ops.transpose(ops.reshape(x, shape=(BATCH, 3, 1)), axes=(2, 0, 1)), axes=(1, 0, 2)
        ),
        "transpose(reshape(x, shape=(batch, 3, 1)), axes=(0, 2, 1))",
    ),
    Row("reduce_sum", lambda x, **_: ops.reduce_sum(x, axes=()), "x"),
    Row("reduce_sum", lambda x, **_: ops.sum_all(ops.square(x)), "inner(x, x)"),
    Row("reduce_sum", lambda x, y, **_: ops.sum_all(x * y), "inner(x, y)"),
    Row("reduce_sum", lambda s, **_: ops.sum_all(wide(s)), "multiply(s, 3*batch^1)"),
    Row("reduce_sum", lambda x, **_: ops.sum_all(-x), "negative(reduce_sum(x, axes=(0, 1)))"),
    Row("reduce_sum", lambda x, **_: ops.sum_all(x * 2.0), "multiply(reduce_sum(x, axes=(0, 1)), 2)"),
    Row("reduce_sum", lambda v, i, **_: ops.reduce_sum(ops.put_along_axis(v, i, classes=4), axes=(1,)), "v"),
    Row("inner", lambda x, y, **_: ops.inner(x * 2.0, y), "multiply(inner(x, y), 2)"),
    Row("inner", lambda x, y, **_: ops.inner(x, y * 3.0), "multiply(inner(x, y), 3)"),
    Row("log", lambda x, **_: ops.log(ops.softmax(x)), "log_softmax(x)"),
    Row("log", lambda x, **_: ops.log(ops.softmax(x, axis=-2)), "log_softmax(x, axis=-2)"),
    Row("log", lambda x, **_: ops.log(ops.sigmoid(x)), "negative(softplus(negative(x)))"),
]

KEPT = [
    Row(
        "add",
        lambda v, **_: padded(v, 0, 4) + padded(v, 4, 0),
        "add(pad(v, margins=((0, 4),)), pad(v, margins=((4, 0),)))",
    ),
    Row(
        "add",
        lambda v, **_: padded(v, 1, 3) + padded(v, 3, 1),
        "add(pad(v, margins=((1, 3),)), pad(v, margins=((3, 1),)))",
    ),
    Row("add", lambda s, **_: s * (c(s, 1.0) + c(s, 2.0, -1)), "multiply(s, add(1, 2*batch^-1))"),
    Row("add", lambda x, v, **_: x + -v, "add(x, negative(v))"),
    Row("add", lambda v, s, **_: v + wide(s), "add(v, expand(s, shape=(batch, 3)))"),
    Row("subtract", lambda x, **_: 0.0 - x, "subtract(0, x)"),
    Row("divide", lambda s, **_: s + c(s, 1.0) / c(s, 0.0), "add(s, divide(1, 0))"),
    Row("divide", lambda x, **_: x / 2.0, "divide(x, 2)"),
    Row("reduce_sum", lambda x, v, **_: ops.sum_all(x * v), "reduce_sum(multiply(x, v), axes=(0, 1))"),
    Row(
        "reduce_sum",
        lambda x, **_: ops.reduce_sum(ops.square(x), axes=(0,)),
        "reduce_sum(square(x), axes=(0,))",
    ),
    Row(
        "crop",
        lambda x, y, **_: ops.crop(ops.concat(x, y, axis=1), margins=((0, 0), (2, 2))),
        "crop(concat(x, y, axis=1), margins=((0, 0), (2, 2)))",
    ),
    Row(
        "crop",
        lambda x, y, **_: ops.crop(ops.concat(x, y, axis=0), margins=((BATCH, 0), (0, 0))),
        "crop(concat(x, y, axis=0), margins=((batch, 0), (0, 0)))",
    ),
    Row("multiply", lambda v, m, **_: v * m, "multiply(v, m)"),
    # What is true or false is no number yet.
    Row("multiply", lambda m, **_: m * 1.0, "multiply(m, 1)"),
    Row("multiply", lambda m, **_: (m * 2.0) * 3.0, "multiply(multiply(m, 2), 3)"),
    Row("negative", lambda m, **_: -(m * 2.0), "negative(multiply(m, 2))"),
    Row("reduce_sum", lambda m, x, **_: ops.sum_all(x * m), "reduce_sum(multiply(x, m), axes=(0, 1))"),
    Row("reduce_sum", lambda m, **_: ops.sum_all(m * 2.0), "reduce_sum(multiply(m, 2), axes=(0, 1))"),
    Row("inner", lambda m, x, **_: ops.inner(m * 2.0, x), "inner(multiply(m, 2), x)"),
    Row("log", lambda x, **_: ops.log(ops.exp(x)), "log(exp(x))"),
]
"""What looks like what a rule is for, and is none."""


def shown(value):
    """Return a value as an expression of leaves."""
    if given(value) is not None:
        return given(value).name
    if (known := scalar_of(value)) is not None:
        return f"{known[0]:g}" + "".join(f"*{name}^{power}" for name, power in known[1])
    settings = value.attributes.changed().items()
    parts = [*map(shown, value.inputs), *(f"{name}={_setting(each)}" for name, each in settings)]
    return f"{value.op}({', '.join(parts)})"


def _setting(setting):
    if not isinstance(setting, tuple):
        return repr(setting)
    nested = [_setting(part) if isinstance(part, tuple) else part for part in setting]
    return show(tuple(nested))


def built(row):
    graph = Graph("float64")
    leaves = {name: leaf(graph, name, "input", XY) for name in "xy"}
    leaves |= {"v": leaf(graph, "v", "input", (3,))} | {name: number(graph, name) for name in "st"}
    leaves["m"] = leaf(graph, "m", "input", XY, "bool")
    leaves["i"] = leaf(graph, "i", "input", (3,), "int64")
    graph.outputs["y"] = row.apply(**leaves)
    return graph


def numbers():
    rng = np.random.default_rng(0)
    given = {name: rng.uniform(0.5, 2.0, (5, 3)) for name in "xy"} | {"v": rng.uniform(0.5, 2.0, 3)}
    return given | {"s": 0.7, "t": -1.3, "m": rng.random((5, 3)) < 0.5, "i": rng.integers(0, 4, 3)}


def named(rows):
    return pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.rule}-{row.result}") for row in rows])


def rules():
    return {each for own in RULES.values() for each in own}


def test_every_rule_has_a_row():
    assert {row.rule for row in TABLE} == {rule.__name__ for rule in rules()}
    assert all(rule.__module__.startswith("specnet.passes.rules.") for rule in rules())


@named(TABLE + KEPT)
def test_a_rule_gives_what_it_says(row):
    assert shown(simplify(built(row)).outputs["y"]) == row.result


@named(TABLE)
def test_it_is_that_rule_which_does(row, monkeypatch):
    kept = {name: [rule for rule in own if rule.__name__ != row.rule] for name, own in RULES.items()}
    monkeypatch.setattr("specnet.passes.simplify.RULES", kept)
    assert shown(simplify(built(row)).outputs["y"]) != row.result


@named(TABLE + KEPT)
def test_the_numbers_are_the_same(row):
    graph = built(row)
    made = simplify(graph)
    (before,), (after,) = (evaluate(g, numbers(), g.outputs.values(), 5) for g in (graph, made))
    assert before.shape == after.shape
    assert graph.outputs["y"].dtype == made.outputs["y"].dtype
    np.testing.assert_allclose(after, before, rtol=1e-14, atol=1e-14)


def test_rules_reach_into_loops_within_loops():
    graph, leaves = graph_of({"x": (4, *XY), "h": XY})

    def step(states, slices):
        def inner(own, _):
            return [own[0] + -own[0] * 1.0], []

        (last,), _ = ops.scan(inner, states, [], length=2)
        return [last - -slices[0]], []

    (graph.outputs["y"],), _ = ops.scan(step, [leaves["h"]], [leaves["x"]])
    body = body_of(simplify(graph))
    assert names_of(body) == ["scan", "add"]
    assert names_of(body_of(body)) == ["subtract"]


def test_equal_applications_become_one():
    graph, leaves = graph_of({"x": XY})
    x = leaves["x"]
    graph.outputs["y"] = ops.tanh(x) * ops.exp(ops.tanh(x))
    graph.outputs["z"] = ops.softmax(x) + ops.softmax(x, axis=-2)
    assert names_of(simplify(graph)) == ["tanh", "exp", "multiply", "softmax", "softmax", "add"]


@pytest.mark.parametrize(("phase", "left"), [("forward", 1), ("backward", 1), ("update", 2)])
def test_scalars_of_an_update_keep_their_rounding(phase, left):
    graph = Graph("float64")
    graph.phase = phase
    graph.outputs["y"] = number(graph, "s") * 0.1 * 0.3
    assert counted(simplify(graph), ops.multiply) == left


def test_draws_at_random_stay_two():
    graph, leaves = graph_of({"x": XY})
    masks = [ops.dropout_mask(leaves["x"], stream="m", rate=0.5, scale=2.0) for _ in range(2)]
    graph.outputs["y"] = masks[0] + masks[1]
    assert counted(simplify(graph), ops.dropout_mask) == 2


def test_simplifying_twice_changes_nothing_more():
    for row in TABLE:
        prologue = simplify(built(row))
        assert shown(simplify(prologue).outputs["y"]) == row.result
        assert names_of(simplify(prologue)) == names_of(prologue)


def test_what_a_rule_leaves_over_is_pruned():
    graph = built(Row("reduce_sum", lambda x, **_: ops.sum_all(ops.square(x)), ""))
    assert names_of(simplify(graph)) == ["inner"]
