"""Which products a matrix library might share between threads of its own."""

from __future__ import annotations

import pytest

from specnet.graph import ops
from specnet.graph.sizes import BATCH, STEPS
from specnet.passes.large_products import ELEMENTS, has_large_products
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
