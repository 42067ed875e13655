"""Loops before and after a pass that moves parts of them."""

from __future__ import annotations

import numpy as np

from specnet.graph import ops
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes.pruning import prune
from tests.support.graphs import drawn, graph_of
from tests.support.reference import evaluate

SIZES = {"batch": 3, "steps": 4}
X, H = (STEPS, BATCH, 3), (BATCH, 3)
SHAPES = {"x": X, "y": X, "h": H, "v": (3,), "W": (3, 3), "V": (3, 3), "s": (3,), "p": (3, 3)}


def moved(move, build, *, reverse=False):
    """Return a graph with one loop before and after a pass, having checked that the results are the same."""
    graph, leaves = graph_of(SHAPES)
    init, arrays, step = build(**leaves)
    last, outputs = ops.scan(step, init, arrays, reverse=reverse)
    graph.outputs = {f"y{n}": value for n, value in enumerate((*last, *outputs))}
    made = prune(move(graph))
    given = drawn(graph, SIZES)
    before, after = (evaluate(g, given, g.outputs.values(), SIZES) for g in (graph, made))
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-13, atol=1e-14)
    assert list(made.outputs) == list(graph.outputs)
    return made
