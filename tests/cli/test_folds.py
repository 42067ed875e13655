"""Documents with folds from the command line: run, resume, predict, evaluate, report, and what is refused."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.command_line import Specnet

TEXT = """\
specnet = 1
loss = "cross_entropy"
metrics = ["accuracy", "confusion"]
layers = [{ type = "dense", units = 3 }]
data = { type = "builtin", name = "iris", split = { folds = 3, stratify = true, validation = 0.2 } }
training = { epochs = 3 }
"""

ROWS = "sepal_length,sepal_width,petal_length,petal_width,species\n5.1,3.5,1.4,0.2,setosa\n6.3,2.8,5.1,1.5,virginica\n"


@pytest.fixture
def run(tmp_path: Path, finished: Path) -> Path:
    shutil.copytree(finished, tmp_path / "runs" / "flowers" / "001")
    (tmp_path / "flowers.toml").write_text(TEXT, encoding="utf-8")
    (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
    return Path("runs/flowers/001")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import specnet as package

    folder = tmp_path_factory.mktemp("folds")
    (folder / "flowers.toml").write_text(TEXT, encoding="utf-8")
    result = package.run(folder / "flowers.toml", folder=folder / "runs")
    assert result.run is not None
    return result.run


def test_run_prints_means_and_every_fold(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "flowers.toml").write_text(TEXT, encoding="utf-8")
    done = specnet("run", "flowers.toml")
    assert done.returncode == 0
    assert re.search(r"test +[\d.]+ ± [\d.]+ +[\d.]+ ± [\d.]+\n", done.stdout)
    assert re.search(r"test of each fold\n fold +loss +accuracy +ended", done.stdout)
    assert re.search(r"\n 3 +[\d.]+ +[\d.]+ +completed\n", done.stdout)
    assert "saved in runs/flowers/001" in done.stdout
    assert "fold 2/3, flowers: 15 parameters; rows: 80 train, 20 validation, 50 test" in done.stderr
    assert re.search(r"fold 3/3 completed: test loss [\d.]+ accuracy [\d.]+\n", done.stderr)
    again = specnet("run", "flowers.toml", "--resume", "--output", "json")
    assert "is finished already" in again.stderr
    assert json.loads(again.stdout) == json.loads(
        (tmp_path / "runs/flowers/001/result.json").read_text(encoding="utf-8")
    )


def test_one_fold_is_an_ordinary_run(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "flowers.toml").write_text(TEXT, encoding="utf-8")
    done = specnet("run", "flowers.toml", "--set", "data.split.fold=2", "--output", "json")
    assert done.returncode == 0
    assert "folds" not in json.loads(done.stdout)
    assert (tmp_path / "runs/flowers/001/model.npz").exists()


def test_predictions_come_with_their_spread(specnet: Specnet, run: Path, tmp_path: Path) -> None:
    each = [
        list(csv.DictReader(specnet("predict", run / "folds" / str(n), "rows.csv").stdout.splitlines()))
        for n in (1, 2, 3)
    ]
    values = np.array([[float(own[0]["P(setosa)"])] for own in each])
    (first, _) = csv.DictReader(specnet("predict", run, "rows.csv").stdout.splitlines())
    assert float(first["P(setosa)"]) == pytest.approx(values.mean(), rel=1e-4)
    assert float(first["std(P(setosa))"]) == pytest.approx(values.std(ddof=1), rel=1e-3)
    line = json.loads(specnet("predict", run, "rows.csv", "--output", "jsonl").stdout.splitlines()[0])
    assert line["std"]["setosa"] == float(first["std(P(setosa))"])
    assert specnet("predict", run, "rows.csv", "-o", "p.npz").returncode == 0
    with np.load(tmp_path / "p.npz") as stored:
        assert stored["std"].shape == stored["predictions"].shape == (2, 3)
    (tmp_path / "none.csv").write_text(ROWS.split("\n", maxsplit=1)[0] + "\n", encoding="utf-8")
    assert specnet("predict", run, "none.csv", "-o", "p.npz").returncode == 0


def test_other_rows_are_evaluated_by_all_folds(specnet: Specnet, run: Path) -> None:
    each = [
        json.loads(specnet("evaluate", run / "folds" / str(n), "rows.csv", "--output", "json").stdout)
        for n in (1, 2, 3)
    ]
    found = json.loads(specnet("evaluate", run, "rows.csv", "--output", "json").stdout)
    losses = [own["splits"]["data"]["loss"] for own in each]
    assert found["members"]["data"]["mean"]["loss"] == pytest.approx(np.mean(losses))
    assert found["members"]["data"]["std"]["loss"] == pytest.approx(np.std(losses, ddof=1))
    # The loss of a mean of probabilities is at most the mean of the losses.
    assert found["splits"]["data"]["loss"] < np.mean(losses)


@pytest.mark.parametrize(
    "command",
    [("evaluate",), ("plot", "--what", "loss")],
)
def test_what_needs_one_training_names_a_fold(specnet: Specnet, run: Path, command: tuple[str, ...]) -> None:
    if command[0] == "plot":
        pytest.importorskip("matplotlib")
    done = specnet(command[0], run, *command[1:])
    assert done.returncode == 1
    assert done.stderr == f"error: {run} is a run of 3 folds: name one of them, such as {run}/folds/1\n"


def test_an_export_is_that_of_all_folds(specnet: Specnet, run: Path) -> None:
    printed = specnet("predict", run, "rows.csv").stdout
    assert specnet("export", run, "--to", "specnet", "-o", "m.specnet").returncode == 0
    assert specnet("predict", "m.specnet", "rows.csv").stdout == printed
    text = specnet("export", run, "--to", "numpy").stdout
    scope: dict[str, Any] = {}
    exec(text, scope)
    (first, _) = csv.DictReader(printed.splitlines())
    rows = [[5.1, 3.5, 1.4, 0.2]]
    assert scope["predict"](rows)[0, 0] == pytest.approx(float(first["P(setosa)"]), rel=1e-5)
    assert scope["spread"](rows)[0, 0] == pytest.approx(float(first["std(P(setosa))"]), rel=1e-3)
    done = specnet("export", run, "--to", "numpy", "--training")
    assert done.returncode == 1
    assert "this is the mean of 3 models" in done.stderr


def test_folds_are_listed_and_compared(specnet: Specnet, run: Path) -> None:
    assert re.search(r"runs/flowers/001 +completed", specnet("runs", "--sort", "test.loss").stdout)
    assert specnet("runs", run / "folds").stdout.count("completed") == 3
    listed = json.loads(specnet("runs", "--output", "json").stdout)["runs"][0]
    assert "std" in listed["splits"]["test"]
    done = specnet("compare", run, run / "folds" / "1")
    assert done.returncode == 0
    assert "data.split.fold" in done.stdout


def test_the_report_shows_the_folds_and_the_predictions_out_of_fold(
    specnet: Specnet, run: Path, tmp_path: Path
) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    assert specnet("report", run).returncode == 0
    page = (tmp_path / run / "report.html").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]*>", " ", page)
    assert "Predictions of all folds" in text
    assert "of 150 rows are predicted correctly" in text
    assert "runs/flowers/001/folds/3" in text
    assert text.count("±") == 6
    assert "All 3 folds completed." in text
    (tmp_path / run / "predictions.npz").write_bytes(b"PK")
    assert specnet("report", run).returncode == 0
    assert "is damaged" in (tmp_path / run / "report.html").read_text(encoding="utf-8")


def test_labels_come_with_their_spread(specnet: Specnet, tmp_path: Path) -> None:
    rows = "".join(f"{i},{i % 2},{i // 12}\n" for i in range(24))
    (tmp_path / "t.csv").write_text(f"x,odd,large\n{rows}", encoding="utf-8")
    (tmp_path / "labels.toml").write_text(
        'specnet = 1\nloss = "binary_cross_entropy"\ntraining = { epochs = 2 }\n'
        'data = { type = "csv", path = "t.csv", target = ["odd", "large"], split = { folds = 2 } }\n'
        'layers = [{ type = "dense", units = 2 }]\n',
        encoding="utf-8",
    )
    done = specnet("run", "labels.toml")
    assert done.returncode == 0, done.stderr
    made = specnet("predict", "runs/labels/001", "t.csv")
    assert made.stdout.splitlines()[0] == "odd,P(odd),large,P(large),std(P(odd)),std(P(large))"
    line = json.loads(
        specnet("predict", "runs/labels/001", "t.csv", "--output", "jsonl").stdout.splitlines()[0]
    )
    assert line["std"].keys() == line["probabilities"].keys() == {"odd", "large"}
