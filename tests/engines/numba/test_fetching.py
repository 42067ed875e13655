"""Rows that compiled steps fetch themselves."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

import specnet
from specnet.engines.numba import fetching
from specnet.engines.numba.entries import ROWS
from specnet.engines.numba.fetching import fetch_rows, fetch_table
from specnet.engines.numba.language import int64_at
from specnet.model.feed import Feed
from specnet.passes import cores

RNG = np.random.default_rng(0)


@numba.njit
def part_of(address, part):
    fetch_rows(int64_at(address), part)


def fetched(copies, places, threads=1):
    """Have rows copied as a compiled step does, part by part, and return how many parts there were."""
    table = fetch_table(copies, threads)
    step = np.zeros(ROWS + 2, np.int64)
    step[ROWS:] = places.ctypes.data, table.ctypes.data
    for part in range(table[0]):
        part_of(step.ctypes.data, part)
    return table[0]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    ("dtype", "width"),
    [("float64", 3), ("float32", 6), ("float32", 5), ("uint8", 7), ("bool", 1), ("int64", 0)],
)
def test_rows_are_those_at_the_places(dtype, width, threads, monkeypatch):
    monkeypatch.setattr(fetching, "SHARED", 0)
    held = (RNG.normal(size=(20, width)) * 50).astype(dtype)
    labels = np.arange(20)
    places = RNG.integers(0, 20, 7)
    rows, others = np.zeros((7, width), dtype), np.full(7, -1)
    assert fetched([(held, rows), (labels, others)], places, threads) == threads
    np.testing.assert_array_equal(rows, held[places])
    np.testing.assert_array_equal(others, places)


def test_rows_may_lie_apart():
    whole = RNG.normal(size=(20, 5)).astype("float32")
    places, rows = np.array([3, 0, 19]), np.zeros((3, 2), "float32")
    fetched([(whole[:, 1:3], rows)], places)
    np.testing.assert_array_equal(rows, whole[places, 1:3])


def test_what_is_not_a_number_keeps_its_bits():
    held = np.array([[0x7F800001], [0xFFC00123], [1]], np.uint32).view(np.float32)
    rows = np.zeros((3, 1), np.float32)
    fetched([(held, rows)], np.array([2, 1, 0]))
    np.testing.assert_array_equal(rows.view(np.uint32), held[::-1].view(np.uint32))


def test_no_row_is_read_beyond_the_first_and_the_last():
    held, rows = np.arange(4.0), np.zeros(2)
    fetched([(held, rows)], np.array([-7, 99]))
    assert rows.tolist() == [0.0, 3.0]


def test_few_bytes_are_not_shared_out():
    assert fetched([(np.zeros((9, 4)), np.zeros((9, 4)))], np.arange(9), threads=2) == 1


@pytest.mark.parametrize(
    ("held", "out"),
    [
        (np.zeros((4, 6))[:, ::2], np.zeros((2, 3))),
        (np.zeros((4, 3)), np.zeros((2, 6))[:, ::2]),
        (np.zeros((4, 3), "float32"), np.zeros((2, 3))),
        (np.zeros((0, 3)), np.zeros((0, 3))),
    ],
    ids=["apart", "to apart", "another type", "none"],
)
def test_numpy_copies_what_does_not_lie_row_by_row(held, out):
    assert fetch_table([(held, out)], 2) is None


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("units", [4, 200], ids=["small", "with parts"])
@pytest.mark.parametrize("rows", [90, 85], ids=["full batches", "a shorter one at the end"])
def test_a_training_has_the_same_bits_whoever_fetches_its_rows(units, rows, threads, monkeypatch):
    monkeypatch.setattr(cores, "allowed", lambda: threads)
    splits = {
        name: (RNG.normal(size=(count, 300)), RNG.integers(0, 3, count))
        for name, count in (("train", rows), ("validation", 40))
    }
    spec = {
        "specnet": 1,
        "data": "arrays",
        "layers": [{"type": "dense", "units": units}, {"type": "dense", "units": 3}],
        "loss": "cross_entropy",
        "metrics": ["accuracy"],
        "training": {"epochs": 3, "batch_size": 30, "optimizer": "adam"},
    }
    by_steps = specnet.run(spec, data=splits, engine="numba")
    made = []
    monkeypatch.setattr(Feed, "bring", lambda self, batch: made.append(self.fetch(batch)))
    by_numpy = specnet.run(spec, data=splits, engine="numba")
    assert made
    np.testing.assert_array_equal(by_steps.model.parameters.flat, by_numpy.model.parameters.flat)
    assert by_steps.history.loss == by_numpy.history.loss
    assert by_steps.history.validation == by_numpy.history.validation
