"""Formulas as a textbook writes them: what they become, and that the numbers stay the same."""

from __future__ import annotations

import numpy as np

from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import constant, leaf
from specnet.graph.sizes import BATCH
from specnet.passes.readable import readable
from tests.support.graphs import names_of
from tests.support.reference import evaluate

ROWS = (("batch", -1),)
ARRAYS = {"x": np.array([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]]), "classes": np.array([1, 0, 1])}


def gradient(*, sign: float, powers=ROWS) -> Graph:
    """The gradient of a cross-entropy as the passes leave it: probabilities / rows +- one-hot / rows."""
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (BATCH, 2))
    classes = leaf(graph, "classes", "target", (BATCH,), "int64")
    share = constant(graph, 1.0, ROWS)
    spread = ops.expand(constant(graph, sign, powers), shape=(BATCH,))
    graph.outputs["g"] = x * share + ops.put_along_axis(spread, classes, classes=2)
    return graph


def test_a_difference_of_shares_becomes_a_share_of_a_difference():
    before = gradient(sign=-1.0)
    after = readable(before)
    names = names_of(after)
    assert "subtract" in names
    assert "one_hot" in names
    assert "put_along_axis" not in names
    assert names.count("multiply") == 1
    wanted, found = (evaluate(graph, ARRAYS, [graph.outputs["g"]], 3)[0] for graph in (before, after))
    np.testing.assert_allclose(found, wanted, rtol=1e-15)
    np.testing.assert_allclose(found, (ARRAYS["x"] - np.eye(2)[ARRAYS["classes"]]) / 3, rtol=1e-15)


def test_a_sum_or_other_shares_stay_as_they_are():
    for graph in (gradient(sign=1.0), gradient(sign=-2.0), gradient(sign=-1.0, powers=())):
        assert names_of(readable(graph)) == names_of(graph)
