"""Convolution by patches and products: output and gradients, tile by tile."""

from __future__ import annotations

import pytest

from specnet.graph import geometry
from tests.support.kernels import check_convolution

SAME = ((1, 1), (1, 1))


@pytest.mark.parametrize("room", [geometry.ROOM, 2_000])
@pytest.mark.parametrize(
    ("size", "kernel", "options"),
    [
        ((6, 7), (3, 2, 3, 4), {}),
        ((6, 7), (3, 3, 2, 4), {"padding": SAME}),
        ((7, 8), (3, 3, 2, 4), {"padding": ((2, 0), (0, 3)), "strides": (2, 3)}),
        ((8, 9), (2, 3, 2, 3), {"dilation": (2, 3), "padding": SAME}),
        ((6, 7), (3, 3, 2, 6), {"groups": 2, "padding": SAME}),
        ((6, 7), (3, 3, 18, 5), {"padding": SAME}),
        ((6, 7), (1, 1, 3, 4), {}),
        ((6, 7), (3, 3, 18, 2), {"padding": SAME}),
        ((6, 7), (3, 3, 18, 2), {}),
    ],
    ids=[
        "plain",
        "padded",
        "strided",
        "dilated",
        "grouped",
        "many channels",
        "pointwise",
        "few filters",
        "few filters on much larger images",
    ],
)
def test_output_and_gradients_are_those_of_the_formula(size, kernel, options, room, monkeypatch):
    monkeypatch.setattr(geometry, "ROOM", room)
    how = check_convolution(size, kernel, **options)
    assert not how.depthwise
    assert (room == 2_000) == (how.tile[0] < 5)
