from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from tests.support.compiled import TOLERANCE, run
from tests.support.op_rows import B


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_and_infinity_stay_what_they_are(dtype):
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, -1e300, 100.0, -100.0, 1000.0, -1000.0])
    graph = Graph(dtype)
    x, y = leaf(graph, "x", "input", (B,)), leaf(graph, "y", "input", (B,))
    one = [ops.exp, ops.log, ops.sqrt, ops.tanh, ops.sigmoid, ops.relu, ops.absolute, ops.sign, ops.expm1]
    one += [ops.log1p, ops.softplus, ops.square, ops.erf]
    two = [ops.add, ops.subtract, ops.multiply, ops.divide, ops.maximum, ops.minimum, ops.greater]
    wanted = [op(x) for op in one] + [op(x, y) for op in two]
    with np.errstate(all="ignore"):
        left, right = (a.ravel().astype(dtype) for a in np.meshgrid(special, special))
        given = {"x": left, "y": right}
        expected, got = (run(graph, given, wanted, len(left), engine=e) for e in ("numpy", "numba"))
    for value, here, there in zip(wanted, got, expected, strict=True):
        np.testing.assert_allclose(here, there, TOLERANCE[dtype], err_msg=str(value.op))
