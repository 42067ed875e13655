from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba.compiling import kernel


@kernel
def total(x):
    result = x[0]
    for i in range(1, len(x)):
        result += x[i]
    return result


def test_a_kernel_runs_without_the_interpreters_lock():
    total(np.ones(3))
    assert all("@PyEval_SaveThread" in llvm for llvm in total.inspect_llvm().values())


def test_sums_are_reordered_but_keep_nan_and_infinity():
    x = np.ones(1000, np.float32)
    assert total(x) == 1000.0
    assert all("vector.body" in llvm for llvm in total.inspect_llvm().values())
    for special in (np.nan, np.inf, -np.inf):
        x[500] = special
        np.testing.assert_equal(total(x), np.float32(special))
