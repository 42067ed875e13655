"""Every kind of transform is the same in a program and in an ONNX file, on the inputs and on the targets."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.data.transforms import TRANSFORMS
from specnet.interchange.exporting import WRITERS, Exported, write_numpy
from tests.support.exports import bare, session

SETTINGS = {
    "standardize": [{}, {"per": "channel"}, {"per": "all"}],
    "minmax": [{}, {"range": [-1.5, 2]}],
    "robust_scale": [{}, {"per": "channel"}, {"per": "all"}],
    "scale": [{"factor": 0.25}, {"factor": -3.0, "offset": 0.5}, {}],
    "flatten": [{}],
    "reshape": [{"shape": [3, -1]}],
    "one_hot": [{"classes": 5}],
    "log1p": [{}],
    "log": [{}],
    "sqrt": [{}],
    "power": [{}, {"per": "channel"}, {"per": "all", "standardize": False}],
    "quantile": [{}, {"distribution": "normal", "per": "channel"}, {"quantiles": 3, "per": "all"}],
    "clip": [{}, {"min": 1.0}, {"max": 3.5}, {"min": 1.0, "max": 3.5}],
    "smooth_clip": [{"limit": 6.0}, {}],
    "bin": [{"bins": 3}, {"bins": 4, "strategy": "uniform", "per": "channel"}, {"per": "all"}],
}
ROWS = [
    {"type": kind, "on": on, **settings}
    for kind, each in SETTINGS.items()
    for settings in each
    for on in ("inputs", "targets")
    if (kind, on) != ("one_hot", "targets")
]


def test_no_kind_is_left_out():
    assert set(SETTINGS) == set(TRANSFORMS.kinds)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_exports_predict_the_same(row, tmp_path):
    rng = np.random.default_rng(2)
    inputs, targets = rng.integers(0, 5, (40, 2, 3)), rng.normal(3, 2, (40, 2, 3))
    if row["type"] in ("log", "log1p", "sqrt"):
        inputs, targets = inputs + 1, np.exp(targets / 2)
    np.savez(tmp_path / "rows.npz", inputs=inputs, targets=targets)
    last = [{"type": "reshape", "shape": [2, 3], "on": "inputs"}] if row["on"] == "targets" else []
    plain = {
        "specnet": 1,
        "name": "made",
        "loss": "mse",
        "data": {"type": "npz", "path": "rows.npz", "transforms": [row, *last]},
        "layers": [
            {"type": "flatten"},
            {"type": "dense", "units": 6},
            {"type": "reshape", "shape": {"flatten": [6], "reshape": [3, 2]}.get(row["type"], [2, 3])}
            if row["on"] == "targets"
            else {"type": "reshape", "shape": [2, 3]},
        ],
        "training": {"epochs": 1},
    }
    (tmp_path / "made.json").write_text(json.dumps(plain))
    result = specnet.run(specnet.load(tmp_path / "made.json"), out=tmp_path / "run")
    expected = result.model.predict(inputs)
    assert expected.shape == targets.shape
    source = Exported.of(tmp_path / "run")
    write_numpy(tmp_path / "made.py", source, training=False)
    np.testing.assert_allclose(
        bare(tmp_path / "made.py", inputs)["predicted"], expected, rtol=1e-5, atol=1e-5
    )
    pytest.importorskip("onnx")
    WRITERS["onnx"](tmp_path / "made.onnx", source)
    (found,) = session(tmp_path / "made.onnx").run(None, {"inputs": inputs.astype(np.float32)})
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
