"""Calibration and intervals in runs: what is saved, resumed, read again and reported."""

from __future__ import annotations

import copy
import json
import math
import pickle

import numpy as np
import pytest

import specnet
from specnet.model.uncertainty import rank_of
from specnet.storage.model_file import read_model, write_model
from tests.support.resuming import after, recorded

BOTH = {"calibration": "temperature", "intervals": 0.8}


def document(output, *, split=None, **more):
    """A document that reads its own data."""
    split = {"validation": 0.25, "test": 0.25} if split is None else split
    return specnet.load(
        {
            "specnet": 1,
            "name": "unsure",
            "dtype": "float64",
            "loss": "cross_entropy",
            "metrics": ["accuracy"],
            "data": {"type": "synthetic", "kind": "moons", "samples": 240, "noise": 0.3, "split": split},
            "layers": [
                {"type": "dense", "units": 12, "activation": "tanh"},
                {"type": "dense", "units": 2},
            ],
            "training": {
                "epochs": 12,
                "batch_size": 16,
                "optimizer": {"type": "adam", "learning_rate": 0.05},
            },
            "output": output,
            **more,
        }
    )


ROWS = np.random.default_rng(0).normal(size=(20, 2))


@pytest.mark.parametrize("calibration", ["temperature", "isotonic"])
def test_a_saved_run_predicts_the_same(calibration, tmp_path):
    spec = document({"calibration": calibration, "intervals": 0.8})
    result = specnet.run(spec, out=tmp_path / "run")
    loaded = specnet.load_run(tmp_path / "run")
    result.model.save(tmp_path / "one.specnet")
    copies = [loaded, specnet.load_model(tmp_path / "one.specnet"), copy.copy(loaded)]
    copies.append(pickle.loads(pickle.dumps(loaded)))
    for model in copies:
        np.testing.assert_array_equal(model.predict(ROWS), result.model.predict(ROWS))
        sets, expected = model.predict_sets(ROWS), result.model.predict_sets(ROWS)
        np.testing.assert_array_equal(sets.members, expected.members)
    plain = specnet.run(document({}))
    np.testing.assert_array_equal(plain.model.parameters.flat, loaded.parameters.flat)
    assert np.abs(plain.model.predict(ROWS) - loaded.predict(ROWS)).max() > 1e-3


def test_the_result_speaks_of_both(tmp_path):
    result = specnet.run(document(BOTH), out=tmp_path / "run")
    plain = specnet.run(document({}))
    stored = json.loads((tmp_path / "run/result.json").read_text())
    assert stored["uncertainty"] == result.uncertainty
    assert {split: dict(own) for split, own in plain.splits.items()} == stored["uncalibrated"]
    calibration = stored["uncertainty"]["calibration"]
    assert calibration["type"] == "temperature"
    assert calibration["log_loss"]["after"] < calibration["log_loss"]["before"]
    assert calibration["log_loss"]["after"] == pytest.approx(stored["splits"]["validation"]["loss"])
    assert calibration["log_loss"]["before"] == pytest.approx(stored["uncalibrated"]["validation"]["loss"])
    intervals = stored["uncertainty"]["intervals"]
    assert (intervals["level"], intervals["rows"], intervals["kind"]) == (0.8, 60, "sets")
    assert stored["splits"]["validation"]["coverage"] == pytest.approx(rank_of(0.8, 60) / 60)
    assert stored["splits"]["test"]["coverage"] == pytest.approx(0.8, abs=0.2)
    # The verdict is one on the network: a calibration on the validation rows would hide how it overfits.
    assert result.fit.why == f"before calibration, {plain.fit.why}"
    assert [dict(row) | {"seconds": 0} for row in result.history] == [
        dict(row) | {"seconds": 0} for row in plain.history
    ]


def test_intervals_alone_change_no_figure():
    result, plain = specnet.run(document({"intervals": 0.8})), specnet.run(document({}))
    for split, own in plain.splits.items():
        assert {name: result.splits[split][name] for name in own} == own
    assert result.uncalibrated == {}
    assert result.fit == plain.fit
    np.testing.assert_array_equal(result.model.predict(ROWS), plain.model.predict(ROWS))


