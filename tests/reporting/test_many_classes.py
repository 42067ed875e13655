"""Predictions of many numbers for each row are made for as many rows as the memory holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.data import load_data
from specnet.data.new_rows import RowBlock
from specnet.model import predicting
from specnet.reporting import predictions
from specnet.reporting.drawing import InapplicableError
from specnet.reporting.drawings import judging
from specnet.runs import predicting as running
from specnet.runs.compiling import compile_spec

SPECS = Path(__file__).parents[2] / "specs"


@pytest.fixture(scope="module")
def spec():
    return specnet.load(SPECS / "iris.toml")


def test_a_report_looks_at_fewer_rows(spec, monkeypatch):
    model, _ = compile_spec(spec)
    data = load_data(spec.data, spec.source.folder, seed=spec.seed, dtype=spec.dtype)
    (whole,) = predictions.predicted(model, data, "train")
    monkeypatch.setattr(predictions, "MOST", 30)
    (few,) = predictions.predicted(model, data, "train")
    assert len(few.rows) == 10
    places = np.searchsorted(whole.rows, few.rows)
    assert np.array_equal(whole.rows[places], few.rows)
    assert np.allclose(whole.outputs[places], few.outputs)
    assert np.allclose(whole.costs[places], few.costs)
    true, read, counts = predictions.confusions(whole)
    matrix = predictions.confusion(whole)
    assert matrix.sum() == counts.sum() == len(whole.rows)
    assert matrix[true, read].tolist() == counts.tolist()
    monkeypatch.setattr(judging, "MOST_CLASSES", 2)
    with pytest.raises(InapplicableError, match="up to 2 classes"):
        judging.confusion_drawing([whole])


def test_rows_are_predicted_in_parts(spec, monkeypatch):
    model, _ = compile_spec(spec)
    rows = np.random.default_rng(0).standard_normal((50, 4))
    block = RowBlock(rows, [f"row {n}" for n in range(50)], None, [[n] for n in range(50)])
    (whole,) = running.predictions(model, iter([block]), "rows.csv")
    monkeypatch.setattr(predicting, "PREDICTION_NUMBERS", 8 * model.network.widest)
    monkeypatch.setattr(running, "WRITTEN", 60)
    model, _ = compile_spec(spec)
    parts = list(running.predictions(model, iter([block]), "rows.csv"))
    assert [len(part.made[""]) for part in parts] == [20, 20, 10]
    assert [part.kept[0][0] for part in parts] == [0, 20, 40]
    assert np.allclose(np.concatenate([part.made[""] for part in parts]), whole.made[""])
    assert np.allclose(model.predict(rows), whole.made[""])
