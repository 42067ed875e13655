"""Sums of what drives a loop and of a product with its state, found in its body."""

from __future__ import annotations

import pytest

from specnet.graph import ops
from specnet.passes.drives import driven_sums
from tests.support.driven import SHAPES, cell, gate, lstm
from tests.support.graphs import graph_of


def sums_of(step):
    """Return the sums that are found in the body of a loop."""
    _, leaves = graph_of(SHAPES)
    last, _ = ops.scan(lambda states, slices: step(states, slices, leaves), [leaves["h"]] * 2, [leaves["s"]])
    return list(driven_sums(ops.SCAN.of(last[0].node)))


def test_a_sum_of_a_slice_and_a_product_is_found():
    (found,) = sums_of(lstm)
    assert found.total.op is ops.add
    assert {found.drive, found.product} == {*found.total.inputs}
    assert found.kernel.shape == SHAPES["R"]
    assert found.product.inputs[0].rank == 2


def of_what_is_wanted(states, slices, leaves):
    return [*states], [slices[0] + states[0] @ leaves["R"]]


def of_a_drive_that_is_read_twice(states, slices, leaves):
    return cell(states, slices[0] + states[0] @ leaves["R"]), [slices[0]]


def of_a_product_that_is_read_twice(states, slices, leaves):
    product = states[0] @ leaves["R"]
    return cell(states, slices[0] + product), [product]


def of_a_kernel_that_is_read_twice(states, slices, leaves):
    return cell(states, slices[0] + (states[0] + gate(states[1] @ leaves["R"], 0)) @ leaves["R"]), []


def of_a_transposed_kernel(states, slices, leaves):
    return cell(states, slices[0] + ops.MATMUL(states[0], leaves["R"], b_t=True)), []


def of_a_kernel_of_its_own_at_every_step(states, slices, leaves):
    return cell(states, slices[0] + states[0] @ (leaves["R"] * ops.sum_all(states[1]))), []


def of_a_drive_that_stays_the_same(states, slices, leaves):
    return cell(states, leaves["B"] + states[0] @ leaves["R"]), [slices[0]]


@pytest.mark.parametrize(
    "step",
    [
        of_what_is_wanted,
        of_a_drive_that_is_read_twice,
        of_a_product_that_is_read_twice,
        of_a_kernel_that_is_read_twice,
        of_a_transposed_kernel,
        of_a_kernel_of_its_own_at_every_step,
        of_a_drive_that_stays_the_same,
    ],
    ids=lambda step: step.__name__,
)
def test_other_sums_are_not(step):
    assert not sums_of(step)