def test_evaluations_are_those_of_the_calibrated_model(tmp_path):
    result = specnet.run(document(BOTH), out=tmp_path / "run")
    again = specnet.evaluate(tmp_path / "run")
    assert again.splits == result.splits
    assert again.uncertainty == result.uncertainty
    split = result.data.splits["test"]
    own = result.model.evaluate(result.data.encoding.raw_rows(split.inputs), split.targets)
    for name, figure in result.splits["test"].items():
        assert own.splits["data"][name] == pytest.approx(figure, rel=1e-9)


def test_training_events_end_with_the_calibrated_model():
    *_, ended = specnet.train(document(BOTH))
    result = specnet.run(document(BOTH))
    assert (ended.splits, ended.uncalibrated) == (result.splits, result.uncalibrated)
    np.testing.assert_array_equal(ended.model.predict(ROWS), result.model.predict(ROWS))


@pytest.mark.parametrize("stop", [3, 40, 60])
@pytest.mark.parametrize("ema", [None, 0.9])
def test_a_resumed_run_ends_the_same_to_the_bit(stop, ema, tmp_path):
    training = {"epochs": 12, "batch_size": 16, "ema_decay": ema, "early_stopping": {"patience": 8}}
    spec = document({"calibration": "isotonic", "intervals": 0.8}, training=training)
    whole = specnet.run(spec, out=tmp_path / "whole")
    cut = specnet.run(spec, out=tmp_path / "cut", stop=after(stop))
    assert cut.stopped == "interrupted"
    assert recorded(specnet.run(spec, resume=tmp_path / "cut")) == recorded(whole)


def test_a_finished_run_is_read_with_its_calibration(tmp_path):
    spec = document(BOTH)
    first = specnet.run(spec, out=tmp_path / "run")
    again = specnet.run(spec, resume=tmp_path / "run")
    assert (again.splits, again.uncalibrated) == (first.splits, first.uncalibrated)
    assert again.uncertainty == first.uncertainty
    np.testing.assert_array_equal(again.model.predict(ROWS), first.model.predict(ROWS))


@pytest.mark.parametrize("other", [{}, {"calibration": "isotonic", "intervals": 0.8}])
def test_another_calibration_is_another_experiment(other, tmp_path):
    specnet.run(document(BOTH), out=tmp_path / "run")
    with pytest.raises(specnet.RunError, match=r"`output\.calibration` is .*, and was temperature"):
        specnet.run(document(other), resume=tmp_path / "run")
    shown = document({**BOTH, "show": ["weights"]})
    assert specnet.run(shown, resume=tmp_path / "run").stopped == "completed"


def test_a_model_without_either_is_stored_as_before(tmp_path):
    specnet.run(document({}), out=tmp_path / "run")
    stored = read_model(tmp_path / "run/model.npz")
    assert stored.uncertainty is None
    assert "uncertainty" not in json.loads((tmp_path / "run/result.json").read_text())


DAMAGES = {
    "temperature": ({"calibrators": {"": {"temperature": -1.0}}}, r"`calibrators\..*temperature` .* greater than 0"),
    "level": ({"level": 2.0}, "`level` .* less than 1"),
    "thresholds": ({"intervals": {"": {"thresholds": [0.1, 0.2]}}}, "its intervals are of another output"),
    "output": ({"intervals": {"other": {"kind": "sets", "thresholds": [0.1]}}}, "no output `other`"),
    "more": ({"another": 1}, "`another` .* not permitted"),
}  # fmt: skip


def merged(table, changes):
    return {
        **table,
        **{k: merged(table.get(k, {}), v) if isinstance(v, dict) else v for k, v in changes.items()},
    }


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_reported(damage, tmp_path):
    specnet.run(document(BOTH), out=tmp_path / "run")
    path = tmp_path / "run/model.npz"
    stored = read_model(path)
    changes, message = DAMAGES[damage]
    damaged = merged(stored.uncertainty, changes)
    write_model(path, stored.parameters, stored.encoding, uncertainty=damaged)
    with pytest.raises(specnet.RunError, match=message):
        specnet.load_run(tmp_path / "run")


