"""Which sums are made behind a loop, and which stay in it."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.sizes import BATCH
from specnet.passes.differentiate import differentiate
from specnet.passes.loops import hoist, sink
from specnet.passes.simplify import simplify
from tests.support.graphs import body_of, drawn, loss_of, names_of
from tests.support.loops import CASES
from tests.support.moving import SIZES, H, X, moved
from tests.support.reference import evaluate

both = pytest.mark.parametrize("reverse", [False, True])


def summing(*terms, more=()):
    """Return a loop of a recurrence beside which a state adds up terms of the new state and a slice."""

    def build(h, x, W, p, **_):
        def step(states, slices):
            new = ops.tanh(states[0] @ W + slices[0])
            made = [term(new, slices[0], states[1]) for term in terms]
            return [new, states[1] + sum(made[1:], made[0])], [each(new, states[1]) for each in more]

        return [h, p], [x], step

    return build


def product(new, x, _):
    return ops.MATMUL(x, new, a_t=True)


def square(new, *_):
    return ops.MATMUL(new, new, a_t=True)


def column_sum(new, x, _):
    return ops.reduce_sum(new * x, axes=(0,))


def loop_of(made):
    (node,) = (node for node in made if node.op is ops.SCAN)
    return node


def behind(made):
    """Return what follows a graph's only loop."""
    return names_of(made.nodes[loop_of(made).index + 1 :])


@both
@pytest.mark.parametrize(
    ("terms", "meant"),
    [
        ([product], ["reshape", "reshape", "matmul", "add"]),
        ([square], ["reshape", "reshape", "matmul", "add"]),
        ([column_sum], ["reduce_sum", "add"]),
        ([product, square], ["reshape", "reshape", "matmul", "add"] * 2),
        ([product, column_sum, square], None),
    ],
    ids=["matmul", "one value", "reduce_sum", "two terms", "three terms"],
)
def test_sums_over_all_steps_are_made_behind_the_loop(terms, meant, reverse):
    made = moved(sink, summing(*terms), reverse=reverse)
    assert ops.SCAN.of(loop_of(made)).states == 1
    assert names_of(body_of(made)).count("matmul") == 1
    assert names_of(body_of(made)).count("add") == 1, "that of the recurrence"
    if meant is not None:
        assert behind(made) == meant
    assert behind(made).count("add") == len(terms)


def test_what_is_multiplied_behind_the_loop_is_given_at_each_step():
    made = moved(sink, summing(product))
    assert [value.shape for value in loop_of(made).results] == [H, X], (
        "the array that it goes through is there"
    )
    made = moved(sink, summing(column_sum))
    assert [value.op.name for value in body_of(made).returns] == ["tanh", "multiply"]


@pytest.mark.parametrize(
    ("terms", "more"),
    [
        ([lambda new, *_: ops.exp(ops.reduce_sum(new, axes=(0,)))], ()),
        ([lambda new, x, _: ops.MATMUL(x, new, a_t=True) * 2.0], ()),
        ([lambda new, x, state: ops.MATMUL(state, state, a_t=True)], ()),
        ([product], (lambda new, state: new @ state,)),
        ([product], (lambda new, state: state,)),
    ],
    ids=["another op", "a multiple", "of itself", "read by an output", "given as an output"],
)
def test_a_state_that_is_more_than_a_sum_stays(terms, more):
    made = moved(sink, summing(*terms, more=more))
    assert ops.SCAN.of(loop_of(made)).states == 2
    assert behind(made) == []


@pytest.mark.parametrize("given", [lambda total: total, lambda total: total * 2.0], ids=["itself", "read"])
def test_a_new_state_that_a_step_gives_stays(given):
    def build(h, x, p, **_):
        def step(states, slices):
            total = states[1] + ops.MATMUL(slices[0], states[0], a_t=True)
            return [ops.tanh(states[0]), total], [given(total)]

        return [h, p], [x], step

    assert ops.SCAN.of(loop_of(moved(sink, build))).states == 2


def test_a_product_that_sums_no_rows_stays():
    def build(h, x, W, p, **_):
        def step(states, slices):
            matrix = states[1].graph.take(W)
            return [ops.tanh(states[0]), states[1] + ops.MATMUL(matrix, matrix)], [slices[0] @ W]

        return [h, p], [x], step

    assert ops.SCAN.of(loop_of(moved(sink, build))).states == 2


def test_a_loop_without_sums_stays_as_it_is():
    made = moved(sink, lambda h, x, **_: ([h], [x], lambda s, a: ([ops.tanh(s[0] + a[0])], [s[0]])))
    assert names_of(made) == ["scan"]
    assert names_of(body_of(made)) == ["add", "tanh"]


def test_sums_move_out_of_loops_within_loops():
    def build(h, x, p, **_):
        def step(states, slices):
            def inner(own, given):
                return [own[0] + ops.MATMUL(given[0], given[0], a_t=True)], []

            rows = ops.reshape(slices[0], shape=(BATCH, 1, 3))
            (total,), _ = ops.scan(inner, [states[1]], [rows])
            return [ops.tanh(states[0]), total], []

        return [h, p], [x], step

    made = moved(sink, build)
    assert names_of(body_of(made)) == ["reshape", "reshape", "reshape", "tanh"]
    assert behind(made) == ["reshape", "reshape", "matmul", "add"], "out of both"


def test_gradients_of_an_lstm_are_two_products_over_all_steps():
    graph, leaves, results = CASES["lstm"].looped()
    gradients = differentiate(graph, loss_of(results), [leaves["U"], leaves["W"]])
    graph.outputs = {"u": gradients[0], "w": gradients[1]}
    made = simplify(sink(hoist(simplify(graph))))
    forth, back = (node for node in made if node.op is ops.SCAN)
    assert (ops.SCAN.of(forth).states, ops.SCAN.of(back).states) == (2, 2)
    assert names_of(ops.SCAN.of(forth).body).count("matmul") == 1, "of the state: inputs are done before"
    assert names_of(ops.SCAN.of(back).body).count("matmul") == 1, "what flows back to the state before"
    assert names_of(made).count("matmul") == 3
    given = drawn(graph, SIZES)
    before, after = (evaluate(g, given, g.outputs.values(), SIZES) for g in (graph, made))
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-12, atol=1e-14)
