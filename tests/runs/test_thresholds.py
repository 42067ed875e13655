"""Thresholds from which labels are predicted, given or chosen on the validation split, and all that uses them."""

from __future__ import annotations

import csv
import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from typer.testing import CliRunner

import specnet
from specnet.cli.app import app
from specnet.diagnostics import RunError
from specnet.interchange.exporting import WRITERS, Exported, numpy_program
from specnet.model.choosing import best_threshold, choose_thresholds
from specnet.reporting.predictions import predicted
from specnet.runs.evaluating import own_data
from specnet.runs.loading import load_model
from specnet.storage.model_file import read_model, write_model
from tests.support.exports import session

RNG = np.random.default_rng(3)
N = 240
X = RNG.normal(size=(N, 3)).round(3)
LABELS = (X[:, :2] + RNG.normal(size=(N, 2)) > [1.0, 0.2]).astype(int)
WEIGHTS = RNG.integers(0, 4, N) / 2
NAMES = ["rain", "wind"]


def document(path: Path, threshold: Any, labels: int = 2, **more: Any) -> dict[str, Any]:
    table = np.column_stack([X, WEIGHTS, LABELS])
    head = ",".join(["a", "b", "c", "w", *NAMES])
    np.savetxt(path / "t.csv", table, delimiter=",", header=head, comments="", fmt="%g")
    data = {
        "type": "csv",
        "path": str(path / "t.csv"),
        "target": NAMES[:labels] if labels > 1 else NAMES[0],
        "exclude": ["w", *NAMES[labels:]],
        "split": {"validation": 0.4, "test": 0.2},
    }
    return {
        "specnet": 1,
        "name": "labels",
        "dtype": "float64",
        "data": data,
        "layers": [{"type": "dense", "units": labels}],
        "loss": "binary_cross_entropy",
        "metrics": ["precision", "recall", "f1", "accuracy", "auc"],
        "training": {"epochs": 8, "batch_size": 16, "optimizer": {"type": "adam", "learning_rate": 0.03}},
        **({} if threshold is None else {"output": {"threshold": threshold}}),
        **more,
    }


def saved(path: Path, threshold: Any, labels: int = 2, **more: Any) -> tuple[Path, specnet.Result]:
    run = path / "run"
    return run, specnet.run(document(path, threshold, labels, **more), out=run)


def validation_rows(run: Path, labels: int = 2) -> tuple[Any, Any, Any]:
    """Return the predictions for a run's validation split, its targets and its weights."""
    model = load_model(run)
    part = own_data(run, model.network).splits["validation"]
    targets = np.asarray(part.targets).reshape(len(part), labels)
    return model.predictions(part.inputs)[""], targets, part.weights


@pytest.mark.parametrize("threshold", [0.3, [0.2, 0.45]], ids=["one", "one for each label"])
def test_given_thresholds_are_those_of_all_metrics(tmp_path, threshold):
    result = specnet.run(document(tmp_path, threshold))
    each = np.broadcast_to(threshold, 2)
    assert result.model.thresholds == dict(zip(NAMES, each.tolist(), strict=True))
    assert result.as_dict()["thresholds"] == result.model.thresholds
    found = result.model.evaluate(X, LABELS).splits["data"]
    read = result.model.predict(X) >= each
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(LABELS, read))
    for n, name in enumerate(NAMES):
        assert found.by_target[name]["f1"] == pytest.approx(reference.f1_score(LABELS[:, n], read[:, n]))
    usual = specnet.run(document(tmp_path, None))
    assert usual.model.thresholds == {}
    assert "thresholds" not in usual.as_dict()
    assert found["recall"] > usual.model.evaluate(X, LABELS).splits["data"]["recall"]


