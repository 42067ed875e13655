"""Losses from the document to the saved run: what they train, measure, predict and export."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.runs.exports.exporting import WRITERS, Exported, write_numpy
from tests.runs.exports.support import bare

MOONS = {"type": "synthetic", "kind": "moons", "samples": 60, "noise": 0.2}
TWO = {
    "type": "synthetic", "kind": "sine", "samples": 60,
    "transforms": [{"type": "standardize", "on": "targets"}],
}  # fmt: skip


def pairs():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    return {"type": "inline", "inputs": x.tolist(), "targets": (x @ rng.normal(size=(3, 2))).tolist()}


CASES = {
    "focal": ({"type": "focal", "class_weights": [0.5, 2.0], "gamma": 1.5}, MOONS, 2),
    "binary_focal": ({"type": "binary_focal", "alpha": 0.4}, MOONS, 1),
    "dice": ({"type": "dice"}, MOONS, 2),
    "binary_dice": ({"type": "binary_dice", "squared": True}, MOONS, 1),
    "cosine_similarity": ({"type": "cosine_similarity"}, pairs(), 2),
    "gaussian_nll": ({"type": "gaussian_nll", "full": True}, TWO, 2),
}


def document(loss, data, units, **training):
    layers = [{"type": "dense", "units": 6, "activation": "tanh"}, {"type": "dense", "units": units}]
    split = {"validation": 0.25}
    training = {"epochs": 4, "batch_size": 8, "optimizer": {"type": "adam", "learning_rate": 0.02}} | training
    base = {"specnet": 1, "name": "a", "dtype": "float64", "loss": loss, "data": data | {"split": split}}
    return specnet.load(json.dumps(base | {"layers": layers, "training": training}))


@pytest.mark.parametrize("name", CASES)
def test_a_run_learns_and_its_exports_agree(name, tmp_path):
    spec = document(*CASES[name])
    result = specnet.run(spec, out=tmp_path / "run")
    losses = [row["train"]["loss"] for row in result.history]
    assert losses[-1] < losses[0]
    assert set(result.splits["validation"]) == {"loss", *spec.loss.default_metrics}
    again = specnet.evaluate(tmp_path / "run").splits
    assert again["validation"] == pytest.approx(result.splits["validation"])
    assert result.fit is not None

    source = Exported.of(tmp_path / "run")
    write_numpy(tmp_path / "made.py", source, training=True)
    rows = np.random.default_rng(1).normal(size=(9, *result.model.network.signature.inputs))
    found = bare(tmp_path / "made.py", rows)
    for parameter, array in result.model.parameters.items():
        np.testing.assert_allclose(found[parameter.replace(".", "_")], array, 1e-9, 1e-9)
    np.testing.assert_allclose(found["predicted"], result.model.predict(rows), 1e-9)


@pytest.mark.parametrize("name", CASES)
def test_onnx_predicts_the_same(name, tmp_path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    result = specnet.run(document(*CASES[name], epochs=1), out=tmp_path / "run")
    WRITERS["onnx"](tmp_path / "made.onnx", Exported.of(tmp_path / "run"))
    made = runtime.InferenceSession(str(tmp_path / "made.onnx"), providers=["CPUExecutionProvider"])
    rows = np.random.default_rng(1).normal(size=(9, *result.model.network.signature.inputs))
    (found,) = made.run(None, {"inputs": rows})
    np.testing.assert_allclose(found, result.model.predict(rows), 1e-9, 1e-12)


def test_a_gaussian_predicts_and_is_measured_by_its_means(tmp_path):
    """In the data's units, though the network sees standardized targets."""
    spec = document(*CASES["gaussian_nll"], epochs=60)
    result = specnet.run(spec, out=tmp_path / "run")
    split, model = result.data.splits["validation"], result.model
    assert model.network.output_shape == (2,)
    assert model.network.prediction_shape == (1,)
    targets = result.data.encoding.decode(split.targets)
    predictions = result.data.encoding.decode(model.forward(split.inputs))
    assert predictions.shape == (len(split), 1)
    rmse = np.sqrt(np.mean((predictions.ravel() - targets.ravel()) ** 2))
    assert result.splits["validation"]["rmse"] == pytest.approx(rmse)
    assert set(result.splits["validation"]) == {"loss", "rmse", "r2"}
    assert result.splits["validation"]["r2"] > 0.5
