"""What `init` writes in either style: all that is done with other networks, and the time that it takes."""

from __future__ import annotations

import runpy
import tomllib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.data.formats.csv.survey import survey
from specnet.interchange.exporting import WRITERS, Exported, write_numpy
from specnet.reporting.drafting import draft
from specnet.reporting.first_model import LEAST_EPOCHS, SECONDS, FirstModel
from tests.support.exports import session
from tests.support.resuming import after

COUNT = 60
FEW = {"training.epochs": 3, "training.early_stopping.patience": 2}
ROWS = [[0.3, -1.2, "red", 1], [1.7, 0.1, "blue", 3]]
ENCODED = [[0.3, -1.2, 0, 0, 1, 1], [1.7, 0.1, 1, 0, 0, 3]]


def table(folder: Path, task: str) -> Path:
    draws = np.random.default_rng(0)
    a, b = draws.normal(size=(2, COUNT)).round(3)
    kinds = draws.choice(["red", "green", "blue"], COUNT)
    targets = np.where(a + (kinds == "red") > 0, "yes", "no") if task == "classes" else (a * b).round(4)
    cells = zip(a, b, kinds, targets, strict=True)
    lines = [f"{x},{y},{kind},{1 + n % 3},{target}" for n, (x, y, kind, target) in enumerate(cells)]
    path = folder / "t.csv"
    path.write_text("\n".join(["a,b,kind,weight,y", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(params=[("classes", "quick"), ("numbers", "best")], ids=" ".join)
def document(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    task, style = request.param
    path = table(tmp_path, task)
    path.with_suffix(".toml").write_text(draft(survey(path), "y", path, style).text, encoding="utf-8")
    return path.with_suffix(".toml")


def test_everything_holds_for_what_init_writes(document: Path, tmp_path: Path) -> None:
    assert not specnet.validate(document).diagnostics
    spec = specnet.load(document, FEW)
    assert [layer.type for layer in spec.layers] == ["periodic_embedding", "ensemble"]
    result = specnet.run(spec, out=tmp_path / "run")
    wanted = result.model.predict(ROWS)

    specnet.run(spec, out=tmp_path / "stopped", stop=after(3))
    resumed = specnet.run(spec, resume=tmp_path / "stopped")
    for name, values in result.model.parameters.items():
        np.testing.assert_array_equal(resumed.model.parameters[name], values, err_msg=name)

    assert all(check.ok for check in specnet.check_gradients(spec))
    exported = Exported.of(tmp_path / "run")
    write_numpy(tmp_path / "program.py", exported, training=False)
    program = runpy.run_path(str(tmp_path / "program.py"))
    program["stored"].close()
    np.testing.assert_allclose(program["predict"](ROWS), wanted, rtol=1e-5)
    if find_spec("numba") is not None:
        compiled = specnet.run(spec, engine="numba")
        np.testing.assert_allclose(compiled.model.predict(ROWS), wanted, rtol=1e-4)
    if find_spec("onnx") is not None and find_spec("onnxruntime") is not None:
        WRITERS["onnx"](tmp_path / "model.onnx", exported)
        found = session(tmp_path / "model.onnx").run(None, {"inputs": np.array(ENCODED, np.float32)})[0]
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_rows_may_have_weights_and_folds(document: Path) -> None:
    plain = tomllib.loads(document.read_text(encoding="utf-8"))
    plain["data"] |= {"path": str(document.with_suffix(".csv")), "weight": "weight"}
    plain["data"]["split"] = {"folds": 2, "validation": 0.2}
    plain["training"] |= {"epochs": 1}
    result = specnet.run(plain)
    assert len(result.folds) == 2


@pytest.mark.parametrize("style", SECONDS)
@pytest.mark.parametrize("rows", [50, 1_000, 10_000, 100_000])
@pytest.mark.parametrize("columns", [2, 20, 500])
def test_large_tables_get_what_there_is_time_for(style, rows: int, columns: int) -> None:
    first = FirstModel(rows, columns, columns, "classes", style)
    taken = first.epochs * first.epoch_seconds
    assert taken <= SECONDS[style] or first.epochs == LEAST_EPOCHS
    if rows <= 10_000 and columns <= 20:
        assert first.embedded
        assert first.members > 1
        assert taken <= SECONDS[style]
