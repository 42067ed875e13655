"""Compiled pooling along one axis, against the NumPy engine's."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba.kernels import pooling as compiled
from specnet.engines.numpy import pooling
from specnet.engines.numpy.calls import perform
from specnet.graph.windows import Windows
from tests.support.examples import DTYPES
from tests.support.op_rows import SPANS

spans = pytest.mark.parametrize(("windows", "size"), SPANS)
dtypes = pytest.mark.parametrize("dtype", DTYPES)


def drawn(rows, dtype, inner=2):
    """Return numbers among which there are equals, and some below 0."""
    return np.random.default_rng(0).integers(-3, 3, (4, rows, inner)).astype(dtype)


def check(name, shape, dtype, *arguments):
    """Check that both engines' kernels write the same; the first of the `arguments` come before `out`."""
    outs = []
    for module in (pooling, compiled):
        out = np.full(shape, np.nan, dtype)
        perform(getattr(module, name)(*(a if a is not Ellipsis else out for a in arguments)))
        outs.append(out)
    np.testing.assert_allclose(outs[1], outs[0], 1e-6)
    return outs[1]


@dtypes
@spans
def test_the_largest_and_what_flows_back_to_them(windows, size, dtype):
    how, x = Windows(windows, size, 2), drawn(size, dtype)
    shape = 4, len(windows), 2
    for floor in (False, True):
        check("pool_max", shape, dtype, x, how, ..., floor)
    y = check("pool_max", shape, dtype, x, how, ..., False)
    g = np.random.default_rng(1).normal(size=shape).astype(dtype)
    scratch = np.empty(g.size, dtype), np.empty(g.size, dtype), np.empty(g.size, bool)
    check("unpool_max", x.shape, dtype, g, x, y, *scratch, how, ...)
    v = np.random.default_rng(2).normal(size=x.shape).astype(dtype)
    check("pick_max", shape, dtype, v, x, y, np.empty(g.size, bool), np.empty(g.size, bool), how, ...)


@dtypes
@spans
def test_sums_and_what_flows_back_from_them(windows, size, dtype):
    how, x = Windows(windows, size, 2), drawn(size, dtype)
    y = check("pool_sum", (4, len(windows), 2), dtype, x, how, ...)
    check("spread_sum", x.shape, dtype, y, how, ...)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@spans
def test_a_window_that_sees_a_nan_has_it(windows, size, bad):
    how, x = Windows(windows, size, 2), drawn(size, "float32")
    x[1, size // 2, 0] = bad
    check("pool_max", (4, len(windows), 2), "float32", x, how, ..., True)