def test_a_threshold_changes_nothing_that_is_learnt(tmp_path):
    chosen, usual = (specnet.run(document(tmp_path, threshold)) for threshold in ("f1", None))
    for name, array in usual.parameters.items():
        assert np.array_equal(chosen.parameters[name], array)
    assert chosen.history.loss == usual.history.loss
    assert chosen.history.validation == usual.history.validation


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("labels", [1, 2])
def test_f1_is_as_large_as_scikit_learn_finds_it(tmp_path, labels, weighted):
    spec = document(tmp_path, "f1", labels)
    if weighted:
        spec["data"] |= {"weight": "w", "exclude": NAMES[labels:]}
    run = tmp_path / "run"
    result = specnet.run(spec, out=run)
    made, true, weights = validation_rows(run, labels)
    for n, (name, own) in enumerate(
        zip(result.model.thresholds, result.model.thresholds.values(), strict=True)
    ):
        precision, recall, _ = reference.precision_recall_curve(true[:, n], made[:, n], sample_weight=weights)
        best = (2 * precision * recall / np.maximum(precision + recall, 1e-12)).max()
        achieved = reference.f1_score(true[:, n], made[:, n] >= own, sample_weight=weights)
        assert achieved == pytest.approx(best)
        figures = result.splits["validation"]
        assert (figures.by_target[name] if labels > 1 else figures)["f1"] == pytest.approx(best)


def test_balanced_accuracy_is_as_large_as_scikit_learn_finds_it(tmp_path):
    run, result = saved(tmp_path, "balanced_accuracy")
    made, true, _ = validation_rows(run)
    for n, own in enumerate(result.model.thresholds.values()):
        false_rate, true_rate, _ = reference.roc_curve(true[:, n], made[:, n])
        best = ((true_rate + 1 - false_rate) / 2).max()
        assert reference.balanced_accuracy_score(true[:, n], made[:, n] >= own) == pytest.approx(best)


SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.75, 1.0]), min_size=2, max_size=12)


@settings(max_examples=200, deadline=None)
@given(SCORES, st.randoms(use_true_random=False), st.sampled_from(["f1", "balanced_accuracy"]))
def test_no_threshold_is_better(scores, random, measure):
    yes = np.array([random.random() < 0.5 for _ in scores])
    weights = np.array([random.choice([0.5, 1.0, 2.0]) for _ in scores])
    given_scores = np.array(scores)
    found = best_threshold(given_scores, yes, weights, measure, 0.5)
    if yes.all() or not yes.any():
        assert found == 0.5
        return

    def figure(threshold: float) -> float:
        read = given_scores >= threshold
        if measure == "f1":
            return float(reference.f1_score(yes, read, sample_weight=weights))
        return float(reference.balanced_accuracy_score(yes, read, sample_weight=weights))

    best = max(map(figure, [*scores, 0.5]))
    assert figure(found) == pytest.approx(best)
    if figure(0.5) == pytest.approx(best):
        assert found == 0.5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_neighbouring_numbers_are_told_apart(dtype):
    low = np.array(0.6, dtype)
    scores = np.array([low, np.nextafter(low, np.array(1, dtype))], dtype)
    found = best_threshold(scores, np.array([False, True]), np.ones(2), "f1", 0.5)
    assert (scores >= np.array(found, dtype)).tolist() == [False, True]


def test_a_label_that_no_validation_row_has_keeps_its_threshold(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "LABELS", np.column_stack([np.zeros(N, int), LABELS[:, 1]]))
    found = specnet.run(document(tmp_path, "f1")).model.thresholds
    assert found["rain"] == 0.5
    assert found["wind"] != 0.5


def test_predictions_that_are_not_finite_leave_it(tmp_path):
    run, _ = saved(tmp_path, "f1")
    model = load_model(run)
    model.parameters.flat[...] = np.nan
    choose_thresholds(model, own_data(run, model.network).splits["validation"])
    assert model.thresholds == {"rain": 0.5, "wind": 0.5}


def test_a_metric_may_have_a_threshold_of_its_own(tmp_path):
    metrics = ["f1", {"type": "recall", "threshold": 0.9}]
    result = specnet.run(document(tmp_path, "f1", metrics=metrics))
    found, made = result.model.evaluate(X, LABELS).splits["data"], result.model.predict(X)
    read = made >= list(result.model.thresholds.values())
    assert found["f1"] == pytest.approx(reference.f1_score(LABELS, read, average="macro"))
    assert found["recall"] == pytest.approx(reference.recall_score(LABELS, made >= 0.9, average="macro"))


