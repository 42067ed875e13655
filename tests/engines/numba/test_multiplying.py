"""Products of matrices by blocks, however both of them lie."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba.blocks import block_shape
from specnet.engines.numba.multiplying import (
    DEPTH,
    FIRST_TURNED,
    LINE,
    SECOND_TURNED,
    multiply_float32,
    multiply_float64,
)
from specnet.engines.numba.vectors import LINES, PANEL
from tests.support.examples import DTYPES

FUNCTIONS = {"float32": multiply_float32, "float64": multiply_float64}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lies", [0, FIRST_TURNED, SECOND_TURNED])
@pytest.mark.parametrize(
    "shape", [(16, 20, 96), (1, 1, 1), (13, 600, 50), (8, 300, 7), (70, 3, 33), (37, 330, 250), (32, 64, 256)]
)
def test_blocks_multiply_matrices(shape, lies, dtype):
    rng = np.random.default_rng(0)
    n, k, m = shape
    # With more beside them than the sizes say, which nobody may read or write.
    a, b = rng.normal(size=(n, k)).astype(dtype), rng.normal(size=(k, m)).astype(dtype)
    held = [
        np.pad((matrix.T if turned else matrix).copy(), ((0, 0), (0, 2)), constant_values=np.nan)
        for matrix, turned in ((a, lies == FIRST_TURNED), (b, lies == SECOND_TURNED))
    ]
    wide = np.full((n, m + 3), 7, dtype)
    given = [number for each in held for number in (each.ctypes.data, each.shape[1])]
    FUNCTIONS[dtype](lies, n, m, k, *given, wide[:, 1:].ctypes.data, m + 3)
    expected = a.astype(np.float64) @ b
    np.testing.assert_allclose(wide[:, 1 : m + 1], expected, 1e-4 if dtype == "float32" else 1e-12, 1e-4)
    assert (wide[:, [0, -2, -1]] == 7).all(), "what lies around the result stays as it is"


def test_a_row_has_the_same_bits_in_any_part_of_a_product():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(40, 500)).astype(np.float32), rng.normal(size=(500, 64)).astype(np.float32)
    whole, part = np.empty((40, 64), np.float32), np.empty((40, 64), np.float32)
    a_at, b_at, whole_at, part_at = (each.ctypes.data for each in (a, b, whole, part))
    multiply_float32(0, 40, 64, 500, a_at, 500, b_at, 64, whole_at, 64)
    for row in range(0, 40, 5):
        for column in (0, 16, 32, 48):
            first, second, to = a_at + 2000 * row, b_at + 4 * column, part_at + 4 * (64 * row + column)
            multiply_float32(0, 5, 16, 500, first, 500, second, 64, to, 64)
    assert part.tobytes() == whole.tobytes()


@pytest.mark.parametrize("lies", [FIRST_TURNED, SECOND_TURNED])
def test_copies_have_the_bits_of_what_is_read_where_it_lies(lies):
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(70, 300)).astype(np.float32), rng.normal(size=(300, 250)).astype(np.float32)
    found = []
    for how in (0, lies):
        first, second = (
            np.ascontiguousarray(each.T if how == turned else each)
            for each, turned in ((a, FIRST_TURNED), (b, SECOND_TURNED))
        )
        out = np.empty((70, 250), np.float32)
        given = [number for each in (first, second) for number in (each.ctypes.data, each.shape[1])]
        multiply_float32(how, 70, 250, 300, *given, out.ctypes.data, 250)
        found.append(out.tobytes())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("triple", "features"),
    [("x86_64", "+avx512f"), ("x86_64", "+avx"), ("x86_64", ""), ("aarch64", "")],
    ids=["AVX-512", "AVX", "SSE", "NEON"],
)
def test_copies_fit_into_the_room_for_them_on_every_processor(triple, features):
    shape = block_shape(triple, features)
    assert DEPTH * LINE <= LINES
    assert DEPTH * shape.vectors * shape.width <= PANEL
