"""Compiled normalisation, against the NumPy engine's."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba.kernels import FUNCTIONS as COMPILED
from specnet.engines.numpy.calls import perform
from specnet.engines.numpy.functions import FUNCTIONS
from specnet.engines.numpy.preparing import prepare
from specnet.engines.workers import Workers
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from tests.support.examples import DTYPES
from tests.support.threads import KNOWN

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}

dtypes = pytest.mark.parametrize("dtype", DTYPES)
shapes = pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 3), (37, 64), (700, 12), (3, 20_000)])
TILE = 64


def drawn(shape, dtype, count):
    rng = np.random.default_rng(0)
    return [rng.normal(0.5, 1.5, shape).astype(dtype) for _ in range(count)]


def tile(columns, dtype):
    return np.full((max(1, TILE // columns), columns), np.nan, dtype)


def check(name, make, dtype):
    """Check that both engines' kernels write the same into arrays that are made once for each."""
    outs = []
    for functions in (FUNCTIONS, COMPILED):
        arguments, out = make()
        with np.errstate(all="ignore"):
            calls = functions[name](*arguments, out)
            if calls is not None:
                perform(calls)
        outs.append(out)
    np.testing.assert_allclose(outs[1], outs[0], TOLERANCE[dtype], TOLERANCE[dtype])


@dtypes
@shapes
@pytest.mark.parametrize("center", [True, False])
def test_rows_and_what_flows_back_to_them(shape, center, dtype):
    g, x = drawn(shape, dtype, 2)
    m = shape[1]
    average = np.full(m, 1 / m, dtype)
    y = np.empty_like(x)
    COMPILED["layer_norm"](x, center, 1e-3, average, tile(m, dtype), None, y)

    def scratch(vectors):
        s = tile(m, dtype)
        return s, *(np.full(len(s), np.nan, dtype) for _ in range(vectors))

    check("layer_norm", lambda: ((x, center, 1e-3, average, *scratch(1)), np.empty_like(x)), dtype)
    check("layer_norm_grad", lambda: ((g, y, x, center, 1e-3, average, *scratch(2)), np.empty_like(x)), dtype)


@dtypes
@pytest.mark.parametrize(
    ("shape", "groups"),
    [
        ((0, 2, 4), 2),
        ((3, 4, 6), 3),
        ((2, 1, 1), 1),
        ((5, 49, 64), 8),
        ((2, 7, 10), 10),
        ((3, 31, 600), 2),
        ((2, 8_009, 9), 3),
    ],
)
def test_groups_and_what_flows_back_to_them(shape, groups, dtype):
    graph = Graph(dtype)
    given = leaf(graph, "x", "input", shape)
    found = ops.group_moments(given, groups=groups, epsilon=1e-3)
    applied = ops.group_norm(given, found, groups=groups)
    back = ops.group_norm_grad(given, applied, found, groups=groups)

    def needed(value):
        prepared = value.op.prepare(value).values() if value.op.prepare else ()
        scratch = (np.full(size, np.nan, dtype) for size, _ in value.op.scratch(value))
        return *(prepare(each, 1) for each in prepared), *scratch

    g, x = drawn(shape, dtype, 2)
    y, moments = np.empty_like(x), np.empty((shape[0], 2, shape[2]), dtype)
    perform(FUNCTIONS["group_moments"](x, 1e-3, *needed(found), moments))
    perform(FUNCTIONS["group_norm"](x, moments, *needed(applied), y))
    check("group_moments", lambda: ((x, 1e-3, *needed(found)), np.empty_like(moments)), dtype)
    check("group_norm", lambda: ((x, moments, *needed(applied)), np.empty_like(x)), dtype)
    check("group_norm_grad", lambda: ((g, y, moments, *needed(back)), np.empty_like(x)), dtype)


@dtypes
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (37, 64), (3000, 2), (700, 12), (3, 20_000)])
def test_columns_and_what_flows_back_to_them(shape, dtype):
    g, x = drawn(shape, dtype, 2)
    n, m = shape
    gamma, beta, start = drawn(m, dtype, 3)
    moments, sums = np.stack([beta, np.abs(gamma), beta]), np.stack([gamma, beta])
    ones = np.ones(max(1, TILE // m), dtype)

    def scratch(tiles, vectors):
        column = np.full((vectors, m) if vectors > 1 else m, np.nan, dtype)
        return *(tile(m, dtype) for _ in range(tiles)), column

    check("batch_moments", lambda: ((x, ones, *scratch(2, 1)), np.empty((3, m), dtype)), dtype)
    check("batch_norm", lambda: ((x, moments, gamma, beta, 1e-3, *scratch(2, 1)), np.empty_like(x)), dtype)
    for overwrite in (True, False):
        check(
            "batch_norm_sums",
            lambda overwrite=overwrite: (
                (g, x, moments, 1e-3, ones, *scratch(2, 2), overwrite),
                np.stack([start, start]),
            ),
            dtype,
        )
    check(
        "batch_norm_grad",
        lambda: ((g, x, moments, sums, gamma, 1e-3, 3 * n, *scratch(3, 2)), np.empty_like(x)),
        dtype,
    )


@KNOWN
@dtypes
@pytest.mark.parametrize("rows", [1, 2, 5, 23, 2_000])
@pytest.mark.parametrize("tile_rows", [2, 12, 64])
def test_workers_share_the_rows_and_the_scratch(rows, tile_rows, dtype):
    (x,) = drawn((rows, 3), dtype, 1)
    x += 100
    alone, shared = np.full((2, 3, 3), np.nan, dtype)
    room = [np.full((tile_rows, 3), np.nan, dtype) for _ in range(2)]
    COMPILED["batch_moments"](x, None, *room, None, alone)
    COMPILED["shared_moments"](Workers(3), x, None, *room, None, shared)
    np.testing.assert_allclose(alone[:2], [x.mean(0, "float64"), x.var(0, "float64")], 10 * TOLERANCE[dtype])
    np.testing.assert_allclose(shared, alone, 10 * TOLERANCE[dtype])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_so_in_its_row(bad):
    (x,) = drawn((3, 20), "float32", 1)
    x[1, 7] = bad
    out = np.empty_like(x)
    COMPILED["layer_norm"](x, True, 1e-3, np.full(20, 1 / 20, "float32"), tile(20, "float32"), None, out)
    assert np.isfinite(out).all(axis=1).tolist() == [True, False, True]
    assert np.isnan(out[1, 7])
