"""What a bound program is said to take beside its arrays is about what Python and NumPy allocate for it."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.bound_size import bound_bytes
from specnet.engines.execution import Executable
from specnet.engines.numpy.emit import emit
from specnet.engines.program import Block
from specnet.graph import ops
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes.pipeline import plan
from tests.support.graphs import graph_of
from tests.support.memory import traced, tracemalloc


@pytest.mark.parametrize("steps", [3, 300])
def test_it_is_about_what_is_allocated(steps):
    graph, leaves = graph_of({"x": (BATCH, STEPS, 4), "i": (BATCH, STEPS, "int64")})
    y = leaves["x"]
    for number in range(20):
        y = ops.softmax(ops.MATMUL(y, y, b_t=True)) @ y if number % 2 else ops.rows(ops.tanh(y)) * 1.5
        y = ops.reshape(y, shape=(BATCH, STEPS, 4))
    picked = ops.take_along_axis(y, leaves["i"])
    graph.outputs = {"total": ops.sum_all(picked), "columns": ops.reduce_sum(y, axes=(0, 1))}
    made, sizes = plan(graph, {"batch": 5, "steps": 300}), {"batch": 5, "steps": steps}
    executable = Executable(made)
    given = {"x": np.ones((5, steps, 4)), "i": np.zeros((5, steps), np.int64)}
    executable.bind(sizes, given)
    with traced():
        before = tracemalloc.get_traced_memory()[0]
        bound = executable.bind(sizes, given)
        taken = tracemalloc.get_traced_memory()[0] - before - made.prologue
    assert bound.arrays["columns"].shape == (4,)
    assert bound_bytes(emit(made), sizes) == pytest.approx(taken, rel=0.5)


@pytest.mark.parametrize("rows", [1, 4, 7])
@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("size", [1, 2, 12, 13])
def test_pieces_are_counted_without_making_them(rows, workers, size):
    block = Block("block_1", rows, BATCH, (), {}, {}, {}, {}, workers)
    assert block.pieces({"batch": size}) == sum(map(len, block.shares({"batch": size})))
    assert block.pieces({"batch": 10**15}) >= 10**15 // rows
