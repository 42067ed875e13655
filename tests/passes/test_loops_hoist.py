"""What moves before a loop, and what stays in it."""

from __future__ import annotations

import pytest

from specnet.graph import ops
from specnet.graph.leaves import constant
from specnet.passes.loops import hoist
from tests.support.graphs import body_of, names_of
from tests.support.moving import H, X, moved

both = pytest.mark.parametrize("reverse", [False, True])


@both
def test_what_is_the_same_at_every_step_is_computed_once(reverse):
    def build(h, x, v, W, **_):
        def step(states, slices):
            body = states[0].graph
            matrix = ops.tanh(body.take(W)) * 2.0
            bias = ops.exp(body.take(v))
            return [ops.tanh(states[0] @ matrix + bias * slices[0])], []

        return [h], [x], step

    made = moved(hoist, build, reverse=reverse)
    assert names_of(made) == ["tanh", "multiply", "exp", "multiply", "scan"]
    assert names_of(body_of(made)) == ["matmul", "add", "tanh"]
    settings = ops.SCAN.of(made.nodes[-1])
    assert (settings.states, settings.arrays, settings.reverse) == (1, 1, reverse)
    assert [value.shape for value in made.nodes[-1].inputs] == [H, X, (3, 3)]


@both
def test_what_depends_on_slices_alone_is_computed_for_all_steps_at_once(reverse):
    def build(h, x, y, v, W, V, **_):
        def step(states, slices):
            a = ops.softmax(slices[0] @ W + v)
            b = ops.tanh(slices[1]) * a
            return [ops.tanh(states[0] @ V + b)], [b]

        return [h], [x, y], step

    made = moved(hoist, build, reverse=reverse)
    assert names_of(body_of(made)) == ["matmul", "add", "tanh"]
    assert made.outputs["y1"].op is ops.multiply, "an output that is known before the loop is none of its own"
    assert len(made.nodes[-1].results) == 1
    (product,) = (node for node in made if node.op is ops.MATMUL)
    assert product.value.rank == 2, "of all rows of all steps"


def test_what_depends_on_the_state_stays():
    def build(h, x, W, **_):
        def step(states, slices):
            before = ops.tanh(states[0])
            return [before @ W + slices[0]], [before * 2.0]

        return [h], [x], step

    made = moved(hoist, build)
    assert names_of(made) == ["scan"]
    assert names_of(body_of(made)) == ["tanh", "matmul", "add", "multiply"]


def test_draws_at_random_stay():
    def build(h, x, v, **_):
        def step(states, slices):
            mask = ops.dropout_mask(slices[0], stream="m", rate=0.5, scale=2.0)
            noise = ops.normal_noise(states[0].graph.take(v), stream="n", stddev=1.0)
            return [states[0] + slices[0] * mask + noise], [mask, ops.exp(mask), ops.exp(slices[0])]

        return [h], [x], step

    made = moved(hoist, build)
    assert names_of(body_of(made)) == ["dropout_mask", "normal_noise", "multiply", "add", "add", "exp"]
    assert names_of(made) == ["exp", "scan"]


def test_a_loop_that_draws_at_random_stays_in_the_loop_around_it():
    def build(h, x, **_):
        def step(states, slices):
            ones = ops.expand(constant(states[0].graph, 1.0), shape=(3,))

            def inner(own, _):
                return [own[0] * ops.dropout_mask(own[0], stream="m", rate=0.5, scale=2.0)], []

            (found,), _ = ops.scan(inner, [ones], [], length=2)
            return [states[0] + slices[0]], [found]

        return [h], [x], step

    made = moved(hoist, build)
    assert "scan" in names_of(body_of(made))
    assert names_of(made) == ["expand", "scan"]


def test_a_loop_that_is_the_same_at_every_step_runs_once():
    def build(h, x, W, **_):
        def step(states, slices):
            start = ops.exp(states[0].graph.take(W))
            (power,), _ = ops.scan(lambda own, _: ([ops.tanh(own[0] @ own[0])], []), [start], [], length=2)
            return [ops.tanh(states[0] @ power + slices[0])], []

        return [h], [x], step

    made = moved(hoist, build)
    assert names_of(made) == ["exp", "scan", "scan"]
    assert names_of(body_of(made, 1)) == ["matmul", "add", "tanh"]


def test_what_moves_out_of_a_loop_moves_out_of_the_one_around_it():
    def build(h, x, W, V, **_):
        def step(states, slices):
            def inner(own, _):
                body = own[0].graph
                return [ops.tanh(own[0] @ ops.exp(body.take(W)) + body.take(slices[0]) @ V)], []

            (last,), _ = ops.scan(inner, states, [], length=2)
            return [last], []

        return [h], [x], step

    made = moved(hoist, build)
    assert names_of(body_of(made)) == ["scan"]
    assert names_of(body_of(body_of(made))) == ["matmul", "add", "tanh"]
    assert names_of(made) == ["exp", "reshape", "matmul", "reshape", "scan"]


def test_outputs_that_do_not_depend_on_the_step_are_repeated():
    def build(h, x, v, **_):
        def step(states, slices):
            value = states[0].graph.take(v)
            one = ops.expand(constant(states[0].graph, 1.5), shape=(2, 3))
            return [states[0] + slices[0]], [value, one, ops.exp(value), slices[0]]

        return [h], [x], step

    made = moved(hoist, build)
    assert [value.op.name for value in made.outputs.values()] == [
        "scan",
        "expand",
        "expand",
        "expand",
        "leaf",
    ]
    assert len(made.outputs["y0"].node.results) == 1


def test_a_map_needs_no_loop():
    made = moved(hoist, lambda x, v, **_: ([], [x], lambda _, slices: ([], [ops.tanh(slices[0] + v)])))
    assert names_of(made) == ["add", "tanh"]


def test_a_constant_stays_where_it_is_read():
    def build(h, x, **_):
        return [h], [x], lambda states, slices: ([states[0] * 0.5 + slices[0] * 3.0], [])

    made = moved(hoist, build)
    assert names_of(body_of(made)) == ["multiply", "add"]
    assert [node.op.name for node in body_of(made)].count("constant") == 1
    assert len(made.nodes[-1].inputs) == 2, "no scalar is handed in"
