"""Commands on a run of a table with a text column."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

import specnet as package
from tests.support.command_line import Specnet

SPEC = Path(__file__).parents[2] / "specs" / "reviews.toml"
ROWS = [
    {"text": "It is not sturdy.", "price": 12, "shop": "desk"},
    {"text": None, "price": 30.5, "shop": "kitchen"},
    {"text": 'Völlig "anders",\nand it is quiet', "price": 99, "shop": "outdoor"},
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "reviews"
    package.run(package.load(SPEC, {"training.epochs": 2}), out=folder)
    return folder


def table(rows: list[dict[str, object]], sign: str = ",") -> str:
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), delimiter=sign, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def predicted(specnet: Specnet, run: Path, name: str) -> list[list[float]]:
    done = specnet("predict", run, name)
    assert (done.returncode, done.stderr) == (0, "")
    rows = csv.DictReader(io.StringIO(done.stdout))
    return [[float(row["P(no)"]), float(row["P(yes)"])] for row in rows]


@pytest.fixture(scope="module")
def expected(run: Path) -> np.ndarray:
    model = package.load_run(run)
    return model.predict([[row["text"], row["price"], row["shop"]] for row in ROWS])


def test_predictions_are_the_same_of_every_kind_of_file(
    specnet: Specnet, run: Path, tmp_path: Path, expected: np.ndarray
) -> None:
    (tmp_path / "a.csv").write_text(table(ROWS), encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps(ROWS), encoding="utf-8")
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    for name in ("a.csv", "a.json", "a.jsonl"):
        np.testing.assert_allclose(predicted(specnet, run, name), expected, rtol=1e-6)


def test_predictions_are_the_same_of_parquet_and_frames(
    specnet: Specnet, run: Path, tmp_path: Path, expected: np.ndarray
) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(ROWS)
    frame.to_parquet(tmp_path / "a.parquet")
    np.testing.assert_allclose(predicted(specnet, run, "a.parquet"), expected, rtol=1e-6)
    np.testing.assert_array_equal(package.load_run(run).predict(frame), expected)


def test_a_file_in_another_encoding_is_reported(specnet: Specnet, run: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table(ROWS), encoding="latin-1")
    done = specnet("predict", run, "a.csv")
    assert done.returncode == 1
    assert "is not text in utf-8" in done.stderr


def test_rows_with_targets_are_evaluated(specnet: Specnet, run: Path, tmp_path: Path) -> None:
    rows = [{**row, "recommends": answer} for row, answer in zip(ROWS, ["no", "yes", "yes"], strict=True)]
    (tmp_path / "a.csv").write_text(table(rows), encoding="utf-8")
    done = specnet("evaluate", run, "a.csv", "--output", "json")
    assert done.returncode == 0
    expected = package.load_run(run).evaluate(
        [[row["text"], row["price"], row["shop"]] for row in ROWS], np.array([0, 1, 1])
    )
    assert json.loads(done.stdout)["splits"]["data"]["loss"] == pytest.approx(expected.splits["data"]["loss"])


def test_importance_takes_text_as_one_column(specnet: Specnet, run: Path) -> None:
    done = specnet("evaluate", run, "--importance", "--output", "json")
    assert done.returncode == 0
    columns = json.loads(done.stdout)["importance"]["columns"]
    assert {each["column"] for each in columns} == {"text", "price", "shop"}


def test_the_report_shows_the_text_of_the_worst_rows(specnet: Specnet, run: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert specnet("report", run, "-o", "r.html").returncode == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert " is not " in page
    assert "&lt;unk&gt;" in page or "months" in page
