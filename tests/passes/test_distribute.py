"""Graphs that several processes run on their own rows give what one gives on all of them, with few messages."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.execution import Executable
from specnet.engines.random import stream
from specnet.engines.ranks import RankRows, RankShares
from specnet.graph import ops
from specnet.graph.sizes import BATCH, Size, at, shared_sizes
from specnet.passes.distribute import distribute
from specnet.passes.pipeline import plan
from tests.support.distributed import collectives
from tests.support.graphs import drawn, graph_of
from tests.support.ranks import together
from tests.support.reference import evaluate

SHAPES = {"x": (BATCH, 4, 6), "y": (BATCH, 4, 6), "w": (BATCH,), "W": (6, 6), "B": (6,)}


def spread(apply, rows, size, *, optimise=True):
    """Check the results of a graph in each of so many processes; return the names of the collectives."""
    graph, leaves = graph_of(SHAPES)
    wanted = apply(**leaves)
    graph.outputs = {f"out{i}": value for i, value in enumerate(wanted)}
    given = drawn(graph, rows)
    meant = evaluate(graph, given, wanted, rows)
    made = plan(graph, shared_sizes(rows, size), ranks=size, optimise=optimise)

    def work(ranks):
        own = RankRows(ranks, rows)
        arrays = {}
        for name, (shape, dtype) in made.leaves.items():
            array = np.asarray(given[name], dtype)
            part = array[own.start : own.stop] if shape[:1] == (BATCH,) else array
            arrays[name] = np.ascontiguousarray(np.broadcast_to(part, at(shape, {"batch": len(own)})))
        bound = Executable(made, shares=RankShares(ranks)).bind(rows, arrays)
        scalars = dict(zip(made.scalars, bound.step(), strict=True))
        return [np.array({**scalars, **bound.arrays}[f"out{i}"]) for i in range(len(wanted))]

    for found in together(size, work):
        for own, whole in zip(found, meant, strict=True):
            np.testing.assert_allclose(own, whole, 1e-11, 1e-11)
    return collectives(made)


APPLIED = {
    "rows": (lambda x, W, B, **_: [ops.tanh(x @ W + B)], ["all_gather"]),
    "a mean of all": (lambda x, **_: [ops.mean_all(x)], ["all_reduce"]),
    "a sum that goes on as one": (
        lambda x, B, **_: [ops.reduce_sum(x, axes=(0, 1)) * 2.0 + B],
        ["all_reduce"],
    ),
    "a sum whose square is not one": (
        lambda x, **_: [ops.square(ops.reduce_sum(x, axes=(0, 1)))],
        ["all_reduce"],
    ),
    "a sum that rows go by": (
        lambda x, **_: [x - ops.mean(x, (0, 1))],
        ["all_reduce", "all_gather"],
    ),
    "a product over the batch": (
        lambda x, y, **_: [
            ops.MATMUL(
                ops.reshape(x, shape=(Size(4), 6)), ops.reshape(y, shape=(Size(4), 6)), a_t=True, b_t=False
            )
        ],
        ["all_reduce"],
    ),
    "rows behind another axis": (
        lambda x, **_: [ops.transpose(x, axes=(1, 0, 2))],
        ["all_gather"],
    ),
    "rows compared with each other": (
        lambda w, **_: [ops.reshape(w, shape=(BATCH, 1)) - ops.reshape(w, shape=(1, BATCH))],
        ["all_gather"],
    ),
    "the place of a row": (
        lambda w, **_: [w + ops.cast(ops.row_numbers(w.graph), to="float64")],
        ["own_rows", "all_gather"],
    ),
    "what is the same for all rows": (lambda B, **_: [ops.exp(B), ops.mean_all(B)], []),
    "largest of all rows": (
        lambda w, **_: [ops.reduce_max(w, axis=-1)],
        ["all_gather"],
    ),
}


@pytest.mark.parametrize("name", APPLIED)
@pytest.mark.parametrize(("rows", "size"), [(7, 2), (7, 3), (2, 3), (1, 2)])
def test_results_are_those_of_one_process(name, rows, size):
    apply, messages = APPLIED[name]
    assert spread(apply, rows, size) == messages
    spread(apply, rows, size, optimise=False)


def test_a_loop_over_steps_needs_no_messages():
    def apply(x, W, **_):
        def step(states, slices):
            new = ops.tanh(states[0] @ W + slices[0])
            return [new], [new]

        zeros = ops.expand(ops.reduce_sum(W, axes=(0, 1)) * 0.0, shape=(BATCH, 6))
        (last,), _ = ops.scan(step, [zeros], [ops.transpose(x, axes=(1, 0, 2))])
        return [ops.mean_all(last)]

    assert spread(apply, 5, 2) == ["all_reduce"]


def test_a_loop_whose_body_needs_the_whole_batch_is_run_on_it():
    def apply(x, **_):
        def step(states, slices):
            new = ops.tanh(states[0] + slices[0]) - ops.mean(states[0], (0,))
            return [new], []

        (last,), _ = ops.scan(step, [ops.mean(x, (1,))], [ops.transpose(x, axes=(1, 0, 2))])
        return [last]

    assert spread(apply, 5, 2) == ["all_gather", "all_gather"]


def test_what_is_drawn_is_what_one_process_draws():
    graph, leaves = graph_of(SHAPES)
    mask = ops.dropout_mask(leaves["x"], rate=0.5, scale=2.0, stream="mask")
    noise = ops.normal_noise(leaves["w"], stddev=1.0, stream="noise")
    graph.outputs = {"mask": mask + 0.0, "noise": noise + 0.0}
    rows = 5

    def drawn_by(made, **options):
        streams = {name: stream(0, name) for name in made.streams}
        shares = options.get("shares")
        count = rows if shares is None else len(shares.of(rows))
        arrays = {
            name: np.zeros(at(shape, {"batch": count}), dtype) for name, (shape, dtype) in made.leaves.items()
        }
        bound = Executable(made, streams, **options).bind(rows, arrays)
        return [[bound.step(), {n: a.copy() for n, a in bound.arrays.items()}][1] for _ in range(3)]

    alone = drawn_by(plan(graph, rows))
    made = plan(graph, shared_sizes(rows, 2), ranks=2)
    for found in together(2, lambda ranks: drawn_by(made, shares=RankShares(ranks))):
        for one, other in zip(alone, found, strict=True):
            for name, array in one.items():
                np.testing.assert_array_equal(array, other[name])


def test_the_same_graph_is_for_any_number_of_processes():
    graph, leaves = graph_of(SHAPES)
    graph.outputs = {"out": ops.mean_all(leaves["x"])}
    text = [(node.op, [str(value) for value in node.inputs]) for node in distribute(graph)]
    assert [op for op, _ in text][-1] is ops.all_reduce
