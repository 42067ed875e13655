"""Plans of graphs that are drawn: no two arrays are in each other's way, and every plan gives the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings

from specnet.engines.execution import Executable
from specnet.engines.random import stream
from specnet.graph.leaves import name_of
from specnet.graph.printing import text
from specnet.passes import fuse
from specnet.passes.pipeline import plan
from tests.support.allocations import allocations, collisions
from tests.support.drawn_graphs import gradients, graphs
from tests.support.examples import examples
from tests.support.graphs import drawn
from tests.support.reference import evaluate

SIZES = {"batch": 2, "steps": 3}
LARGER = {"batch": 4, "steps": 5}
often = settings(
    max_examples=examples(300),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(autouse=True, scope="module")
def small_pieces():
    """Have arrays of eight elements run piece by piece."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fuse, "PIECE", 4)
        yield


@often
@given(graphs() | gradients())
def test_no_two_arrays_are_in_each_others_way(graph):
    note(text(graph))
    with allocations(pytest.MonkeyPatch()) as seen:
        for options in ({}, {"optimise": False}, {"engine": "numba"}):
            plan(graph, LARGER, **options)
    assert len(seen) == 3
    for each in seen:
        assert collisions(*each) == []


def executed(graph, sizes, room, given, *, optimise):
    """Return the outputs of a plan, and what the leaves hold that take a value."""
    made = plan(graph, room, optimise=optimise)
    streams = {name: stream(0, name) for name in made.streams}
    leaves = {name: np.array(given[name]) for name in made.leaves}
    execution = Executable(made, streams).bind(sizes, leaves)
    found = dict(zip(made.scalars, execution.step(), strict=True)) | execution.arrays
    return [found[name] for name in graph.outputs] + [leaves[name_of(leaf)] for leaf, _ in graph.assignments]


@often
@given(graphs() | gradients())
def test_every_plan_gives_what_the_graph_means(graph):
    note(text(graph))
    numbers = drawn(graph, SIZES)
    meant = evaluate(graph, numbers, graph.wanted, SIZES)
    for optimise, room in ((False, SIZES), (True, SIZES), (True, LARGER)):
        found = executed(graph, SIZES, room, numbers, optimise=optimise)
        for got, expected in zip(found, meant, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9, err_msg=f"{optimise=} {room=}")