def test_scores_have_thresholds_below_0(tmp_path):
    result = specnet.run(document(tmp_path, -0.4, loss="hinge"))
    found = result.model.evaluate(X, LABELS).splits["data"]
    assert found["accuracy"] == pytest.approx(
        reference.accuracy_score(LABELS, result.model.predict(X) >= -0.4)
    )


def test_every_copy_of_a_model_has_them(tmp_path):
    run, result = saved(tmp_path, "f1")
    known = result.model.thresholds
    assert known["rain"] != 0.5
    result.model.save(tmp_path / "one.specnet")
    again = specnet.run(document(tmp_path, "f1"), resume=run)
    copies = [load_model(run), specnet.load_model(tmp_path / "one.specnet"), again.model]
    copies.append(pickle.loads(pickle.dumps(result.model)))
    assert [copy.thresholds for copy in copies] == [known] * 4
    assert specnet.evaluate(run).splits == result.splits
    assert again.splits == result.splits


def test_predict_reads_labels_by_them(tmp_path):
    run, result = saved(tmp_path, "f1")
    written = CliRunner().invoke(app, ["predict", str(run), str(tmp_path / "t.csv")]).stdout
    rows = list(csv.DictReader(io.StringIO(written)))
    for name, own in result.model.thresholds.items():
        read = [int(float(row[f"P({name})"]) >= own) for row in rows]
        assert [int(row[name]) for row in rows] == read
        assert read != [int(float(row[f"P({name})"]) >= 0.5) for row in rows]


def test_a_single_label_is_read_by_it_everywhere(tmp_path):
    run, result = saved(tmp_path, "f1", 1, metrics=["confusion", "f1"])
    own = result.model.thresholds["prediction"]
    made = result.model.predict(X)[:, 0]
    text = CliRunner().invoke(app, ["predict", str(run), str(tmp_path / "t.csv")]).stdout
    assert [row["prediction"] for row in csv.DictReader(io.StringIO(text))] == [
        str(int(value >= own)) for value in made
    ]
    model = load_model(run)
    (read,) = predicted(model, own_data(run, model.network), "test")
    counts = reference.confusion_matrix(read.targets, read.read)
    assert counts.tolist() == result.splits["test"]["confusion"]


def test_folds_choose_one_each_and_average_them(tmp_path):
    spec = document(tmp_path, "f1", 1)
    spec["data"]["split"] = {"folds": 3, "validation": 0.3}
    result = specnet.run(spec, out=tmp_path / "run")
    each = [fold.model.thresholds["prediction"] for fold in result.folds]
    assert len(set(each)) > 1
    assert result.model.thresholds["prediction"] == pytest.approx(np.mean(each))
    assert specnet.load_model(tmp_path / "run").thresholds == result.model.thresholds


def test_outputs_have_thresholds_of_their_own(tmp_path):
    spec = document(tmp_path, None, 1)
    del spec["loss"], spec["metrics"]
    spec["layers"] = [
        {"type": "dense", "units": 4, "name": "shared"},
        {"type": "dense", "units": 1, "name": "low", "inputs": ["shared"]},
        {"type": "dense", "units": 1, "name": "best", "inputs": ["shared"]},
    ]
    head = {"loss": "binary_cross_entropy", "metrics": ["recall"]}
    spec["outputs"] = {"low": {**head, "threshold": 0.1}, "best": {**head, "threshold": "f1"}}
    result = specnet.run(spec)
    found = result.model.thresholds
    assert set(found) == {"low.prediction", "best.prediction"}
    assert found["low.prediction"] == 0.1
    assert found["best.prediction"] != 0.5
    figures, made = result.model.evaluate(X, LABELS[:, 0]).splits["data"], result.model.predict(X)
    for name in ("low", "best"):
        read = made[name][:, 0] >= found[f"{name}.prediction"]
        assert figures[f"{name}.recall"] == pytest.approx(reference.recall_score(LABELS[:, 0], read))


def test_programs_and_onnx_files_decide_by_them(tmp_path):
    run, result = saved(tmp_path, "f1")
    expected = (result.model.predict(X) >= list(result.model.thresholds.values())).astype(int)
    scope: dict[str, Any] = {}
    exec(numpy_program(Exported.of(run), training=False, beside=None).text, scope)
    assert np.array_equal(scope["decide"](scope["predict"](X)), expected)
    pytest.importorskip("onnx")
    WRITERS["onnx"](tmp_path / "labels.onnx", Exported.of(run))
    made = session(tmp_path / "labels.onnx").run(["labels"], {"inputs": X})[0]
    assert np.array_equal(made, expected)


