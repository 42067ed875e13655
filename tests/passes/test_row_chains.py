"""Which ops become one chain over the rows of a batch: those that a scan from each op on finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH, Size
from specnet.passes.aliases import root
from specnet.passes.fuse import group
from specnet.passes.row_chains import by_rows, images_at_once, is_sum

BATCH_ROWS = 5


def leads(value):
    first, *others = value.shape or (1,)
    return isinstance(first, Size) and not any(isinstance(dim, Size) for dim in others)


def scanned(waiting):
    """Return the groups of ops, as lists, by scanning on from each op until something needs a whole array."""
    groups = []
    while waiting:
        first, *rest = waiting
        chain, before, stop = [first], [], len(rest)
        depends, whole = {first.index}, {first.index} if is_sum(first) else set()
        for place, value in enumerate(rest):
            needs = {root(i).index for i in value.inputs} & depends
            cut = all(leads(i) for i in value.inputs if root(i).index in needs)
            if by_rows(value) and cut and not needs & whole:
                chain.append(value)
                depends.add(value.index)
                whole |= {value.index} if is_sum(value) else set()
            elif needs:
                stop = place
                break
            else:
                before.append(value)
        if by_rows(first) and any(v.op.calls for v in chain):
            groups += [*([v.index] for v in before), [v.index for v in chain]]
            waiting = rest[stop:]
        else:
            groups.append([first.index])
            waiting = rest
    return groups


APPLIED = {
    "convolve": lambda x, _: ops.conv2d(x, x.graph.values[0], x.graph.values[1], **SAME),
    "relu": lambda x, _: ops.relu(x),
    "add": lambda x, y: x + y,
    "sum over the batch": lambda x, _: ops.reduce_sum(x, axes=(0, 1, 2)),
    "sum of all": lambda x, _: ops.sum_all(x),
    "by a sum": lambda x, y: x * ops.reduce_sum(y, axes=(0, 1, 2)),
    "by a number": lambda x, y: x * ops.sum_all(y),
    "there and back": lambda x, _: ops.reshape(ops.flat(ops.exp(x)), shape=x.shape),
}
SAME = ops.PLAIN | {"padding": ((1, 1), (1, 1))}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(APPLIED)), st.integers(0, 30), st.integers(0, 30)), max_size=25)
)
def test_chains_are_those_of_a_scan_from_every_op(steps):
    graph = Graph("float32")
    leaf(graph, "w", "parameter", (3, 3, 2, 2))
    leaf(graph, "b", "parameter", (2,))
    arrays = [leaf(graph, "x", "input", (BATCH, 4, 4, 2)), leaf(graph, "z", "input", (BATCH, 4, 4, 2))]
    for name, a, b in steps:
        made = APPLIED[name](arrays[a % len(arrays)], arrays[b % len(arrays)])
        graph.outputs[f"y{made.index}"] = made
        if made.shape == arrays[0].shape:
            arrays.append(made)
    waiting = [v for v in graph.values if not v.op.leaf and not v.op.alias and v.op.name != "constant"]
    found = group(graph, BATCH_ROWS, workers=2)
    assert [[v.index for v in each.values] for each in found] == scanned(waiting)


@pytest.mark.parametrize(
    ("side", "channels", "dtype", "batch", "images"),
    [
        (14, 128, "float32", 64, 12),
        (14, 128, "float32", 4, 4),
        (14, 128, "float64", 64, 5),
        (56, 64, "float32", 64, 1),
    ],
    ids=["few pixels", "few images", "double precision", "many pixels"],
)
def test_a_chain_has_images_enough_for_the_transforms_of_kernels(side, channels, dtype, batch, images):
    graph = Graph(dtype)
    x = leaf(graph, "x", "input", (BATCH, side, side, channels))
    w = leaf(graph, "w", "parameter", (3, 3, channels, channels))
    assert images_at_once([ops.conv2d(x, w, **SAME)], {"batch": batch}) == images
