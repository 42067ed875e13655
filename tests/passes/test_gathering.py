"""Rows are gathered along whichever axis they lie."""

from __future__ import annotations

import pytest

from specnet.graph import ops
from specnet.graph.sizes import BATCH, GLOBAL_BATCH, Size, globally
from specnet.passes.gathering import gathered, own_rows
from tests.support.graphs import graph_of


def names(graph):
    return [node.op.name for node in graph if not node.op.leaf]


def test_rows_of_the_first_axis_lie_together():
    graph, leaves = graph_of({"x": (BATCH, 4)})
    whole = gathered(leaves["x"], (BATCH, 4), None)
    own = own_rows(whole, (BATCH, 4), None)
    assert names(graph) == ["all_gather", "own_rows"]
    assert (whole.shape, own.shape) == ((GLOBAL_BATCH, 4), (BATCH, 4))


@pytest.mark.parametrize(("axes", "outer"), [((1, 0, 2), 1), ((1, 2, 0), 1)])
def test_others_are_brought_together_and_back(axes, outer):
    graph, leaves = graph_of({"x": (BATCH, 4, 6)})
    x = ops.transpose(leaves["x"], axes=axes)
    whole = gathered(x, x.shape, outer)
    own = own_rows(whole, x.shape, outer)
    assert whole.shape == tuple(map(globally, x.shape))
    assert own.shape == x.shape
    assert [name for name in names(graph) if name in ("all_gather", "own_rows")] == ["all_gather", "own_rows"]


def test_one_axis_may_hold_the_rows_of_several():
    graph, leaves = graph_of({"x": (Size(4), 6)})
    whole = gathered(leaves["x"], (Size(4), 6), 4)
    assert whole.shape == (globally(Size(4)), 6)
    assert names(graph).count("transpose") == 2
