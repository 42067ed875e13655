"""Views of memory, and what names of a plan's source stand for."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.binding import _formed, _product, _view
from specnet.engines.program import View
from specnet.graph.sizes import BATCH, Size
from specnet.passes.arena import ARENA

MEMORY = {ARENA: np.arange(40.0).view(np.uint8)}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("plain", np.arange(2.0, 8.0).reshape(3, 2)),
        ("flat", np.arange(2.0, 8.0)),
        ("T", np.arange(2.0, 8.0).reshape(3, 2).T),
        ("rows", np.arange(2.0, 8.0).reshape(3, 2)),
    ],
)
def test_a_view_lies_some_bytes_from_the_start_of_its_memory(form, expected):
    found = _view(View("v", ARENA, 16, (BATCH, 2), "float64", form), MEMORY, {"batch": 3})
    np.testing.assert_array_equal(found, expected)
    assert np.shares_memory(found, MEMORY[ARENA])


def test_the_leading_axis_of_a_piece_has_its_rows():
    doubled = View("v", ARENA, 0, (Size(2), 2), "float64")
    assert _view(doubled, MEMORY, {"batch": 9}, rows=3).shape == (6, 2)


def test_an_array_is_seen_in_several_forms():
    x = np.arange(24.0).reshape(2, 3, 4)
    assert _formed(x, x.shape, "rows").shape == (6, 4)
    np.testing.assert_array_equal(_formed(x, x.shape, "T"), x.swapaxes(1, 2))
    assert _formed(x, x.shape, "flat").shape == (24,)


def test_sizes_to_their_powers_are_floats():
    assert _product((("batch", -1),), {"batch": 4}) == 0.25
    assert _product((("batch", 2), ("steps", 1)), {"batch": 10**9, "steps": 10**9}) == 1e27
