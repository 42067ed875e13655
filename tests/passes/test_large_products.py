"""How large products are: what a compiled loop does, and what a library might share between threads of its own."""

from __future__ import annotations

import pytest

from specnet.graph import ops
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes.large_products import ELEMENTS, are_in_loops, has_large_products
from tests.support.graphs import graph_of

SIZES = {"batch": 64, "steps": 3}


def large(build, **shapes):
    graph, leaves = graph_of(shapes)
    build(**leaves)
    return has_large_products(graph, SIZES)


@pytest.mark.parametrize(
    ("x", "kernel", "is_large"),
    [
        ((BATCH, 64), (64, 64), False),
        ((BATCH, 64), (64, 65), True),
        ((BATCH, 65), (65, 64), True),
        ((1, 96), (96, 95), False),
        ((1, 96), (96, 96), True),
        ((BATCH, 144), (144, 1), True),
        ((500, 4, 4), (4, 4), False),
    ],
)
def test_a_product_is_large_by_its_multiplications_or_its_elements(x, kernel, is_large):
    assert large(lambda **leaves: ops.MATMUL(*leaves.values()), x=x, K=kernel) == is_large


@pytest.mark.parametrize("columns", [ELEMENTS // 64 - 1, ELEMENTS // 64])
def test_sums_may_be_products_and_what_is_element_by_element_is_none(columns):
    assert not large(lambda x: ops.tanh(x) * 2.0, x=(BATCH, 1000))
    assert large(lambda x: ops.reduce_sum(x, axes=(0,)), x=(BATCH, columns)) == (columns * 64 == ELEMENTS)


@pytest.mark.parametrize("width", [64, 65])
def test_the_bodies_of_loops_count_and_their_stacked_arrays_do_not(width):
    def build(x, h, K):
        ops.scan(lambda s, a: ([ops.tanh(s[0] @ K + a[0])], []), [h], [x])

    shapes = {"x": (STEPS, BATCH, width), "h": (BATCH, width), "K": (width, width)}
    assert large(build, **shapes) == (width > 64)


@pytest.mark.parametrize(("units", "in_loops"), [(8, True), (9, False)])
@pytest.mark.parametrize("within", [False, True], ids=["by itself", "in a loop"])
def test_small_products_are_loops(units, in_loops, within):
    graph, leaves = graph_of({"x": (3, BATCH, 8), "K": (8, units), "h": (BATCH, units)})

    def step(states, arrays):
        return [states[0] + arrays[0] @ leaves["K"]], []

    if within:
        ops.scan(step, [leaves["h"]], [leaves["x"]])
    else:
        ops.MATMUL(leaves["x"], leaves["K"])
    assert are_in_loops(graph, SIZES) == in_loops
