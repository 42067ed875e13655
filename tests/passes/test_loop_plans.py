"""Loops as plans: named sizes, memory, and what a step allocates."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.execution import Executable
from specnet.engines.numpy.emit import emit
from specnet.graph import ops
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes.differentiate import differentiate
from specnet.passes.pipeline import plan
from tests.support.compiled import bound, run
from tests.support.graphs import drawn, graph_of, loss_of
from tests.support.loops import CASES
from tests.support.memory import growth
from tests.support.reference import evaluate

SIZES = {"batch": 3, "steps": 5}
X, H = (STEPS, BATCH, 3), (BATCH, 3)
named = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def trained(case):
    """Return a graph of a loop and the gradients of a loss of it, and all that it computes."""
    graph, leaves, results = case.looped()
    gradients = differentiate(
        graph, loss_of(results), [value for value in leaves.values() if value.dtype == "float64"]
    )
    return graph, [*results, *gradients]


@named
def test_a_plan_for_the_largest_sizes_takes_smaller_ones(case):
    graph, wanted = trained(case)
    given = {
        n: drawn(graph, {"batch": b, "steps": s}) for n, (b, s) in enumerate([(3, 5), (1, 5), (3, 1), (2, 4)])
    }
    for numbers, (batch, steps) in zip(given.values(), [(3, 5), (1, 5), (3, 1), (2, 4)], strict=True):
        sizes = {"batch": batch, "steps": steps}
        own = run(graph, numbers, wanted, sizes)
        larger = run(graph, numbers, wanted, sizes, room={"batch": 3, "steps": 5})
        for here, there in zip(larger, own, strict=True):
            np.testing.assert_array_equal(here, there)


def test_sizes_beyond_the_plans_are_refused():
    graph, wanted = trained(CASES["recurrence"])
    graph.outputs = {"y": wanted[0]}
    made = plan(graph, SIZES)
    for sizes, message in [
        ({"batch": 3, "steps": 6}, "the plan takes 1 to 5 steps, not 6"),
        ({"batch": 3, "steps": 0}, "the plan takes 1 to 5 steps, not 0"),
        ({"batch": 3}, "the plan takes 1 to 5 steps, not None"),
        ({"batch": 4, "steps": 5}, "the plan takes batches of 1 to 3 rows, not 4"),
    ]:
        with pytest.raises(ValueError, match=message):
            Executable(made).bind(sizes, {})


@named
def test_a_step_allocates_nothing(case):
    graph, wanted = trained(case)
    graph.outputs = {str(n): value for n, value in enumerate(wanted)}
    sizes = {"batch": 2048, "steps": 5}
    execution, numbers = bound(plan(graph, sizes), drawn(graph, sizes), sizes)
    # Numbers of Python, and what NumPy needs of a size of its own; a state alone would be 32 KiB.
    assert growth(lambda: execution.step(*numbers)) < 8 * 1024


@named
def test_planning_does_not_depend_on_the_number_of_steps(case):
    graph, wanted = trained(case)
    graph.outputs = {str(n): value for n, value in enumerate(wanted)}
    few, many = (plan(graph, {"batch": 3, "steps": steps}) for steps in (20, 1000))
    assert [step.op for step in few.steps] == [step.op for step in many.steps]
    assert emit(few).source == emit(many).source
    assert len(emit(few).views) == len(emit(many).views)
    assert emit(few).loops == emit(many).loops


def test_what_is_stretched_in_a_loop_is_laid_out_before_it():
    graph, leaves = graph_of({"x": X, "h": H, "W": (3, 3), "B": (3,)})
    step = lambda s, a: ([ops.tanh(s[0] @ leaves["W"] + leaves["B"]) * a[0]], [])  # noqa: E731
    (graph.outputs["y"],), _ = ops.scan(step, [leaves["h"]], [leaves["x"]])
    (expand,) = (step for step in plan(graph, SIZES).steps if step.op == "expand")
    assert expand.loop is None


def test_the_operations_of_a_loop_are_those_of_its_steps():
    graph, leaves = graph_of({"h": H, "W": (3, 3)})
    (last,), _ = ops.scan(lambda s, _: ([ops.tanh(s[0] @ leaves["W"])], []), [leaves["h"]], [], length=STEPS)
    graph.outputs["y"] = last
    made = plan(graph, SIZES)
    for steps in (1, 5):
        sizes = {"batch": 3, "steps": steps}
        assert made.flops(sizes) == steps * (3 * 3 * 3 * 2 + 4 * 3 * 3)
    (product,) = (step for step in made.steps if step.op == "matmul")
    assert (product.loop, product.times.at(SIZES)) == ("loop_0", 5)


def arena(build, steps):
    graph, leaves = graph_of({"x": X, "h": H, "W": (3, 3)})
    graph.outputs = {str(n): value for n, value in enumerate(build(**leaves))}
    return plan(graph, {"batch": 64, "steps": steps}).arena


def test_memory_does_not_grow_with_the_steps_but_by_what_is_kept():
    def last(x, h, W):
        return ops.scan(lambda s, a: ([ops.tanh(ops.exp(s[0]) @ W + a[0] * s[0])], []), [h], [x])[0]

    def kept(x, h, W):
        def step(states, slices):
            new = ops.tanh(ops.exp(states[0]) @ W + slices[0] * states[0])
            return [new], [new]

        return ops.scan(step, [h], [x])[1]

    assert arena(last, 10) == arena(last, 1000)
    row = 64 * 3 * 8
    assert arena(kept, 1000) - arena(kept, 10) == 990 * row, "the outputs"


def test_the_way_back_keeps_what_it_reads_of_each_step():
    def gradient(x, h, W):
        (last,), _ = ops.scan(lambda s, a: ([ops.tanh(s[0] @ W + a[0])], []), [h], [x])
        return differentiate(x.graph, ops.sum_all(last), [W])

    row = 64 * 3 * 8
    # The old state, the new one, and what flows back to the product, of which the gradient is made at the end.
    assert arena(gradient, 110) - arena(gradient, 20) == 3 * 90 * row


def test_steps_run_again_from_the_start():
    """Nothing of a call is left for the next one: the first states are read anew."""
    graph, wanted = trained(CASES["lstm"])
    graph.outputs = {str(n): value for n, value in enumerate(wanted)}
    execution, _ = bound(plan(graph, SIZES), drawn(graph, SIZES), SIZES)
    execution.step()
    first = {name: array.copy() for name, array in execution.arrays.items()}
    execution.step()
    for name, array in execution.arrays.items():
        np.testing.assert_array_equal(array, first[name])


def test_leaves_take_what_a_loop_gives():
    graph, leaves = graph_of({"x": X, "h": H, "W": (3, 3)})
    step = lambda s, a: ([ops.tanh(s[0] @ leaves["W"] + a[0])], [])  # noqa: E731
    (last,), _ = ops.scan(step, [leaves["h"]], [leaves["x"]])
    graph.assign(leaves["h"], last)
    given = drawn(graph, SIZES)
    graph.outputs = {"y": ops.sum_all(last)}
    execution, _ = bound(plan(graph, SIZES), given, SIZES)
    for _ in range(3):
        meant = evaluate(graph, given, [last], SIZES)[0]
        (total,) = execution.step()
        assert total == pytest.approx(meant.sum(), rel=1e-12)
        given["h"] = meant