def test_a_network_that_diverges_fits_nothing():
    training = {"epochs": 20, "optimizer": {"type": "sgd", "learning_rate": 1e300}}
    result = specnet.run(document(BOTH, training=training))
    assert result.model.uncertainty is None
    assert (result.uncertainty, result.uncalibrated) == ({}, {})
    assert math.isnan(result.splits["test"]["loss"]) or result.splits["test"]["loss"] > 1e50


def test_folds_average_calibrated_models(tmp_path):
    spec = document({"calibration": "temperature"}, split={"validation": 0.25, "folds": 3})
    result = specnet.run(spec, out=tmp_path / "run")
    each = [fold.model.predict(ROWS) for fold in result.folds]
    np.testing.assert_allclose(result.model.predict(ROWS), np.mean(each, axis=0), rtol=1e-12)
    np.testing.assert_allclose(
        specnet.load_run(tmp_path / "run").predict(ROWS), np.mean(each, axis=0), rtol=1e-12
    )
    temperatures = [fold.uncertainty["calibration"]["temperature"] for fold in result.folds]
    assert len(set(temperatures)) == 3
    for fold in result.folds:
        assert fold.uncalibrated["test"]["loss"] != fold.splits["test"]["loss"]
    means = np.mean([fold.splits["test"]["loss"] for fold in result.folds])
    assert result.splits["test"]["loss"] == pytest.approx(means)
    # What is predicted out of the folds is calibrated, too.
    first = result.folds[0].model
    assert result.out_of_fold.predictions.shape == (240, 2)
    assert first.uncertainty.calibrators[""].rows == result.folds[0].uncertainty["calibration"]["rows"]
    with pytest.raises(ValueError, match="the model has no intervals: train it with"):
        result.model.predict_sets(ROWS)


def test_a_single_fold_may_have_intervals():
    spec = document({"intervals": 0.8}, split={"validation": 0.25, "folds": 3, "fold": 2})
    result = specnet.run(spec)
    assert 0.5 < result.splits["test"]["coverage"] <= 1


def test_rows_that_stay_in_files_are_calibrated_as_held_ones(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3)).astype(np.float32)
    y = (x[:, 0] + rng.normal(size=400) > 0).astype(np.int64)
    np.savez(tmp_path / "rows.npz", inputs=x, targets=y)
    results = []
    for load in ("whole", "batches"):
        data = {"type": "npz", "path": str(tmp_path / "rows.npz"), "split": {"validation": 0.3}, "load": load}
        results.append(specnet.run(document(BOTH, data=data)))
    held, streamed = results
    assert held.uncertainty == streamed.uncertainty
    assert held.splits == streamed.splits


def test_a_plan_without_data_needs_no_splits():
    from specnet.runs.compiling import network_of

    training = {"epochs": 2, "batch_size": 4, "early_stopping": {"patience": 1}}
    spec = document(BOTH, training=training, input_shape=[2])
    assert network_of(spec, data=False).size == network_of(spec).size


@pytest.mark.parametrize("calibration", ["temperature", "isotonic"])
def test_thresholds_are_chosen_for_calibrated_probabilities(calibration):
    from specnet.model.choosing import best_threshold

    layers = [{"type": "dense", "units": 12, "activation": "tanh"}, {"type": "dense", "units": 1}]
    asked = {"calibration": calibration, "threshold": "f1"}
    result = specnet.run(document(asked, loss="binary_cross_entropy", layers=layers))
    split = result.data.splits["validation"]
    p = result.model.predict(result.data.encoding.raw_rows(split.inputs))[:, 0]
    yes = split.targets.reshape(-1) > 0.5
    best = best_threshold(p, yes, np.ones(len(p)), "f1", 0.5)
    assert result.model.thresholds == {"prediction": pytest.approx(best)}
    plain = specnet.run(document({"threshold": "f1"}, loss="binary_cross_entropy", layers=layers))
    assert plain.model.thresholds != result.model.thresholds
    assert result.uncalibrated["test"] == plain.splits["test"]