def test_a_program_of_the_training_has_given_thresholds_and_chooses_none(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the program saves its curve
    run, result = saved(tmp_path, [0.3, 0.2])
    exec(numpy_program(Exported.of(run), training=True, beside=None).text, {"__name__": "__main__"})
    assert f"f1 {result.splits['test']['f1']:.4f}" in capsys.readouterr().out
    chosen = tmp_path / "chosen"
    specnet.run(document(tmp_path, "f1"), out=chosen)
    with pytest.raises(RunError, match=r"set `output\.threshold` to a number"):
        numpy_program(Exported.of(chosen), training=True, beside=None)


@pytest.mark.parametrize(
    "thresholds", [{"": [0.1]}, {"other": [0.1, 0.2]}, {"": [0.1, float("nan")]}, {"": "x"}, 3]
)
def test_a_file_with_other_thresholds_is_damaged(tmp_path, thresholds):
    run, _ = saved(tmp_path, "f1")
    stored = read_model(run / "model.npz")
    write_model(run / "model.npz", stored.parameters, stored.encoding, thresholds)
    with pytest.raises(RunError, match="damaged, or of another run"):
        load_model(run)


def test_a_run_of_another_threshold_is_another_experiment(tmp_path):
    run, _ = saved(tmp_path, 0.3)
    with pytest.raises(RunError, match=r"`output\.threshold` is 0\.4, and was 0\.3"):
        specnet.run(document(tmp_path, 0.4), resume=run)
    assert specnet.run({**document(tmp_path, None), "output": {"threshold": 0.3, "show": []}}, resume=run)


def test_they_are_printed(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(document(tmp_path, "f1")))
    result = CliRunner().invoke(app, ["run", str(path), "--no-save"])
    line = next(line for line in result.stdout.splitlines() if line.startswith(" thresholds"))
    assert line.endswith("chosen on validation for f1")
    assert "rain 0." in line


def test_the_report_names_them(tmp_path):
    pytest.importorskip("matplotlib")
    for threshold, expected in ((0.3, True), (None, False)):
        specnet.run(document(tmp_path, threshold), out=tmp_path / "run")
        written = CliRunner().invoke(app, ["report", str(tmp_path / "run")])
        assert written.exit_code == 0, written.output
        page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
        assert ("Labels are predicted from these values on: rain 0.3, wind 0.3." in page) is expected


def found(spec: dict[str, Any]) -> list[tuple[str, tuple[Any, ...]]]:
    return [(d.code, d.path) for d in specnet.validate(spec).diagnostics if d.severity == "error"]


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"threshold": [0.3]}, "SN320", ("output", "threshold")),
        ({"threshold": [0.3, 1.2]}, "SN320", ("output", "threshold", 1)),
        ({"threshold": -0.1}, "SN320", ("output", "threshold")),
        ({"threshold": 0.5, "loss": "mse", "metrics": None}, "SN320", ("output", "threshold")),
        ({"threshold": "f1", "split": {"test": 0.2}}, "SN321", ("output", "threshold")),
        ({"threshold": "f1", "split": {"folds": 3}}, "SN321", ("output", "threshold")),
    ],
    ids=["too few", "too large", "negative", "numbers", "no validation", "folds"],
)
def test_faults(tmp_path, changes, code, path):
    spec = document(tmp_path, changes.pop("threshold"))
    spec["data"]["split"] = changes.pop("split", spec["data"]["split"])
    spec = {key: value for key, value in {**spec, **changes}.items() if value is not None}
    assert found(spec) == [(code, path)]


def test_a_most_probable_class_has_no_threshold(tmp_path):
    spec = document(tmp_path, 0.3, 1, loss="cross_entropy", layers=[{"type": "dense", "units": 2}])
    (fault,) = specnet.validate(spec).diagnostics
    assert fault.code == "SN320"
    assert 'loss = "binary_cross_entropy"' in (fault.help or "")
