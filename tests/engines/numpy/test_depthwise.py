"""Convolution of each channel by itself: output and gradients, tap by tap."""

from __future__ import annotations

import pytest

from specnet.graph import geometry
from tests.support.kernels import check_convolution


@pytest.mark.parametrize("room", [geometry.ROOM, 2_000])
@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize(
    "options",
    [{}, {"padding": ((1, 1), (2, 0)), "strides": (2, 1)}, {"dilation": (2, 1), "padding": ((0, 2), (1, 1))}],
    ids=["plain", "strided", "dilated"],
)
def test_output_and_gradients_are_those_of_the_formula(options, multiplier, room, monkeypatch):
    monkeypatch.setattr(geometry, "ROOM", room)
    how = check_convolution((6, 7), (3, 2, 1, 4 * multiplier), groups=4, **options)
    assert how.depthwise


@pytest.mark.parametrize("multiplier", [1, 2])
def test_places_that_are_all_padding_have_no_gradient(multiplier):
    """Of the rows that strides of 2 meet, one lattice has only those of the padding."""
    how = check_convolution(
        (1, 4), (2, 3, 1, 3 * multiplier), groups=3, strides=(2, 1), padding=((1, 1), (1, 1))
    )
    assert how.depthwise
