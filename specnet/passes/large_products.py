"""How large the products of a graph are: whether a matrix library might share one between threads of its own."""

from __future__ import annotations

from specnet.graph import ops
from specnet.graph.graph import Graph, Node
from specnet.graph.sizes import Sizes, at

MULTIPLICATIONS = 2**18
"""Up to so many, OpenBLAS computes a product of matrices on one thread."""

ELEMENTS = 9_216
"""From so many on, OpenBLAS shares products of a matrix and a vector; those of vectors from 10,000 on."""

IN_LOOPS = 4_096
"""Multiplications of a product that a compiled loop does as fast as a call."""


def are_in_loops(graph: Graph, sizes: Sizes) -> bool:
    """Whether compiled loops do all products of matrices of a graph as fast as calls, those in its loops included."""
    return all(
        all(are_in_loops(region, sizes) for region in node.regions)
        if node.regions
        else node.op is not ops.MATMUL or _multiplications(node, sizes) <= IN_LOOPS
        for node in graph
    )


def has_large_products(graph: Graph, sizes: Sizes) -> bool:
    """Whether a graph, or the body of one of its loops, has a product that the library might share."""
    return any(
        any(has_large_products(region, sizes) for region in node.regions)
        if node.regions
        else _is_large(node, sizes)
        for node in graph
    )


def _is_large(node: Node, sizes: Sizes) -> bool:
    if node.op is ops.MATMUL:
        least = ELEMENTS - 1 if 1 in at(node.value.shape[-2:], sizes) else MULTIPLICATIONS
        return _multiplications(node, sizes) > least
    if node.op.leaf or node.op.alias or node.op.elementwise or node.op is ops.pack:
        return False
    # Sums, norms and the like may be products with a vector of what they read or compute.
    return any(value.count.at(sizes) >= ELEMENTS for value in (*node.inputs, *node.results))


def _multiplications(node: Node, sizes: Sizes) -> int:
    """Return those of a product of two matrices, of which a node may have many."""
    value = node.value
    rows, columns = at(value.shape[-2:], sizes)
    inner: int = value.op.count_flops(value).at(sizes) // (2 * value.count.at(sizes))
    return rows * columns * inner
