"""The metrics of each of several target columns, in results, files and tables."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference
from typer.testing import CliRunner

import specnet
from specnet.cli.app import app
from specnet.runs.directory import RESULT
from specnet.runs.kept import read_run
from specnet.vocabulary.metrics import METRICS

RNG = np.random.default_rng(11)
N = 120
X = RNG.normal(size=(N, 3)).round(3)
LABELS = (X[:, :2] + RNG.normal(size=(N, 2)) > [0.5, -0.3]).astype(int)
NUMBERS = (X @ RNG.normal(size=(3, 2)) + RNG.normal(size=(N, 2)) * [1.0, 5.0]).round(3)
WEIGHTS = RNG.integers(0, 5, N) / 2


def document(path: Any, targets: Any, names: list[str], **more: Any) -> dict[str, Any]:
    table = np.column_stack([X, WEIGHTS, targets])
    head = ",".join(["a", "b", "c", "w", *names])
    np.savetxt(path / "t.csv", table, delimiter=",", header=head, comments="", fmt="%g")
    data = {
        "type": "csv",
        "path": str(path / "t.csv"),
        "target": names,
        "weight": "w",
        "split": {"test": 0.4},
    }
    return {
        "specnet": 1,
        "name": "columns",
        "dtype": "float64",
        "data": data,
        "layers": [{"type": "dense", "units": 2}],
        "training": {"epochs": 5, "batch_size": 16, "optimizer": {"type": "adam", "learning_rate": 0.05}},
        **more,
    }


def of_labels(path: Any, **more: Any) -> dict[str, Any]:
    metrics = ["accuracy", "precision", "recall", "f1", "auc", "iou"]
    loss = {"loss": "binary_cross_entropy", "metrics": metrics}
    return document(path, LABELS, ["rain", "wind"], **loss, **more)


def of_numbers(path: Any, **more: Any) -> dict[str, Any]:
    return document(
        path, NUMBERS, ["price", "rent"], loss="mse", metrics=["mse", "rmse", "mae", "r2"], **more
    )


def figures_of(result: Any, targets: Any, weighted: bool) -> tuple[Any, Any, Any, Any]:
    """Return the figures of all rows, and the predictions, targets and weights that a reference takes."""
    weights = {"weights": WEIGHTS} if weighted else {}
    found = result.model.evaluate(X, targets, **weights).splits["data"]
    return found, result.model.predict(X), targets, {"sample_weight": WEIGHTS} if weighted else {}


@pytest.mark.parametrize("weighted", [False, True])
def test_labels_have_the_figures_that_scikit_learn_gives_for_their_columns(tmp_path, weighted):
    found, made, true, weight = figures_of(specnet.run(of_labels(tmp_path)), LABELS, weighted)
    for n, name in enumerate(["rain", "wind"]):
        yes, read = true[:, n], (made[:, n] >= 0.5).astype(int)
        expected = {
            "accuracy": reference.accuracy_score(yes, read, **weight),
            "precision": reference.precision_score(yes, read, zero_division=0, **weight),
            "recall": reference.recall_score(yes, read, **weight),
            "f1": reference.f1_score(yes, read, **weight),
            "auc": reference.roc_auc_score(yes, made[:, n], **weight),
            "iou": reference.jaccard_score(yes, read, **weight),
        }
        assert found.by_target[name] == pytest.approx(expected, abs=1e-12)
    assert found["f1"] == pytest.approx(np.mean([own["f1"] for own in found.by_target.values()]))


@pytest.mark.parametrize("weighted", [False, True])
def test_numbers_have_the_figures_that_scikit_learn_gives_for_their_columns(tmp_path, weighted):
    scaled = of_numbers(tmp_path)
    scaled["data"]["transforms"] = [{"type": "standardize", "on": "targets"}]
    found, made, true, weight = figures_of(specnet.run(scaled), NUMBERS, weighted)
    for n, name in enumerate(["price", "rent"]):
        pair = true[:, n], made[:, n]
        square = reference.mean_squared_error(*pair, **weight)
        expected = {
            "mse": square,
            "rmse": math.sqrt(square),
            "mae": reference.mean_absolute_error(*pair, **weight),
            "r2": reference.r2_score(*pair, **weight),
        }
        assert found.by_target[name] == pytest.approx(expected, rel=1e-9)


def test_a_saved_run_keeps_them(tmp_path):
    run = tmp_path / "run"
    result = specnet.run(of_labels(tmp_path), out=run)
    stored = json.loads((run / RESULT).read_text())["splits"]
    expected = {split: figures.by_target for split, figures in result.splits.items()}
    assert {split: figures["by_target"] for split, figures in stored.items()} == expected
    assert read_run(run).by_target == expected
    again = specnet.run(of_labels(tmp_path), resume=run)
    assert {split: figures.by_target for split, figures in again.splits.items()} == expected
    measured = specnet.evaluate(run)
    assert measured.as_dict()["splits"]["test"]["by_target"] == expected["test"]


def test_folds_have_their_means(tmp_path):
    folds = of_numbers(tmp_path)
    folds["data"]["split"] = {"folds": 3}
    result = specnet.run(folds, out=tmp_path / "run")
    each = [fold.splits["test"].by_target["rent"]["mae"] for fold in result.folds]
    assert result.splits["test"].by_target["rent"]["mae"] == pytest.approx(np.mean(each))
    stored = json.loads((tmp_path / "run" / RESULT).read_text())["splits"]["test"]
    assert set(stored["by_target"]) == {"price", "rent"}
    assert set(stored["std"]) == {"loss", "mse", "rmse", "mae", "r2"}


def test_they_are_printed_as_a_table(tmp_path):
    path = tmp_path / "columns.json"
    path.write_text(json.dumps(of_labels(tmp_path)))
    printed = CliRunner().invoke(app, ["run", str(path), "--out", str(tmp_path / "run")]).stdout
    again = CliRunner().invoke(app, ["evaluate", str(tmp_path / "run")]).stdout
    for text in (printed, again):
        lines = text[text.index("test by target column") :].splitlines()
        assert lines[1].split() == ["target", "accuracy", "precision", "recall", "f1", "auc", "iou"]
        assert [line.split()[0] for line in lines[3:5]] == ["rain", "wind"]


def test_the_report_shows_them(tmp_path):
    pytest.importorskip("matplotlib")
    specnet.run(of_labels(tmp_path), out=tmp_path / "run")
    written = CliRunner().invoke(app, ["report", str(tmp_path / "run")])
    assert written.exit_code == 0, written.output
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    table = page[page.index("By target column") :]
    assert '<th scope="row">wind</th>' in table[: table.index("</table>")]


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"target": "rain"}, "layers.0.units": 1},
        {
            "data": {"target": "inputs", "columns": None},
            "loss": "mse",
            "metrics": ["mse"],
            "layers.0.units": 5,
        },
    ],
    ids=["one column", "the inputs"],
)
def test_other_targets_have_none(tmp_path, changes):
    plain = of_labels(tmp_path)
    plain["data"] = {k: v for k, v in {**plain["data"], **changes.pop("data")}.items() if v is not None}
    plain["layers"] = [{"type": "dense", "units": changes.pop("layers.0.units")}]
    result = specnet.run({**plain, **changes})
    assert result.splits["test"].by_target == {}
    assert "by_target" not in result.as_dict()["splits"]["test"]


def test_columns_of_an_array_go_by_their_indices():
    data = {"type": "inline", "inputs": X.tolist(), "targets": NUMBERS.tolist()}
    spec = {"specnet": 1, "data": data, "layers": [{"type": "dense", "units": 2}], "loss": "mse"}
    found = specnet.run({**spec, "metrics": ["mae"], "training": {"epochs": 1}}).splits["train"]
    assert set(found.by_target) == {"0", "1"}
    assert found["mae"] == pytest.approx(np.mean([own["mae"] for own in found.by_target.values()]))


def test_a_column_of_one_class_has_no_area():
    metric = METRICS.validate("auc")
    scores, targets = np.array([[0.1, 0.2], [0.4, 0.8], [0.3, 0.5]]), np.array([[0, 1], [1, 1], [0, 1]])
    each = metric.finish_each({"score": scores, "target": targets}, 3.0)
    assert each is not None
    assert each[0] == 1.0
    assert math.isnan(each[1])
