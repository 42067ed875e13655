"""Losses from the document to the saved run: what they train, measure, predict and export."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from rich.console import Console

import specnet
from specnet.cli.shown import show_asked
from specnet.interchange.exporting import WRITERS, Exported, write_numpy
from specnet.runs.predicting import readings
from tests.support.exports import bare

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
    "triplet": ({"type": "triplet", "mining": "all"}, MOONS, 2),
    "semi_hard": ({"type": "triplet", "margin": 0.5}, MOONS, 3),
    "hard": ({"type": "triplet", "mining": "hard"}, MOONS, 2),
    "contrastive": ({"type": "contrastive"}, MOONS, 2),
    "gaussian_nll": ({"type": "gaussian_nll", "full": True}, TWO, 2),
}


def document(loss, data, units, **training):
    layers = [{"type": "dense", "units": 6, "activation": "tanh"}, {"type": "dense", "units": units}]
    split = {"validation": 0.25}
    # A common offset of embeddings costs nothing: its gradient is rounding alone, of which adam makes steps.
    moved = loss["type"] in ("triplet", "contrastive")
    optimizer = {"type": "sgd", "learning_rate": 0.1} if moved else {"type": "adam", "learning_rate": 0.02}
    training = {"epochs": 4, "batch_size": 8, "optimizer": optimizer} | training
    base = {"specnet": 1, "name": "a", "dtype": "float64", "loss": loss, "data": data | {"split": split}}
    return specnet.load(json.dumps(base | {"layers": layers, "training": training}))


@pytest.mark.parametrize("name", CASES)
def test_a_run_learns_and_its_exports_agree(name, tmp_path):
    spec = document(*CASES[name])
    result = specnet.run(spec, out=tmp_path / "run")
    losses = [row["train"]["loss"] for row in result.history]
    assert losses[-1] < losses[0] or spec.loss.targets == "groups"
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


@pytest.mark.parametrize("batch_size", [8, 20, "full"])
@pytest.mark.parametrize("name", ["triplet", "contrastive"])
def test_embeddings_are_measured_in_batches_of_the_training(name, batch_size, tmp_path):
    spec = document(*CASES[name], batch_size=batch_size)
    result = specnet.run(spec, out=tmp_path / "run")
    for split, rows in result.data.splits.items():
        size = len(rows) if batch_size == "full" else batch_size
        total = 0.0
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            loss, _ = result.model.loss_and_gradients(rows.inputs[part], rows.targets[part])
            total += loss * len(rows.targets[part])
        assert result.splits[split]["loss"] == pytest.approx(total / len(rows), 1e-10)
        assert set(result.splits[split]) == {"loss"}


def test_embeddings_are_shown_and_predicted_as_numbers(tmp_path):
    document_ = document(*CASES["semi_hard"]).model_dump(exclude_unset=True)
    spec = specnet.load(json.dumps({**document_, "output": {"show": ["predictions"]}}))
    file = io.StringIO()
    result = specnet.run(spec, out=tmp_path / "run")
    show_asked(Console(file=file, width=200), result)
    assert "prediction 2" in file.getvalue()
    assert "read as" not in file.getvalue()
    assert readings(result.model)[""].head == ["prediction_0", "prediction_1", "prediction_2"]


@pytest.mark.parametrize("name", ["semi_hard", "gaussian_nll", "cosine_similarity", "dice"])
def test_a_report_is_made_of_every_kind_of_targets(name, tmp_path):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    from specnet.reporting.html.page import write_report

    specnet.run(document(*CASES[name]), out=tmp_path / "run")
    page = write_report(tmp_path / "run").read_text("utf-8")
    assert ("Predictions of the" in page) == (name != "semi_hard")


@pytest.mark.parametrize("name", ["triplet", "semi_hard", "hard", "contrastive"])
def test_embeddings_learn_to_separate_classes(name):
    """Rows of different classes lie farther apart than those of one, by more than before the training."""
    result = specnet.run(document(*CASES[name], epochs=60))
    rows = result.data.splits["train"]
    same = rows.targets[:, None] == rows.targets[None]

    def contrast(model):
        places = model.forward(rows.inputs)
        apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
        return apart[~same].mean() / apart[same].mean()

    assert contrast(result.model) > contrast(specnet.compile(document(*CASES[name])))
    assert result.splits["train"]["loss"] < next(iter(result.history))["train"]["loss"]


def test_a_gaussian_predicts_and_is_measured_by_its_means(tmp_path):
    """In the data's units, though the network sees standardized targets."""
    spec = document(*CASES["gaussian_nll"], epochs=60)
    result = specnet.run(spec, out=tmp_path / "run")
    split, model = result.data.splits["validation"], result.model
    assert model.network.outputs[""].loss_shape == (2,)
    assert model.network.outputs[""].shape == (1,)
    targets = result.data.encoding.decode(split.targets)
    predictions = result.data.encoding.decode(model.forward(split.inputs))
    assert predictions.shape == (len(split), 1)
    rmse = np.sqrt(np.mean((predictions.ravel() - targets.ravel()) ** 2))
    assert result.splits["validation"]["rmse"] == pytest.approx(rmse)
    assert set(result.splits["validation"]) == {"loss", "rmse", "r2"}
    assert result.splits["validation"]["r2"] > 0.5
