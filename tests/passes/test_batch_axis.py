"""Where the rows of a batch lie in a shape."""

from __future__ import annotations

import pytest

from specnet.graph.sizes import BATCH, STEPS, Count, Size
from specnet.passes.batch_axis import axis_of, is_joined, places_ahead

ALL_STEPS = Size(4, ("batch", "steps"))


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((BATCH, 4), 0),
        ((4, STEPS, Size(6)), 2),
        ((3, ALL_STEPS), 1),
        ((4, STEPS), None),
        ((BATCH, 4, BATCH), None),
        ((Size(1, ("batch", "batch")),), None),
        ((), None),
    ],
)
def test_it_is_the_only_one_that_grows_in_proportion_to_the_batch(shape, axis):
    assert axis_of(shape) == axis


@pytest.mark.parametrize(
    ("shape", "joined"),
    [((4, ALL_STEPS), True), ((STEPS, Size(6)), False), ((Size(2, ("steps", "steps")), BATCH), False)],
)
def test_it_may_hold_other_named_sizes(shape, joined):
    assert is_joined(shape) == joined


@pytest.mark.parametrize(
    ("shape", "ahead"),
    [((BATCH, 4), Count(1)), ((2, 3, BATCH, 5), Count(6)), ((2, STEPS, BATCH), Count(2, (("steps", 1),)))],
)
def test_places_ahead_of_it_are_counted(shape, ahead):
    assert places_ahead(shape) == ahead
