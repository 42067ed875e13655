"""Graphs run as plans, and checked against what their ops mean."""

from __future__ import annotations

import numpy as np

from specnet.engines.execution import Executable
from specnet.engines.random import stream
from specnet.graph.sizes import at, named
from specnet.passes.pipeline import plan
from tests.support.reference import evaluate

TOLERANCE = {"float32": 2e-5, "float64": 1e-11}


def bound(made, given, sizes):
    """Return a plan over arrays that hold what is given by name, and the numbers that a step is given."""
    streams = {name: stream(0, name) for name in made.streams}
    leaves = {
        # A copy: a step may write to its leaves.
        name: np.array(np.broadcast_to(np.asarray(given[name], dtype), at(shape, sizes)))
        for name, (shape, dtype) in made.leaves.items()
    }
    with np.errstate(all="ignore"):
        return Executable(made, streams).bind(sizes, leaves), [float(given[name]) for name in made.numbers]


def run(graph, given, wanted, sizes, *, optimise=True, room=None, engine="numpy"):
    """Return the wanted values as a plan for sizes of up to `room` computes them for these; a number: the batch."""
    graph.outputs = {f"out{i}": value for i, value in enumerate(wanted)}
    made = plan(graph, room or sizes, optimise=optimise, engine=engine)
    execution, numbers = bound(made, given, sizes)
    with np.errstate(all="ignore"):
        scalars = execution.step(*numbers)
    results = dict(zip(made.scalars, scalars, strict=True)) | execution.arrays
    return [np.array(results[f"out{i}"]) for i in range(len(wanted))]


def checked(graph, given, wanted, sizes, rtol=None, atol=None):
    """Return the wanted values by their meaning, once plans of every kind have given the same."""
    rtol = rtol or TOLERANCE[graph.dtype]
    meant = evaluate(graph, given, wanted, sizes)
    larger = {name: size + 3 for name, size in named(sizes).items()}
    for optimise in (False, True):
        for room in (sizes, larger):
            got = run(graph, given, wanted, sizes, optimise=optimise, room=room)
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


def compared(graph, given, wanted, sizes, engine="numba"):
    """Check the wanted values, as an engine computes them, against what the ops mean."""
    meant = evaluate(graph, given, wanted, sizes)
    got = run(graph, given, wanted, sizes, engine=engine)
    for value, here, there in zip(wanted, got, meant, strict=True):
        assert here.shape == there.shape
        tolerance = TOLERANCE[graph.dtype]
        np.testing.assert_allclose(here, there, tolerance, tolerance, err_msg=str(value.op))
