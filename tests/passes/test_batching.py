"""Every op that may be applied to all steps of a loop at once: the same as the loop gives step by step."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.graph import Graph, Op, ShapeFault
from specnet.graph.leaves import ARGUMENT, CONSTANT, leaf
from specnet.graph.sizes import STEPS
from specnet.passes import batching
from specnet.passes.batching import can_batch
from specnet.passes.loops import hoist
from specnet.passes.pruning import prune
from tests.support.graphs import body_of, graph_of, names_of
from tests.support.op_rows import TABLE
from tests.support.reference import evaluate

SIZES = {"batch": 3, "steps": 4}


def subsets(count):
    """Return which of so many inputs may differ from step to step."""
    return chain.from_iterable(combinations(range(count), size) for size in range(1, count + 1))


def looped(row, stacked, *, reverse=False):
    """Return a graph in which a loop applies a row to slices of some arrays; None if its steps give scalars."""
    graph = Graph("float64")
    arrays, values = {}, {}
    for number, own in enumerate(row.given):
        shape = (STEPS, *own.shape) if number in stacked else own.shape
        value = leaf(graph, f"x{number}", "input", shape, own.dtype or None)
        (arrays if number in stacked else values)[number] = value
    try:
        _, (y,) = ops.scan(
            lambda _, slices: ([], [applied(row, dict(zip(arrays, slices, strict=True)), values)]),
            [],
            list(arrays.values()),
            reverse=reverse,
        )
    except ShapeFault:
        return None
    graph.outputs["y"] = y
    return graph


def applied(row, slices, values):
    body = next(iter(slices.values())).graph
    both = slices | {number: body.take(value) for number, value in values.items()}
    return row.apply(*(both[number] for number in sorted(both)))


def numbers(row, stacked):
    rng = np.random.default_rng(0)
    given = {}
    for number, own in enumerate(row.given):
        times = SIZES["steps"] if number in stacked else 1
        parts = [own.draw(rng, SIZES["batch"]) for _ in range(times)]
        given[f"x{number}"] = np.stack(parts) if number in stacked else parts[0]
    return given


CASES = [
    pytest.param(row, stacked, id=f"{row.op}-{number}-{''.join(map(str, stacked))}")
    for number, row in enumerate(TABLE)
    for stacked in subsets(len(row.given))
    if len(row.given) < 4 or len(stacked) in (1, len(row.given))
]


@pytest.mark.parametrize(("row", "stacked"), CASES)
def test_all_steps_at_once_are_each_step_by_itself(row, stacked):
    graph = looped(row, stacked)
    if graph is None:
        assert row.op in SCALAR
        return
    made = prune(hoist(graph))
    given = numbers(row, stacked)
    (before,), (after,) = (evaluate(g, given, g.outputs.values(), SIZES) for g in (graph, made))
    np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-12)
    for node in left(made):
        assert not movable(node), node


SCALAR = {"inner", "reduce_sum"}
"""Ops of which a row gives a scalar."""


def left(graph):
    """Return the nodes of the bodies of a graph's loops that are computed there."""
    bodies = [region for node in graph for region in node.regions]
    return [node for body in bodies for node in body if node.op not in (ARGUMENT, CONSTANT)]


def movable(node):
    """Whether a node of a body without states could have been moved: its inputs are given, and it can be batched."""
    given = [value.op in (ARGUMENT, CONSTANT) for value in node.inputs]
    stacked = [value.op is ARGUMENT for value in node.inputs]
    return all(given) and not node.op.random and can_batch(node, stacked)


def accepted():
    """Return the ops that may be applied to all steps at once."""
    known = [op for op in vars(ops).values() if isinstance(op, Op)]
    return {op for op in known if op in batching._RULES or op.elementwise}


def test_every_such_op_is_tried():
    moved = {
        value.op
        for row, stacked in (case.values for case in CASES)
        if (graph := looped(row, stacked)) is not None
        for value in hoist(graph).values
    }
    assert accepted() <= moved
    assert ops.MATMUL in accepted()
    assert ops.gather in accepted()


@pytest.mark.parametrize("op", sorted({op.name for op in accepted()}))
def test_a_loop_the_other_way_round_gives_the_same(op):
    row = next(row for row in TABLE if row.op == op and looped(row, range(len(row.given))) is not None)
    stacked = [1] if op == "gather" else range(len(row.given))
    graph = looped(row, stacked, reverse=True)
    given = numbers(row, stacked)
    made = prune(hoist(graph))
    assert not left(made)
    (before,), (after,) = (evaluate(g, given, g.outputs.values(), SIZES) for g in (graph, made))
    np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-12)


def test_a_table_that_differs_from_step_to_step_is_looked_up_there():
    graph = Graph("float64")
    table, index = leaf(graph, "t", "input", (STEPS, 4, 3)), leaf(graph, "i", "input", (5,), "int64")
    _, (y,) = ops.scan(lambda _, slices: ([], [ops.gather(slices[0], index)]), [], [table])
    graph.outputs["y"] = y
    (lookup,) = left(hoist(graph))
    assert lookup.op is ops.gather


def test_slices_times_one_matrix_are_one_product():
    graph = Graph("float64")
    x, w = leaf(graph, "x", "input", (STEPS, 5, 3)), leaf(graph, "w", "parameter", (3, 2))
    _, (y,) = ops.scan(lambda _, slices: ([], [slices[0] @ w]), [], [x])
    graph.outputs["y"] = y
    (product,) = (node for node in hoist(graph) if node.op is ops.MATMUL)
    assert product.value.rank == 2


def test_a_loop_over_slices_stays_within_the_loop_that_has_them():
    graph, leaves = graph_of({"x": (STEPS, 5, 3)})

    def step(_, slices):
        (last,), _ = ops.scan(lambda own, given: ([own[0] + given[0]], []), [slices[0]], [slices[0]])
        return [], [last]

    _, (graph.outputs["y"],) = ops.scan(step, [], [leaves["x"]])
    assert names_of(body_of(hoist(graph))) == ["scan"]
