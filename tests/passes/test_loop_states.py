"""How the states and the arrays of loops lie: whatever a step returns, it is where the next one looks for it."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.emit import emit
from specnet.graph import ops
from specnet.graph.leaves import constant
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes import fuse
from specnet.passes.differentiate import differentiate
from specnet.passes.pipeline import plan
from tests.support.compiled import checked, run
from tests.support.graphs import drawn, graph_of, loss_of
from tests.support.reference import evaluate

SIZES = {"batch": 3, "steps": 5}
X, H = (STEPS, BATCH, 3), (BATCH, 3)


def placed(build, more=()):
    """Return the plan of a loop, having checked its results; `build` gives the states, arrays and what a step does."""
    shapes = {"x": X, "y": X, "h": H, "g": H, "W": (3, 3), **dict(more)}
    graph, leaves = graph_of(shapes)
    init, arrays, step = build(**leaves)
    for reverse in (False, True):
        last, outputs = ops.scan(step, init, arrays, reverse=reverse, length=None if arrays else STEPS)
        for steps in (1, 2, 5):
            sizes = {"batch": 3, "steps": steps}
            checked(graph, drawn(graph, sizes), [*last, *outputs], sizes)
    made = emit(plan(graph, SIZES))
    return made, made.loops[-1]


def code(made):
    return [line for line in made.source.split("\n") if line.startswith("        ")]


def test_a_state_is_computed_over_the_old_one():
    made, loop = placed(lambda h, x, **_: ([h], [x], lambda s, a: ([s[0] + a[0]], [])))
    assert (loop.turns, loop.before) == ({}, {})
    assert len(code(made)) == 1


def test_a_state_whose_old_value_is_read_later_has_turns():
    made, loop = placed(lambda h, x, W, **_: ([h], [x], lambda s, a: ([ops.tanh(s[0] @ W + a[0])], [])))
    assert len(loop.turns) == 1
    assert len(loop.before) == 1
    assert not any("copyto" in line for line in code(made))


def test_a_state_whose_old_value_is_read_after_the_new_one_has_turns():
    def build(h, x, W, **_):
        return [h], [x], lambda s, a: ([s[0] * a[0]], [ops.exp(s[0]) @ W])

    _, loop = placed(build)
    assert len(loop.turns) == 1


def test_a_state_that_is_an_output_is_found_there():
    def build(h, x, W, **_):
        def step(states, slices):
            new = ops.tanh(states[0] @ W + slices[0])
            return [new], [new]

        return [h], [x], step

    made, loop = placed(build)
    assert loop.turns == {}
    assert len(loop.ends) == 1
    assert not any("copyto" in line for line in code(made))


def test_a_state_that_an_output_keeps_is_computed_where_the_next_step_keeps_it():
    def build(h, x, W, **_):
        return [h], [x], lambda s, a: ([ops.tanh(s[0] @ W + a[0])], [s[0]])

    made, loop = placed(build)
    assert (len(loop.ahead), len(loop.before), loop.turns) == (1, 1, {})
    assert not any("copyto" in line for line in code(made))
    assert made.source.count("copyto(first_") == 1


def test_several_states_may_be_kept_and_one_of_them_twice():
    def build(h, g, x, W, **_):
        def step(states, slices):
            new = ops.tanh(states[0] @ W + slices[0] * states[1])
            return [new, new * states[0]], [states[1], ops.exp(states[0]), states[0], states[1]]

        return [h, g], [x], step

    made, loop = placed(build)
    assert (len(loop.ahead), loop.turns) == (2, {})
    assert not any("copyto" in line for line in code(made)), "equal outputs are one"


def test_a_state_that_is_an_output_is_copied_to_the_one_that_keeps_it():
    def build(h, x, W, **_):
        def step(states, slices):
            new = ops.tanh(states[0] @ W + slices[0])
            return [new], [new, states[0]]

        return [h], [x], step

    made, loop = placed(build)
    assert (loop.ahead, loop.turns) == ({}, {})
    assert sum("copyto" in line for line in code(made)) == 1


def test_a_step_of_training_copies_no_state():
    graph, leaves = graph_of({"x": X, "h": H, "g": H, "W": (3, 3)})

    def step(states, slices):
        cell = ops.sigmoid(states[0] @ leaves["W"]) * states[1] + slices[0]
        return [ops.tanh(cell) * slices[0], cell], []

    last, _ = ops.scan(step, [leaves["h"], leaves["g"]], [leaves["x"]])
    (graph.outputs["W"],) = differentiate(graph, loss_of(last), [leaves["W"]])
    copies = [each for each in plan(graph, SIZES).steps if each.op == "copy"]
    assert [(each.loop, each.shape) for each in copies] == [(None, H)] * len(copies)
    assert len(copies) >= 2, "the states before the first step"


def test_one_value_may_be_several_states_and_outputs():
    def build(h, g, x, W, **_):
        def step(states, slices):
            new = ops.tanh(states[0] @ W + slices[0] * states[1])
            return [new, new], [new, new]

        return [h, g], [x], step

    placed(build)


def test_states_are_swapped():
    placed(lambda h, g, x, **_: ([h, g], [x], lambda s, a: ([s[1], s[0]], [s[0] * a[0]])))


def test_states_go_round():
    def build(h, g, x, W, **_):
        return [h, g, h * 2.0], [x], lambda s, a: ([s[1], s[2], s[0] @ W + a[0]], [s[0], s[2]])

    placed(build)


def test_a_state_may_stay_or_become_a_slice_or_a_constant():
    def build(h, g, x, **_):
        def step(states, slices):
            fixed = ops.expand(constant(states[0].graph, 2.5), shape=H)
            return [slices[0], fixed, states[2], states[0].graph.take(h)], [states[0], states[1], states[3]]

        return [h, g, g, g], [x], step

    placed(build)


def test_a_state_that_is_a_view_of_another_value():
    def build(h, g, x, **_):
        def step(states, slices):
            new = ops.reshape(ops.tanh(ops.reshape(states[0], shape=(3, BATCH)) * 0.5), shape=H)
            return [new, ops.reshape(ops.reshape(new, shape=(3, BATCH)), shape=H)], [slices[0] + states[1]]

        return [h, g], [x], step

    placed(build)


def test_outputs_that_are_slices_states_or_constants():
    def build(h, x, y, **_):
        def step(states, slices):
            zeros = ops.expand(constant(states[0].graph, 0.5), shape=(3,))
            return [states[0] * slices[1]], [states[0], slices[0], zeros, states[0].graph.take(h)]

        return [h], [x, y], step

    placed(build)


def test_a_loop_without_arrays_or_outputs():
    placed(lambda h, W, **_: ([h], [], lambda s, _: ([ops.tanh(s[0] @ W)], [])))
    placed(lambda h, **_: ([h], [], lambda s, _: ([s[0]], [])))


def test_a_loop_in_a_loop():
    def build(h, x, y, W, **_):
        def step(states, slices):
            def inner(own, given):
                new = ops.tanh(own[0] @ W + given[0] * slices[0])
                return [new, own[1] + new], [new]

            last, outputs = ops.scan(inner, [states[0], slices[0]], [states[0].graph.take(y)], reverse=True)
            return [last[0] + last[1]], [ops.reduce_sum(outputs[0], axes=(0,)), last[0]]

        return [h], [x], step

    _, loop = placed(build)
    assert len(loop.loops) == 1
    assert len(loop.loops[0].ends) == 1


def test_chains_within_a_loop_run_piece_by_piece(monkeypatch):
    monkeypatch.setattr(fuse, "PIECE", 8)

    def build(h, g, x, W, **_):
        def step(states, slices):
            a, b = states
            mixed = ops.sigmoid(ops.tanh(a * slices[0]) + ops.exp(-b))
            return [ops.tanh(mixed @ W) * a, ops.softplus(b) * 0.5 - mixed], [mixed]

        return [h, g], [x], step

    graph, leaves = graph_of({"x": X, "h": H, "g": H, "W": (3, 3)})
    init, arrays, step = build(**leaves)
    last, outputs = ops.scan(step, init, arrays)
    gradients = differentiate(graph, loss_of([*last, *outputs]), list(leaves.values()))
    for batch in (8, 11):
        sizes = {"batch": batch, "steps": 4}
        checked(graph, drawn(graph, sizes), [*last, *outputs, *gradients], sizes)
    made = plan(graph, {"batch": 11, "steps": 4})
    made = emit(made)
    assert all(loop.blocks for loop in made.loops)
    assert {block.workers for loop in made.loops for block in loop.blocks} == {0}, "on the calling thread"


def test_arrays_that_are_large_run_piece_by_piece_within_a_loop():
    sizes = {"batch": 80_000, "steps": 2}
    graph, leaves = graph_of({"x": (STEPS, BATCH, 1), "h": (BATCH, 1)})
    step = lambda s, a: ([ops.tanh(s[0] * a[0]) + ops.exp(s[0])], [])  # noqa: E731
    (last,), _ = ops.scan(step, [leaves["h"]], [leaves["x"]])
    (meant,) = evaluate(graph, drawn(graph, sizes), [last], sizes)
    np.testing.assert_allclose(run(graph, drawn(graph, sizes), [last], sizes)[0], meant, rtol=1e-13)
    assert emit(plan(graph, sizes)).loops[0].blocks


@pytest.mark.parametrize("cores", [1, 2])
def test_a_convolution_within_a_loop(cores, monkeypatch):
    monkeypatch.setattr("specnet.passes.pipeline.cores", lambda *_: cores)
    shapes = {"x": (STEPS, BATCH, 5, 4, 2), "h": (BATCH, 5, 4, 2), "K": (3, 3, 2, 2), "B": (2,)}
    graph, leaves = graph_of(shapes)
    settings = dict(ops.PLAIN) | {"padding": ((1, 1), (1, 1))}

    def step(states, slices):
        new = ops.tanh(ops.conv2d(states[0] + slices[0], leaves["K"], leaves["B"], **settings))
        return [new], [new]

    (last,), (outputs,) = ops.scan(step, [leaves["h"]], [leaves["x"]])
    beside = ops.conv2d(leaves["h"], leaves["K"], leaves["B"], **settings)
    gradients = differentiate(graph, loss_of([last, outputs, beside]), list(leaves.values()))
    checked(graph, drawn(graph, SIZES), [last, outputs, beside, *gradients], SIZES, rtol=1e-10)
    made = plan(graph, SIZES)
    assert made.workers == cores
    assert all(loop.calls for loop in emit(made).loops)
