"""Plans over arrays: what they write, what they refuse, and what two of them share."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.execution import Executable
from specnet.graph import ops
from specnet.graph.leaves import number
from specnet.graph.sizes import BATCH
from specnet.passes.pipeline import plan
from tests.support.graphs import graph_of

ROWS = 4


def made(guard=None):
    graph, leaves = graph_of({"x": (BATCH, 2), "K": (2,)})
    rate = number(graph, "rate")
    y = leaves["x"] * leaves["K"]
    graph.outputs = {"loss": ops.sum_all(y), "y": y}
    graph.phase = "update"
    graph.assign(leaves["K"], leaves["K"] - rate)
    return plan(graph, ROWS, guard=guard)


def arrays(rows):
    return {"x": np.arange(2.0 * rows).reshape(rows, 2), "K": np.array([1.0, 10.0])}


@pytest.mark.parametrize("rows", [1, 3, ROWS])
def test_a_step_gives_numbers_fills_arrays_and_writes_to_leaves(rows):
    given = arrays(rows)
    bound = Executable(made()).bind(rows, given)
    expected = arrays(rows)["x"] * [1.0, 10.0]
    assert bound.step(0.5) == (expected.sum(),)
    np.testing.assert_array_equal(bound.arrays["y"], expected)
    np.testing.assert_array_equal(given["K"], [0.5, 9.5])
    bound.step(0.5)
    np.testing.assert_array_equal(bound.arrays["y"], given["x"] * [0.5, 9.5])


def test_what_does_not_fit_a_plan_is_refused():
    executable, given = Executable(made()), arrays(ROWS)
    for rows in (0, ROWS + 1):
        with pytest.raises(ValueError, match=f"batches of 1 to {ROWS} rows, not {rows}"):
            executable.bind(rows, given)
    for wrong in (given["x"].astype("float32"), given["x"][:3], np.asfortranarray(given["x"])):
        with pytest.raises(ValueError, match="the plan takes a contiguous float64"):
            executable.bind(ROWS, given | {"x": wrong})


def test_a_loss_that_is_no_number_leaves_the_leaves_as_they_were():
    given = arrays(ROWS)
    given["x"][0, 0] = np.nan
    (loss,) = Executable(made("loss")).bind(ROWS, given).step(0.5)
    assert np.isnan(loss)
    np.testing.assert_array_equal(given["K"], [1.0, 10.0])


def test_a_twin_has_an_arena_of_its_own():
    graph, leaves = graph_of({"x": (BATCH, 2)})
    graph.outputs = {"y": ops.exp(leaves["x"])}
    whole = Executable(plan(graph, ROWS))
    x = arrays(ROWS)["x"]
    first, same, other = (each.bind(ROWS, {"x": x}) for each in (whole, whole, whole.twin()))
    assert np.shares_memory(first.arrays["y"], same.arrays["y"])
    assert not np.shares_memory(first.arrays["y"], other.arrays["y"])
    for bound in (first, other):
        bound.step()
        np.testing.assert_allclose(bound.arrays["y"], np.exp(x), 1e-15)
        assert bound.arrays["y"].ctypes.data % 64 == 0
