"""Views of even and odd rows and columns."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.halves import EveryOther, halves, lines, part


@pytest.mark.parametrize("stop", range(6))
@pytest.mark.parametrize("first", range(3))
def test_lines_are_pairs_and_one_that_is_left(first, stop):
    found = [
        line + 2 * place
        for each in lines(first, stop)
        for line in range(each.first, each.first + each.parities)
        for place in range(each.size)
    ]
    assert sorted(found) == list(range(first, stop))


@pytest.mark.parametrize("columns", [EveryOther(0, 3), EveryOther(2, 2, 2), EveryOther(3, 2, 2)])
@pytest.mark.parametrize("rows", [EveryOther(1, 2), EveryOther(0, 2, 2), EveryOther(1, 2, 2)])
@pytest.mark.parametrize("phases", [(1, 1), (2, 2)])
def test_a_part_has_lines_of_each_parity(phases, rows, columns):
    size = (5, 7) if phases == (1, 1) else (6, 8)
    images = np.arange(2 * size[0] * size[1] * 3).reshape(2, *size, 3)
    # With phases, even rows and columns lie together.
    laid = images
    if phases == (2, 2):
        laid = images.reshape(2, 3, 2, 4, 2, 3).transpose(0, 2, 4, 1, 3, 5).reshape(2, 4, 3, 4, 3).copy()
    found = part(halves(laid, phases), rows, columns)
    assert found.shape == (2, rows.parities, columns.parities, rows.size, columns.size, 3)
    for down in range(rows.parities):
        for right in range(columns.parities):
            wanted = images[:, rows.first + down :: 2, columns.first + right :: 2]
            np.testing.assert_array_equal(found[:, down, right], wanted[:, : rows.size, : columns.size])


def test_lines_can_be_moved():
    assert EveryOther(2, 3, 2).moved(-1) == EveryOther(1, 3, 2)
    assert EveryOther(2, 3).places == slice(1, 4)
