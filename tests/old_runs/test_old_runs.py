"""Runs that earlier versions saved give what those versions said of them; README.md tells how they were made."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from tests.support.command_line import environment, run_command

FOLDER = Path(__file__).parent
CASES = sorted(path.parent.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*/expected.json"))
ENDED_EARLY = {"interrupted", "killed"}
FINISHED = [case for case in CASES if Path(case).name not in ENDED_EARLY | {"archive"}]
UNFINISHED = [case for case in CASES if Path(case).name in ENDED_EARLY]


class Case:
    """A copy of a case's folder, so that nothing is written into the one that is kept."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = Path(name).name
        self.folder = Path(shutil.copytree(FOLDER / name, folder / self.name))
        self.expected: dict[str, Any] = json.loads((self.folder / "expected.json").read_text())
        self.run = self.folder / ("run.specnet" if self.name == "archive" else "run")
        self.rows: str = self.expected["predict"]["rows"]
        # A sum in float32 may round otherwise on another processor.
        self.tolerance = 1e-4 if self.name == "images" else 1e-9

    def __call__(self, *arguments: str) -> str:
        """Return what a command prints, given where the run was made: paths are as the run has them."""
        done = run_command(arguments, self.folder, environment())
        assert done.returncode == 0, done.stderr
        return done.stdout

    def check(self, found: Any, expected: Any) -> None:
        """Compare plain data with what the old version printed."""
        if isinstance(expected, dict):
            assert list(found) == list(expected)
            for key, value in expected.items():
                self.check(found[key], value)
        elif isinstance(expected, list):
            assert len(found) == len(expected)
            for mine, theirs in zip(found, expected, strict=True):
                self.check(mine, theirs)
        elif isinstance(expected, float):
            assert found == pytest.approx(expected, rel=self.tolerance, abs=self.tolerance)
        else:
            assert found == expected

    def check_arrays(self, found: Any) -> None:
        """Compare a model's predictions, an array or one for each output, with the lines of the old version."""
        lines = self.expected["predict"]["predictions"]
        if not isinstance(found, dict):
            lines, found = [{"": line} for line in lines], {"": found}
        for name, array in found.items():
            expected = np.array([_numbers(line[name]) for line in lines])
            np.testing.assert_allclose(
                np.reshape(array, expected.shape), expected, self.tolerance, self.tolerance
            )

    def cells(self) -> Any:
        """Return the rows that were predicted, as `model.predict` takes them: pixels, or a table's features."""
        path = self.folder / self.rows
        if path.is_dir():
            image = pytest.importorskip("PIL.Image")
            pictures = [np.asarray(image.open(file), np.float64) for file in sorted(path.glob("*/*.png"))]
            return np.stack(pictures)[..., None]
        with path.open(encoding="utf-8", newline="") as file:
            table = list(csv.DictReader(file))
        resolved = FOLDER / "0.1.0" / "csv" / "run" if self.name == "archive" else self.run
        data = json.loads((resolved / "resolved.json").read_text())["spec"]["data"]
        names = data["features"] or [name for name in table[0] if name != data["target"]]
        return [[_cell(row[name]) for name in names] for row in table]


