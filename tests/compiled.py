"""Graphs run as plans, and checked against what their ops mean."""

from __future__ import annotations

import numpy as np

from specnet.graph.sizes import at
from specnet.passes.pipeline import plan
from specnet.runtime.execution import Executable
from specnet.runtime.random import stream
from tests.reference import evaluate

TOLERANCE = {"float32": 2e-5, "float64": 1e-11}


def run(graph, given, wanted, batch, *, optimise=True, room=None):
    """Return the wanted values as a plan for up to `room` rows computes them for a batch of `batch`."""
    graph.outputs = {f"out{i}": value for i, value in enumerate(wanted)}
    made = plan(graph, room or batch, optimise=optimise)
    streams = {name: stream(0, name) for name in made.streams}
    leaves = {
        name: np.ascontiguousarray(np.broadcast_to(np.asarray(given[name], dtype), at(shape, batch)))
        for name, (shape, dtype) in made.leaves.items()
    }
    with np.errstate(all="ignore"):
        bound = Executable(made, streams).bind(batch, leaves)
        scalars = bound.step(*(float(given[name]) for name in made.numbers))
    results = dict(zip(made.scalars, scalars, strict=True)) | bound.arrays
    return [np.array(results[f"out{i}"]) for i in range(len(wanted))]


def checked(graph, given, wanted, batch, rtol=None, atol=None):
    """Return the wanted values by their meaning, once plans of every kind have given the same."""
    rtol = rtol or TOLERANCE[graph.dtype]
    meant = evaluate(graph, given, wanted, batch)
    for optimise in (False, True):
        for room in (batch, batch + 3):
            got = run(graph, given, wanted, batch, optimise=optimise, room=room)
            for value, here, there in zip(wanted, got, meant, strict=True):
                assert here.shape == there.shape
                np.testing.assert_allclose(
                    here,
                    there,
                    rtol,
                    rtol if atol is None else atol,
                    err_msg=f"{value.op} {optimise=} {room=}",
                )
    return meant
