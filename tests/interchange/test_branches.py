"""Networks that branch, and those with several outputs, as programs and as ONNX."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import specnet
from specnet.interchange.exporting import Exported, write_numpy

RNG = np.random.default_rng(5)
INPUTS = RNG.normal(size=(30, 3)) * [1, 10, 100]
TARGETS = 50 + 20 * INPUTS[:, :1]
STANDARD = {"type": "standardize"}
BRANCHES = [
    {"type": "dense", "units": 4, "name": "stem", "activation": "tanh"},
    {
        "type": "residual",
        "layers": [{"type": "dense", "units": 4, "activation": "relu"}, {"type": "dense", "units": 4}],
    },
    {
        "type": "parallel",
        "layers": [
            {"type": "dense", "units": 2},
            {
                "type": "sequential",
                "repeat": 2,
                "layers": [{"type": "dense", "units": 3, "activation": "tanh"}],
            },
        ],
    },
    {"type": "concat", "inputs": ["parallel_1", "stem", "input"]},
]
DOCUMENTS = {
    "branches": {"layers": [*BRANCHES, {"type": "dense", "units": 1}], "loss": "mse"},
    "outputs": {
        "layers": [
            *BRANCHES,
            {"type": "dense", "units": 1, "name": "price"},
            {"type": "dense", "units": 3, "inputs": ["stem"], "name": "back"},
            {"type": "dense", "units": 1, "inputs": ["stem"], "name": "wide"},
        ],
        "outputs": {
            "price": {"loss": "mse"},
            "back": {"target": "inputs", "loss": "mae"},
            "wide": {"loss": "huber", "weight": 0.5},
        },
    },
}


@pytest.fixture(params=DOCUMENTS)
def run(request, tmp_path):
    data = {
        "type": "inline",
        "inputs": INPUTS.tolist(),
        "targets": TARGETS.tolist(),
        "transforms": [STANDARD, {**STANDARD, "on": "targets"}],
    }
    document = {
        "specnet": 1,
        "name": request.param,
        "dtype": "float64",
        "data": data,
        **DOCUMENTS[request.param],
    }
    training = {"epochs": 4, "batch_size": 10, "optimizer": "adam"}
    specnet.run(specnet.load(json.dumps({**document, "training": training})), out=tmp_path / "run")
    return tmp_path / "run"


def by_output(made):
    return made if isinstance(made, dict) else {"predictions": made}


def same(ours, theirs, tolerance):
    assert list(ours) == list(theirs)
    for name, array in ours.items():
        np.testing.assert_allclose(theirs[name], array, tolerance, 1e-9)


def program(path, ending):
    script = f"import runpy, numpy as np\nmade = runpy.run_path({str(path)!r})\n{ending}"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=path.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("training", [False, True])
def test_a_program_predicts_the_same(run, tmp_path, training):
    write_numpy(tmp_path / "program.py", Exported.of(run), training=training)
    ending = (
        f"out = made['predict'](np.array({INPUTS[:5].tolist()}))\n"
        "out = out if isinstance(out, dict) else {'predictions': out}\n"
        "import json; print(json.dumps({k: np.asarray(v).tolist() for k, v in out.items()}))"
    )
    got = {name: np.array(rows) for name, rows in program(tmp_path / "program.py", ending).items()}
    same(by_output(specnet.load_run(run).predict(INPUTS[:5])), got, 1e-9)


def test_onnx_predicts_the_same(run, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    from specnet.interchange.onnx.model import write_onnx

    model = specnet.load_run(run)
    write_onnx(tmp_path / "model.onnx", model)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    got = dict(zip(names, session.run(None, {"inputs": INPUTS}), strict=True))
    same(by_output(model.predict(INPUTS)), got, 1e-9)


def test_predict_writes_every_output(run, tmp_path):
    from specnet.cli.predict import predict

    np.savez(tmp_path / "new.npz", inputs=INPUTS[:4])
    for form in ("csv", "jsonl", "npz"):
        out = tmp_path / f"made.{form}"
        assert predict([str(run)], str(tmp_path / "new.npz"), out=str(out)) == 0
    made = by_output(specnet.load_run(run).predict(INPUTS[:4]))
    lines = [json.loads(line) for line in (tmp_path / "made.jsonl").read_text().splitlines()]
    head = (tmp_path / "made.csv").read_text().splitlines()[0]
    arrays = np.load(tmp_path / "made.npz")
    if list(made) == ["predictions"]:
        assert head == "prediction"
        assert [line["prediction"] for line in lines] == made["predictions"][:, 0].tolist()
        return
    assert head == "price.prediction,back.prediction_0,back.prediction_1,back.prediction_2,wide.prediction"
    assert [line["price"]["prediction"] for line in lines] == made["price"][:, 0].tolist()
    assert set(arrays) == {"price.predictions", "back.predictions", "wide.predictions"}
    for name, array in made.items():
        np.testing.assert_array_equal(arrays[f"{name}.predictions"], array)
