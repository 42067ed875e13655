"""Loops as recurrent layers are made of: sums of what the input comes to and of a product with the state."""

from __future__ import annotations

import numpy as np

from specnet.graph import ops
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes.pruning import prune
from tests.support.graphs import drawn, graph_of
from tests.support.reference import evaluate

SIZES = {"batch": 3, "steps": 20}
SHAPES = {
    "x": (STEPS, BATCH, 2),
    "h": (BATCH, 2),
    "C": (4, 2, 2),
    "B": (4, 1, 2),
    "R": (4, 2, 2),
    "s": (STEPS, 4, BATCH, 2),
}


def gate(x, number):
    return ops.reshape(ops.part(x, start=number, stop=number + 1), shape=x.shape[1:])


def cell(states, sums):
    """Return the states after a step of an LSTM."""
    gates = ops.sigmoid(ops.part(sums, start=0, stop=3))
    new = gate(gates, 0) * states[1] + gate(gates, 1) * ops.tanh(gate(sums, 3))
    return [gate(gates, 2) * ops.tanh(new), new]


def lstm(states, slices, leaves):
    """Return the states and the outputs of a step."""
    new = cell(states, slices[0] + states[0] @ leaves["R"])
    return new, [new[1]]


def driven(x, C, B=None, **_):
    """Return what the gates are driven by: a product and a bias of all steps, (steps, gates, batch, units)."""
    drive = ops.MATMUL(ops.rows(x), C)
    drive = drive if B is None else drive + B
    return ops.transpose(ops.reshape(drive, shape=(4, STEPS, BATCH, 2)), axes=(1, 0, 2, 3))


def passed(rewrite, step, arrays=lambda **leaves: [driven(**leaves)], shapes=SHAPES, sizes=SIZES):
    """Return a graph with one loop after a pass, having checked that the results are the same."""
    graph, leaves = graph_of(shapes)
    last, outputs = ops.scan(
        lambda states, slices: step(states, slices, leaves), [leaves["h"]] * 2, arrays(**leaves)
    )
    graph.outputs = {f"y{n}": value for n, value in enumerate((*last, *outputs))}
    made = prune(rewrite(graph))
    given = drawn(graph, sizes)
    before, after = (evaluate(g, given, g.outputs.values(), sizes) for g in (graph, made))
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-13, atol=1e-15)
    return made
