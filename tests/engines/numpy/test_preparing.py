from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.preparing import mixture, mixture_back, prepare, window
from specnet.graph.attributes import Prepared
from specnet.graph.sizes import BATCH


def test_sizes_are_put_in_before_a_maker_is_called():
    np.testing.assert_array_equal(prepare(Prepared("multiples", (BATCH, 4)), {"batch": 3}), [0, 4, 8])
    made = prepare(Prepared("filled", ((BATCH, 2), 0.5, "float32")), {"batch": 3})
    assert (made.shape, made.dtype) == ((3, 2), np.float32)
    assert (made == 0.5).all()


@pytest.mark.parametrize("margins", [((1, 2), (0, 0)), ((0, 1), (2, 0))])
def test_a_window_is_what_lies_between_margins(margins):
    x = np.arange(30).reshape(5, 6)
    (top, bottom), (left, right) = margins
    np.testing.assert_array_equal(x[window(margins)], x[top : 5 - bottom, left : 6 - right])


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_mixture_interpolates_between_neighbours(factor):
    x = np.array([1.0, 4.0, 2.0, 8.0])
    places = (np.arange(4 * factor) + 0.5) / factor - 0.5
    np.testing.assert_allclose(mixture(4, factor, "float64") @ x, np.interp(places, range(4), x), 1e-14)
    back = mixture_back(4, factor, "float64")
    np.testing.assert_array_equal(back, mixture(4, factor, "float64").T)
    assert back.flags.c_contiguous
