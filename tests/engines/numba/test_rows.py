"""Passes over rows of images, as compiled functions make them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from specnet.engines.numba import row_code as r
from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.rows import pass_code, pass_over_rows
from tests.support.processors import older_processors, run_as_if_on

TAPS = [(lines, columns) for lines in (1, 2, 3) for columns in (1, 2, 3)]


@numba.njit
def compute(like, code, channels, table, x, w, y, start):
    pass_over_rows(like, code, channels, table, x, w, y, start)


def drawn(*shape):
    return np.random.default_rng(0).normal(size=shape)


def pairs(x, y, taps, lead):
    """Go through the rows and columns of y, and of those that taps see in x."""
    for row, j, p, t in np.ndindex(*y.shape[:2], *taps):
        if 0 <= j + t - lead < x.shape[1]:
            yield (row, j), (row + p, j + t - lead), (p, t)


def check(channels, places, seen, lead, strips):
    """Check all functions for rows of so many places, the first of which see places before the first one."""
    for taps in TAPS:
        x, w = drawn(4 + taps[0] - 1, seen, channels), drawn(*taps, channels)
        start, g = drawn(channels), drawn(4, places, channels)
        steps = {r.STRIPS: strips, r.ROWS: 4 // strips, r.COUNT: seen, r.PLACES: places, r.LEAD: lead}
        steps |= {r.X_ROW: x.strides[0], r.X_LINE: x.strides[0], r.X_COLUMN: x.strides[1]}
        steps |= {r.Y_ROW: g.strides[0], r.Y_COLUMN: g.strides[1]}
        steps |= {r.W_LINE: w.strides[0], r.W_COLUMN: w.strides[1]}
        table = np.array([steps.get(place, 0) for place in range(r.PASS)])

        def run(w, y, start, table=table, x=x, taps=taps, *, correlates):
            arrays = map(address_of, (table, x, w, y, start))
            compute(np.float64(0), pass_code(taps, correlates=correlates), channels, *arrays)

        y, reached = np.full_like(g, np.nan), np.zeros(g.shape[:2], bool)
        expected, total = np.broadcast_to(start, g.shape).copy(), w.copy()
        for here, there, tap in pairs(x, g, taps, lead):
            expected[here] += x[there] * w[tap]
            total[tap] += x[there] * g[here]
        reached[:, max(0, lead - taps[1] + 1) : lead + seen] = True
        run(w, y, start, correlates=False)
        np.testing.assert_allclose(y[reached], expected[reached], 1e-12, 1e-12)
        assert np.isnan(y[~reached]).all()  # they are another pass's
        table[[r.START_ROW, r.START_COLUMN]] = g.strides[:2]
        y[~reached] = 0
        run(w, y, y, correlates=False)
        np.testing.assert_allclose(y[reached], (2 * expected - start)[reached], 1e-12, 1e-12)
        run(w, g, w, correlates=True)
        np.testing.assert_allclose(w, total, 1e-12, 1e-12)


@pytest.mark.parametrize("channels", [1, 8, 11, 16, 21])
def test_a_pass_is_the_sum_of_what_its_taps_see(channels):
    check(channels, places=6, seen=6, lead=1, strips=1)
    check(channels, places=6, seen=8, lead=0, strips=4)


@pytest.mark.parametrize(("places", "seen", "lead"), [(1, 1, 0), (1, 2, 0), (1, 1, 1), (2, 1, 2), (7, 2, 3)])
def test_rows_may_be_shorter_than_what_taps_see(places, seen, lead):
    check(3, places, seen, lead, strips=1 if lead else 4)


@older_processors
def test_vectors_may_be_shorter(name, features):
    code = 'from tests.engines.numba import test_rows as tests; tests.check(21, 6, 6, 1, 1); print("done")'
    assert run_as_if_on(name, features, code) == "done"
