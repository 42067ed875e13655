"""What each worker has of a value when it runs a graph on its rows of the batch."""

from __future__ import annotations

import pytest

from specnet.graph import ops
from specnet.graph.sizes import BATCH, Size
from specnet.passes.rows import SUM, WHOLE, RowPart, part_of
from tests.support.graphs import graph_of

SHAPES = {
    "x": (BATCH, 4, 6),
    "y": (BATCH, 4, 6),
    "m": (BATCH, 6),
    "t": (4, BATCH, 6),
    "i": (BATCH, 4, "int64"),
    "W": (6, 5),
    "B": (6,),
    "C": (4, 6, 5),
}


def parts(value):
    """Return what a worker has of a value, given rows of inputs and whole parameters."""
    known = {}
    for node in value.graph:
        if node.op.leaf:
            known[node.value.index] = WHOLE if node.attributes.name.isupper() else RowPart()
        elif node.op.name == "constant":
            known[node.value.index] = WHOLE
        else:
            found = part_of(node, [known[v.index] for v in node.inputs])
            known |= {v.index: part for v, part in zip(node.results, found, strict=True)}
    return known[value.index]


@pytest.mark.parametrize(
    ("apply", "part"),
    [
        (lambda x, y, **_: ops.tanh(x) + y, RowPart()),
        (lambda m, B, **_: m * B, RowPart()),
        (lambda W, **_: ops.tanh(W), WHOLE),
        (lambda m, W, **_: m @ W, RowPart()),
        (lambda m, C, **_: m @ C, RowPart()),
        (lambda x, W, **_: x @ W, RowPart()),
        (lambda x, y, **_: ops.MATMUL(x, y, b_t=True), RowPart()),
        (lambda m, **_: ops.MATMUL(m, m, a_t=True), SUM),
        (lambda x, **_: ops.transpose(x, axes=(1, 0, 2)), RowPart()),
        (lambda x, **_: ops.reduce_sum(x, axes=(1,)), RowPart()),
        (lambda x, **_: ops.reduce_sum(x, axes=(0, 1)), SUM),
        (lambda x, **_: ops.reduce_sum(x, axes=(0, 1, 2)) * 0.5, SUM),
        (lambda x, y, **_: ops.inner(x, y), SUM),
        (lambda x, **_: ops.softmax(x), RowPart()),
        (lambda x, i, **_: ops.take_along_axis(ops.log_softmax(x), i), RowPart()),
        (lambda i, W, **_: ops.gather(W, i), RowPart()),
        (lambda x, i, **_: ops.scatter_add(x, i, size=9), SUM),
        (lambda B, **_: ops.expand(B, shape=(BATCH, 6)), RowPart()),
        (lambda t, **_: ops.reshape(t, shape=(Size(4), 6)), RowPart(4)),
        (lambda x, **_: ops.reshape(x, shape=(Size(4), 6)), RowPart()),
        (lambda t, B, **_: ops.reshape(t, shape=(Size(4), 6)) + B, RowPart(4)),
        (
            lambda t, B, **_: ops.reshape(ops.reshape(t, shape=(Size(4), 6)) * B, shape=(4, BATCH, 6)),
            RowPart(),
        ),
        (lambda m, W, **_: ops.reshape(ops.MATMUL(m, m, a_t=True), shape=(36,)), SUM),
        (lambda m, W, **_: ops.MATMUL(m, m, a_t=True) @ W, SUM),
        (lambda m, **_: ops.append_ones_column(m), RowPart()),
        (lambda m, **_: ops.append_ones_row(ops.transpose(m, axes=(1, 0))), RowPart()),
    ],
)
def test_what_works_on_rows_alone(apply, part):
    _, leaves = graph_of(SHAPES)
    assert parts(apply(**leaves)) == part


@pytest.mark.parametrize(
    "apply",
    [
        lambda m, **_: ops.MATMUL(m, m, b_t=True),
        lambda m, **_: ops.softmax(m, axis=-2),
        lambda m, **_: ops.reduce_max(m, axis=-2),
        lambda m, **_: ops.argmax(m, axis=-2),
        lambda m, **_: ops.concat(m, m, axis=0),
        lambda m, **_: ops.MATMUL(m, m, a_t=True) + 1.0,
        lambda m, **_: ops.tanh(ops.MATMUL(m, m, a_t=True)),
        lambda m, **_: m / ops.inner(m, m),
        lambda m, **_: 1.0 / ops.inner(m, m),
        lambda m, **_: ops.inner(m, m) * ops.inner(m, m),
        # The rows of one worker lie elsewhere in one than in the other.
        lambda x, t, **_: ops.reshape(x, shape=(Size(4), 6)) + ops.reshape(t, shape=(Size(4), 6)),
        lambda x, t, **_: ops.inner(ops.reshape(x, shape=(Size(4), 6)), ops.reshape(t, shape=(Size(4), 6))),
        lambda m, **_: ops.reshape(m, shape=(6, BATCH)),
        lambda x, **_: ops.batch_moments(ops.reshape(x, shape=(Size(4), 6))),
    ],
)
def test_what_needs_rows_of_other_workers(apply):
    _, leaves = graph_of(SHAPES)
    assert parts(apply(**leaves)) is None


def test_a_loop_over_steps_works_on_rows():
    _, leaves = graph_of(SHAPES)

    def step(states, slices):
        return [ops.tanh(states[0] + slices[0])], [states[0]]

    last, outputs = ops.scan(step, [leaves["m"]], [leaves["t"]])
    assert parts(last[0]) == RowPart()
    assert parts(outputs[0]) == RowPart()


def test_a_loop_over_rows_does_not():
    _, leaves = graph_of(SHAPES)
    last, _ = ops.scan(lambda states, slices: ([states[0] + slices[0]], []), [leaves["B"]], [leaves["m"]])
    assert parts(last[0]) is None


def test_a_loop_that_adds_up_over_rows_does_not():
    _, leaves = graph_of(SHAPES)

    def step(states, slices):
        return [states[0] + ops.reduce_sum(slices[0], axes=(0,))], []

    last, _ = ops.scan(step, [leaves["B"]], [leaves["t"]])
    assert parts(last[0]) is None, "every worker would begin with all of the state"
