"""Parts of arrays that lie where they are, and arrays that are computed in their places in a larger one."""

from __future__ import annotations

import pytest

from specnet.engines.numpy.emit import emit
from specnet.graph import ops
from specnet.graph.sizes import BATCH
from specnet.passes.differentiate import differentiate
from specnet.passes.pipeline import plan
from tests.support.compiled import checked
from tests.support.graphs import body_of, drawn, graph_of, names_of

SHAPES = {
    "x": (4, BATCH, 3),
    "y": (4, BATCH, 3),
    "v": (BATCH, 3),
    "s": (5, 4, BATCH, 3),
    "W": (3, 3),
    "C": (4, 3, 3),
}


def source_of(apply):
    """Return the statements of a graph's plan, having checked what it computes for several batches."""
    graph, leaves = graph_of(SHAPES)
    wanted = apply(**leaves)
    for rows in (1, 2, 5):
        checked(graph, drawn(graph, rows), wanted, rows)
    program = emit(plan(graph, 5))
    return "\n".join([program.source, *(each.source for each in program.shards)])


def gate(x, number):
    return ops.reshape(ops.part(x, start=number, stop=number + 1), shape=x.shape[1:])


def stacked(*values):
    return ops.concat(*(ops.reshape(v, shape=(1, *v.shape)) for v in values), axis=0)


def copies(source):
    return source.count("copyto(")


def test_a_part_is_read_where_it_is():
    source = source_of(lambda x, **_: [ops.tanh(ops.part(x * 2.0, start=1, stop=3))])
    assert not copies(source)


def test_a_part_of_a_part_is_found():
    source = source_of(lambda x, **_: [ops.tanh(gate(ops.part(x * 2.0, start=1, stop=4), 2))])
    assert not copies(source)


def test_neighbours_are_computed_in_their_places():
    source = source_of(lambda x, v, **_: [ops.sqrt(ops.square(stacked(ops.tanh(gate(x, 0)), ops.exp(v))))])
    assert not copies(source)


def test_what_is_joined_twice_is_copied_once():
    source = source_of(lambda v, **_: [stacked(ops.tanh(v), ops.tanh(v))])
    assert copies(source) == 1


def test_what_is_part_of_something_else_is_copied():
    def apply(x, v, **_):
        both = ops.tanh(x)
        return [stacked(gate(both, 2), ops.exp(v)), ops.exp(both)]

    assert copies(source_of(apply)) == 1


def test_a_joined_array_within_another_one_is_computed_there():
    def apply(x, v, **_):
        inner = ops.concat(ops.tanh(ops.part(x, start=0, stop=2)), stacked(ops.exp(v)), axis=0)
        return [ops.concat(inner, ops.sqrt(ops.square(x)), axis=0)]

    assert not copies(source_of(apply))


def test_a_part_that_is_read_later_is_not_overwritten():
    """The joined array is read for the last time before one of its parts is."""

    def apply(v, **_):
        first, second = ops.tanh(v), ops.exp(v)
        both = ops.square(stacked(first, second))
        return [ops.exp(ops.part(both, start=0, stop=1)) * 2.0, first * 3.0, second + 1.0]

    source_of(apply)


def test_parts_that_are_wanted_themselves_are_kept():
    def apply(x, v, **_):
        first = ops.tanh(v)
        return [first, ops.square(stacked(first, ops.exp(v))), ops.part(x, start=1, stop=2)]

    source_of(apply)


@pytest.mark.parametrize("reverse", [False, True])
def test_gates_of_a_loop_are_views(reverse):
    def apply(s, v, C, **_):
        def step(states, slices):
            sums = slices[0] + states[0] @ C
            gates = ops.sigmoid(ops.part(sums, start=0, stop=3))
            new = gate(gates, 0) * states[1] + gate(gates, 1) * ops.tanh(gate(sums, 3))
            return [gate(gates, 2) * ops.tanh(new), new], [stacked(gate(gates, 2), new * 2.0)]

        last, outputs = ops.scan(step, [v, ops.tanh(v)], [s], reverse=reverse)
        return [*last, *outputs]

    lines = [line for line in source_of(apply).splitlines() if line.startswith("        ")]
    assert sum("matmul(" in line for line in lines) == 1
    assert sum("tanh(" in line for line in lines) == 3, "that of three gates, of the fourth, and of the state"
    assert sum("copyto(" in line for line in lines) == 1, "the part of the gates that is an output"


def test_a_state_that_is_a_part_is_copied():
    def apply(s, v, C, **_):
        return list(
            ops.scan(lambda states, slices: ([gate(ops.tanh(slices[0] + states[0] @ C), 1)], []), [v], [s])[0]
        )

    source_of(apply)


def test_the_gradient_of_several_products_with_one_state_is_one_product_after_the_loop():
    graph, leaves = graph_of(SHAPES)

    def step(states, slices):
        sums = ops.tanh(slices[0] + states[0] @ leaves["C"])
        return [gate(sums, 0) * gate(sums, 3)], []

    (last,), _ = ops.scan(step, [leaves["v"]], [leaves["s"]])
    loss = ops.reduce_sum(last, axes=(0, 1))
    gradients = differentiate(graph, loss, [leaves["C"], leaves["s"]])
    checked(graph, drawn(graph, 4), gradients, 4)
    made = plan(graph, 4)
    back = body_of(made.graph, 1)
    assert names_of(back).count("matmul") == 1, "that of the state alone"
    assert names_of(made.graph).count("matmul") == 1
