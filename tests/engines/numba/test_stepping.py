"""Tables of compiled steps, and steps one by one and many at a time."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.numba.matrices import BY_BLOCKS
from specnet.engines.numba.stepping import _numbers
from tests.support.trainings import document, trainer

A, B = np.zeros((2, 3, 4)), np.zeros((4, 5))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (("address", "a"), [A.ctypes.data]),
        (("table", "g"), [77]),
        (("size", "a"), [24]),
        (("sizes", "a", "b"), [24, 20, 0]),
        (("rows", "a"), [6, 4]),
        (("along", "a", "1", "2"), [2, 3, 4]),
        (("product", "b", "turned"), [4, 5, 4, 5, 1, 1, 5]),
        (("product", "row", "b"), [1, 4, 5, 0, 1, 5, 1]),
        (("product", "turned", "row"), [5, 4, 1, 1, 5, 1, 0]),
    ],
)
def test_what_a_table_has(entry, expected):
    names = {"a": A, "b": B, "turned": B.T, "row": np.zeros(4), "g": 77}
    assert _numbers(entry, names) == expected


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("shape", [(40, 5, 7), (7, 5, 40), (1, 5, 40), (40, 1, 1)])
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_parts_of_a_product_make_it_up(shape, turned, parts):
    n, k, m = shape
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(n, k)), rng.normal(size=(m, k)).T if turned else rng.normal(size=(k, m))
    out = np.full((n, m), np.nan)
    entries = _numbers(("gemm", "a", "b", "out", str(parts)), {"a": a, "b": b, "out": out})
    for a_t, b_t, rows, columns, inner, first, a_step, second, b_step, result, step in np.reshape(
        entries, (parts, 11)
    ):
        a_turned = a_t in (1, 1 + BY_BLOCKS)
        product = matrix(first, rows, inner, a_step, a_turned) @ matrix(second, inner, columns, b_step, b_t)
        matrix(result, rows, columns, step, turned=False)[:] = product
    np.testing.assert_allclose(out, a @ b, 1e-12)


def matrix(address, rows, columns, step, turned):
    """Return the matrix of float64 at an address as BLAS is told of it."""
    shape = (columns, rows) if turned else (rows, columns)
    if not rows or not columns:
        return np.empty((rows, columns))
    count = int(step * (shape[0] - 1) + shape[1])
    flat = np.frombuffer((ctypes.c_double * count).from_address(int(address)))
    found = np.lib.stride_tricks.as_strided(flat, shape, (8 * step, 8))
    return found.T if turned else found


@pytest.fixture
def twins(monkeypatch):
    """Two trainings of one document, by compiled steps."""
    monkeypatch.setenv("SPECNET_ENGINE", "numba")
    layers = [{"type": "dense", "units": 2}]
    return [trainer(document(layers=layers, batch_size="full", optimizer="adam")) for _ in range(2)]


def test_steps_one_by_one_and_many_at_a_time_follow_each_other(twins):
    first, second = twins
    one, other = (fitted.feed.batches[0].bound for fitted in twins)
    singly = [one.step(number) for number in range(1, 6)]
    found = [other.step(1), *map(tuple, other.many(3, 2).tolist()), other.step(5)]
    assert found == singly
    assert len({loss for loss, *_ in found}) == 5
    np.testing.assert_array_equal(first.model.parameters.flat, second.model.parameters.flat)


def test_an_interrupt_after_many_steps_leaves_single_ones_as_they_were(twins):
    first, second = twins
    one, other = (fitted.feed.batches[0].bound for fitted in twins)
    singly = [one.step(number) for number in range(1, 5)]
    steps = other.many.__self__
    make = steps._make

    def interrupted():
        make()
        raise KeyboardInterrupt

    steps._make = interrupted
    with pytest.raises(KeyboardInterrupt):
        other.many(3, 1)
    steps._make = make
    assert other.step(4) == singly[-1]
    np.testing.assert_array_equal(first.model.parameters.flat, second.model.parameters.flat)
