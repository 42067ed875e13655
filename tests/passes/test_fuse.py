"""Which element-wise ops are joined into chains that run piece by piece."""

from __future__ import annotations

import pytest

from specnet.graph import ops
from specnet.passes.fuse import PIECE, SHARED, group
from tests.support.graphs import graph_of


def chains(graph, **options):
    return [[value.op.name for value in each.values] for each in group(graph, 1, **options)]


@pytest.mark.parametrize(
    ("elements", "options", "expected"),
    [
        (2 * PIECE, {}, [["exp", "tanh"]]),
        (2 * PIECE - 1, {}, [["exp"], ["tanh"]]),
        (8, {"compiled": True}, [["exp", "tanh"]]),
        (2 * PIECE, {"fuse": False}, [["exp"], ["tanh"]]),
    ],
)
def test_long_chains_are_joined_and_short_ones_if_they_are_compiled(elements, options, expected):
    graph, given = graph_of({"x": (elements,)})
    graph.outputs["y"] = ops.tanh(ops.exp(given["x"]))
    assert chains(graph, **options) == expected


def test_a_chain_ends_where_all_of_it_is_needed_and_others_run_before_it():
    graph, given = graph_of({"x": (2 * PIECE,), "y": (8,)})
    a = ops.exp(given["x"])
    apart = ops.sum_all(given["y"])
    b = ops.tanh(a)
    graph.outputs["z"] = ops.square(b * ops.sum_all(b)) + apart
    assert chains(graph) == [["reduce_sum"], ["exp", "tanh"], ["reduce_sum"], ["multiply", "square", "add"]]


@pytest.mark.parametrize(("elements", "workers"), [(SHARED, 2), (SHARED - 1, 1)])
def test_workers_share_chains_that_are_long_enough(elements, workers):
    graph, given = graph_of({"x": (elements,)})
    graph.outputs["y"] = ops.tanh(ops.exp(given["x"]))
    (found,) = group(graph, 1, workers=2)
    assert (found.workers, found.rows, len(found.inner)) == (workers, PIECE, 1)


def test_what_follows_from_inputs_that_never_change_is_computed_once():
    graph, given = graph_of({"x": (8,), "W": (8,)})
    graph.outputs["y"] = ops.exp(given["x"]) * ops.exp(given["W"])
    assert [each.prologue for each in group(graph, 1)] == [False, False, False]
    assert [each.prologue for each in group(graph, 1, fixed_inputs=True)] == [True, False, False]