def _cell(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text or None


def _numbers(line: dict[str, Any]) -> list[float]:
    """Return the numbers of a predicted row: of classes the probabilities."""
    found = line.get("probabilities", line["prediction"])
    return list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else [found]


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    if "images" in request.param:
        pytest.importorskip("PIL")
    return Case(request.param, tmp_path)


def cases(names: list[str]) -> Any:
    return pytest.mark.parametrize("case", names, indirect=True)


def test_there_are_all_cases() -> None:
    names = {"csv", "outputs", "images", "streamed", "load-whole", "interrupted", "killed", "archive"}
    assert {Path(case).name for case in CASES} == names


@cases(FINISHED)
def test_evaluate(case: Case) -> None:
    found = json.loads(case("evaluate", "run", "--output", "json"))
    case.check(found["splits"], case.expected["splits"])


def test_evaluate_an_archive_on_a_file(tmp_path: Path) -> None:
    case = Case("0.1.0/archive", tmp_path)
    found = json.loads(case("evaluate", "run.specnet", "rows.csv", "--output", "json"))
    case.check(found, case.expected["evaluate"])


@cases([*FINISHED, "0.1.0/archive"])
def test_predict(case: Case) -> None:
    lines = case("predict", case.run.name, case.rows, "--output", "jsonl").splitlines()
    case.check([json.loads(line) for line in lines], case.expected["predict"]["predictions"])


@cases([*FINISHED, "0.1.0/archive"])
def test_load_run(case: Case) -> None:
    case.check_arrays(specnet.load_run(case.run).predict(case.cells()))


@cases(FINISHED)
def test_report(case: Case) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    case("report", "run")
    page = (case.run / "report.html").read_text(encoding="utf-8")
    result = json.loads((case.run / "result.json").read_text())
    assert f"{result['splits']['train']['loss']:.4g}" in page
    assert " left out: " not in page  # as what needs a model or data that cannot be read is


@cases([*FINISHED, "0.1.0/archive"])
def test_export_a_program(case: Case) -> None:
    scope: dict[str, Any] = {}
    exec(case("export", case.run.name, "--to", "numpy"), scope)
    case.check_arrays(scope["predict"](case.cells()))


@cases([*FINISHED, "0.1.0/archive"])
def test_export_one_file(case: Case) -> None:
    case("export", case.run.name, "--to", "specnet", "-o", "again.specnet")
    case.check_arrays(specnet.load_run(case.folder / "again.specnet").predict(case.cells()))
    with zipfile.ZipFile(case.folder / "again.specnet") as archive:
        specnet.load(json.dumps(json.loads(archive.read("resolved.json"))["spec"]))


@cases([*FINISHED, "0.1.0/archive"])
def test_export_safetensors(case: Case) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    case("export", case.run.name, "--to", "safetensors", "-o", "a.safetensors")
    found = numpy.load_file(case.folder / "a.safetensors")
    for name, array in specnet.load_run(case.run).parameters.items():
        np.testing.assert_array_equal(found[name], array)


@cases([*FINISHED, "0.1.0/archive"])
def test_export_onnx(case: Case) -> None:
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    case("export", case.run.name, "--to", "onnx", "-o", "a.onnx")
    onnx.checker.check_model(onnx.load(case.folder / "a.onnx"), full_check=True)
    session = runtime.InferenceSession(case.folder / "a.onnx", providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    rows = case.cells()
    if any(isinstance(cell, str | None) for cell in rows[0]) or case.name == "outputs":
        return  # a table's cells become numbers before they enter an ONNX file
    kind = np.float32 if given.type == "tensor(float)" else np.float64
    case.check_arrays(session.run(None, {given.name: np.array(rows, kind)})[0])


@cases(UNFINISHED)
def test_resume(case: Case) -> None:
    result = json.loads(case("run", "document.toml", "--resume", "run", "--quiet", "--output", "json"))
    case.check(result["splits"], case.expected["splits"])
    assert result["stopped"] == case.expected["stopped"]
    with np.load(case.folder / "expected.npz") as expected, np.load(case.run / "model.npz") as found:
        for name in expected.files:
            np.testing.assert_allclose(found[name], expected[name], case.tolerance, 1e-12)
    case.check_arrays(specnet.load_run(case.run).predict(case.cells()))


@cases(FINISHED)
def test_resume_what_is_finished(case: Case) -> None:
    before = {path: path.read_bytes() for path in case.run.rglob("*") if path.is_file()}
    result = json.loads(case("run", "document.toml", "--resume", "run", "--quiet", "--output", "json"))
    # Before there was another engine, none was named.
    assert result == {"engine": "numpy", **json.loads((case.run / "result.json").read_text())}
    assert {path: path.read_bytes() for path in case.run.rglob("*") if path.is_file()} == before
