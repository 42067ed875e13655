"""Networks of images and sequences as programs of NumPy alone, and as ONNX."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.interchange.exporting import WRITERS, Exported, write_numpy
from tests.support.exports import bare, session
from tests.support.image_networks import DENSE, NETWORKS


@pytest.fixture(params=NETWORKS)
def finished(request, tmp_path):
    """A short training of each network: the folder of the run, its result, and some rows."""
    shape, layers = NETWORKS[request.param]
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(10, *shape))
    np.savez(tmp_path / "data.npz", inputs=inputs, targets=rng.normal(size=(10, 2)))
    document = {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "npz", "path": str(tmp_path / "data.npz")},
        "layers": [*layers, {"type": "flatten"}, DENSE],
        "loss": "mse",
        "training": {"epochs": 2, "batch_size": 4},
    }
    result = specnet.run(specnet.load(json.dumps(document)), out=tmp_path / "run")
    return tmp_path, result, inputs


def test_a_program_of_numpy_alone_trains_and_predicts_the_same(finished):
    folder, result, inputs = finished
    write_numpy(folder / "made.py", Exported.of(folder / "run"), training=True)
    found = bare(folder / "made.py", inputs)
    np.testing.assert_allclose(found["predicted"], result.model.predict(inputs), 1e-10)
    for name, expected in result.model.parameters.items():
        np.testing.assert_allclose(found[name.replace(".", "_")], expected, 1e-9, 1e-12, err_msg=name)


def test_onnx_predicts_the_same(finished):
    """To single precision, which is all that the runtime has of convolutions."""
    onnx = pytest.importorskip("onnx")
    folder, result, inputs = finished
    WRITERS["onnx"](folder / "made.onnx", Exported.of(folder / "run"))
    onnx.checker.check_model(str(folder / "made.onnx"), full_check=True)
    for rows in (1, 10):
        (found,) = session(folder / "made.onnx").run(None, {"inputs": inputs[:rows]})
        np.testing.assert_allclose(found, result.model.predict(inputs[:rows]), 1e-4, 1e-5)
