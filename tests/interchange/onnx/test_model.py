from __future__ import annotations

import numpy as np
import pytest

import specnet
from specnet.interchange.exporting import WRITERS, Exported
from specnet.interchange.numpy.rows import raw_splits
from specnet.vocabulary.activations import ACTIVATIONS
from tests.support.exports import SMALL, SPECS, session

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def agrees(spec, inputs, tmp_path, rtol=1e-4):
    result = specnet.run(spec, out=tmp_path / "run")
    WRITERS["onnx"](tmp_path / "made.onnx", Exported.of(tmp_path / "run"))
    onnx.checker.check_model(str(tmp_path / "made.onnx"), full_check=True)
    made = session(tmp_path / "made.onnx")
    assert made.get_inputs()[0].shape[0] == made.get_outputs()[0].shape[0] == "rows"
    for rows in (1, 7, len(inputs)):
        given = np.ascontiguousarray(inputs[:rows], spec.dtype)
        (found,) = made.run(None, {"inputs": given})
        expected = result.model.predict(given)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol / 10)
    return made


@pytest.mark.parametrize("name", SMALL)
def test_every_shipped_document_predicts_the_same(name, tmp_path):
    spec = specnet.load(SPECS / name, overrides={"training.epochs": 3})
    inputs = raw_splits(spec, spec.folder, specnet.run(spec).data)["train"][0]
    agrees(spec, inputs, tmp_path)


def test_mnist_predicts_the_same(tmp_path):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (30, 28, 28)).astype(np.uint8)
    np.savez(tmp_path / "mnist.npz", inputs=images, targets=rng.integers(0, 10, 30))
    data = {"type": "npz", "path": str(tmp_path / "mnist.npz")}
    document = specnet.load(SPECS / "mnist-mlp.toml")
    data["transforms"] = [t.model_dump(mode="json") for t in document.data.transforms]
    spec = specnet.load(
        SPECS / "mnist-mlp.toml", overrides={"data": data, "training.epochs": 1, "training.batch_size": 8}
    )
    made = agrees(spec, images, tmp_path)
    assert made.get_inputs()[0].shape == ["rows", 28, 28]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(ACTIVATIONS.kinds))
def test_every_activation_is_the_same(name, dtype, tmp_path):
    overrides = {"training.epochs": 1, "layers.0.activation": name, "dtype": dtype}
    spec = specnet.load(SPECS / "regression.toml", overrides=overrides)
    agrees(spec, np.linspace(-9.0, 9.0, 40)[:, np.newaxis], tmp_path)


TARGETS = """\
specnet = 1
name = "targets"
loss = "mse"
data = { type = "synthetic", kind = "sine", samples = 50, transforms = [
    { type = "minmax", range = [-1, 1] },
    { type = "standardize", on = "targets" },
    { type = "scale", factor = 3.0, offset = 1.0, on = "targets" },
    { type = "minmax", range = [0, 2], on = "targets" },
] }
[[layers]]
type = "dense"
units = 1
[training]
epochs = 2
"""


def test_targets_come_back_in_the_datas_units(tmp_path):
    agrees(specnet.load(TARGETS), np.linspace(-3.0, 3.0, 20)[:, np.newaxis], tmp_path)


def test_names_of_columns_and_classes_are_kept(tmp_path):
    WRITERS["onnx"](tmp_path / "iris.onnx", Exported.of(SPECS / "iris.toml"))
    notes = {entry.key: entry.value for entry in onnx.load(str(tmp_path / "iris.onnx")).metadata_props}
    assert notes["classes"].split("\n") == ["setosa", "versicolor", "virginica"]
    assert len(notes["features"].split("\n")) == 4


def test_equal_models_give_equal_files(tmp_path):
    for name in ("a", "b"):
        WRITERS["onnx"](tmp_path / name, Exported.of(SPECS / "iris.toml"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
