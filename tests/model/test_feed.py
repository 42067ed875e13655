"""Rows of a batch, put where its plan reads them."""

from __future__ import annotations

import numpy as np
import pytest

import specnet
from specnet.engines.workers import Workers
from specnet.model import feed
from specnet.model.feed import fetch_together
from specnet.passes import cores


@pytest.mark.parametrize("workers", [None, Workers(1), Workers(3)], ids=["alone", "one", "three"])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_workers_fetch_each_some_rows(workers, count):
    held = np.random.default_rng(0).normal(size=(20, 3))
    places = np.random.default_rng(1).integers(0, 20, count)
    out = np.full((count, 3), np.nan)
    fetch_together(workers, held, places, out)
    np.testing.assert_array_equal(out, held[places])


def test_a_training_is_the_same_whoever_fetches_its_rows(monkeypatch):
    monkeypatch.setattr(cores, "allowed", lambda: 2)
    rng = np.random.default_rng(0)
    data = rng.normal(size=(600, 200)), rng.normal(size=(600, 1))
    spec = {
        "specnet": 1,
        "data": "arrays",
        "layers": [{"type": "dense", "units": 400}, {"type": "dense", "units": 1}],
        "loss": "mse",
        "training": {"epochs": 2, "batch_size": 250},
    }
    found = []
    for least in (1 << 30, 0):
        monkeypatch.setattr(feed, "SHARED", least)
        found.append(specnet.run(spec, data=data).model.parameters.flat.copy())
    np.testing.assert_array_equal(found[0], found[1])
