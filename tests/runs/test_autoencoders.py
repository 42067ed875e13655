"""Networks whose targets are their inputs: trained, measured, predicted with and exported."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.interchange.exporting import WRITERS, Exported, numpy_program, write_numpy
from specnet.model.plans import plan_training
from specnet.model.training_memory import memory
from specnet.runs.predicting import PredictedRows, readings
from specnet.runs.prediction_files import write_csv
from tests.support.exports import SPECS, bare

SPEC = """
specnet = 1
name = "again"
dtype = "float64"
metrics = ["rmse"]
loss = "mse"
layers = [{ type = "dropout", rate = 0.25 }, { type = "dense", units = 2 }, { type = "dense", units = 4 }]
training = { epochs = 4, batch_size = 10, optimizer = "adam" }

[data]
type = "csv"
path = "f.csv"
target = "inputs"
scale = "minmax"
split = { test = 0.25 }
transforms = [{ type = "scale", factor = 2.0 }]
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rng = np.random.default_rng(4)
    rows = "".join(f"{a:.6f},{a * a:.6f},{'uv'[int(a > 0)]}\n" for a in rng.normal(size=40) * 100)
    (tmp_path / "f.csv").write_text(f"a,b,c\n{rows}")
    (tmp_path / "s.toml").write_text(SPEC)
    specnet.run(specnet.load(tmp_path / "s.toml"), out=tmp_path / "run")
    return tmp_path / "run"


def test_measured_in_the_units_of_the_model(run: Path) -> None:
    result = specnet.run(specnet.load(run.parent / "s.toml"))
    for name, split in result.data.splits.items():
        error = result.model.forward(split.inputs) - split.inputs
        by_column = np.sqrt(np.mean(error**2, axis=0))
        assert result.splits[name]["rmse"] == pytest.approx(by_column.mean(), rel=1e-12)
    assert specnet.evaluate(run).splits == result.splits


def test_measured_on_other_rows(run: Path) -> None:
    own = specnet.evaluate(run)
    cells = list(csv.reader((run.parent / "f.csv").read_text().splitlines()))[1:]
    for data in (run.parent / "f.csv", cells):
        whole = specnet.evaluate(run, data)
        assert whole.rows == {"data": 40}
        loss = sum(own.splits[name]["loss"] * own.rows[name] for name in own.splits) / 40
        assert whole.splits["data"]["loss"] == pytest.approx(loss, rel=1e-12)


def test_predictions_are_named_and_scaled_as_the_inputs(run: Path) -> None:
    model = specnet.load_run(run)
    rows = [[50.0, 2500.0, "v"], [-20.0, 400.0, "u"]]
    found = model.predict(rows)
    scaled = model.forward(model.encoding.encode(rows))
    np.testing.assert_allclose(model.encoding.inputs.apply(found), scaled, rtol=1e-12)
    file = io.StringIO()
    write_csv(file, readings(model), iter([PredictedRows({"": found}, None)]), files=False)
    assert file.getvalue().splitlines()[0] == "a,b,c=u,c=v"


def test_exports_reproduce_the_same(run: Path) -> None:
    scope: dict = {}
    exec(numpy_program(Exported.of(run), training=False, beside=None).text, scope)
    model = specnet.load_run(run)
    rows = [[50.0, 2500.0, "v"], [-20.0, 400.0, "u"]]
    np.testing.assert_allclose(scope["predict"](rows), model.predict(rows), rtol=1e-12)
    write_numpy(run.parent / "made.py", Exported.of(run), training=True)
    kernel = bare(run.parent / "made.py")["dense_2_kernel"]
    np.testing.assert_allclose(kernel, model.parameters["dense_2.kernel"], rtol=1e-9)


def test_onnx_reproduces_the_same(run: Path) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    WRITERS["onnx"](run.parent / "made.onnx", Exported.of(run))
    made = runtime.InferenceSession(str(run.parent / "made.onnx"), providers=["CPUExecutionProvider"])
    raw = np.array([[50.0, 2500.0, 0.0, 1.0], [-20.0, 400.0, 1.0, 0.0]])
    (found,) = made.run(None, {"inputs": raw})
    expected = specnet.load_run(run).predict([[50.0, 2500.0, "v"], [-20.0, 400.0, "u"]])
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_classes_are_dropped(run: Path) -> None:
    path = run.parent / "s.toml"
    path.write_text(SPEC.replace('"mse"', '"cross_entropy"'))
    (found,) = specnet.validate(path).diagnostics
    assert (found.code, found.path) == ("SN401", ("loss",))
    assert "and the targets are the inputs" in found.message


def test_the_data_are_counted_once() -> None:
    spec = specnet.load(SPECS / "denoising-autoencoder.toml")
    model = specnet.compile(spec)
    rows = model.network.signature.rows
    parts = memory(model.network, plan_training(model.network, rows, units=False), rows)
    assert parts["data"] == 1797 * 64 * 4


def test_the_example_restores_what_it_does_not_see() -> None:
    result = specnet.run(specnet.load(SPECS / "denoising-autoencoder.toml"))
    assert result.fit.verdict == "good"
    clean = result.data.splits["test"].inputs
    seen = np.random.default_rng(0).random(clean.shape) >= 0.2
    noisy = np.where(seen, clean, 0.0).astype(clean.dtype) / 0.8
    gone = (result.model.forward(noisy) - clean)[~seen]
    assert np.mean(gone**2) < 0.3 * np.mean(clean[~seen] ** 2)
