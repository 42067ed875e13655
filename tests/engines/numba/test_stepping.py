"""Tables of compiled steps, and steps one by one and many at a time."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

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


def test_steps_one_by_one_and_many_at_a_time_follow_each_other(monkeypatch):
    monkeypatch.setenv("SPECNET_ENGINE", "numba")
    layers = [{"type": "dense", "units": 2}]
    first, second = (trainer(document(layers=layers, batch_size="full", optimizer="adam")) for _ in range(2))
    one, other = (fitted.feed.batches[0].bound for fitted in (first, second))
    singly = [one.step(number) for number in range(1, 6)]
    found = [other.step(1), *map(tuple, other.many(3, 2).tolist()), other.step(5)]
    assert found == singly
    assert len({loss for loss, *_ in found}) == 5
    np.testing.assert_array_equal(first.model.parameters.flat, second.model.parameters.flat)
