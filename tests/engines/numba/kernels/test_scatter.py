"""Compiled sums at indices, against the NumPy engine's."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba.kernels import scatter as compiled
from specnet.engines.numpy import scatter


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "size", "width"), [(0, 4, 3), (5, 4, 3), (50, 7, 33), (20, 1, 1)])
def test_rows_are_added_where_their_indices_say(rows, size, width, dtype):
    rng = np.random.default_rng(0)
    x, index = rng.normal(size=rows * width).astype(dtype), rng.integers(0, size, rows)
    outs = np.full((2, size * width), np.nan, dtype)
    scratch = np.empty((2, rows * width), np.int64)
    for module, out in zip((scatter, compiled), outs, strict=True):
        module.scatter_add(x, index, np.arange(width), *scratch, out)
    np.testing.assert_allclose(outs[1], outs[0], 1e-5, 1e-6)
