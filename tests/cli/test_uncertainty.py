"""Calibration and intervals on the command line: what is shown, and what files of predictions hold."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

import specnet as package
from tests.support.command_line import Specnet

HEAD = """\
specnet = 1
dtype = "float64"
[training]
epochs = 15
optimizer = { type = "adam", learning_rate = 0.05 }
[[layers]]
type = "dense"
units = 8
activation = "tanh"
[[layers]]
type = "dense"
units = "auto"
"""
CLASSES = f"""{HEAD}
[loss]
type = "cross_entropy"
[data]
type = "csv"
path = "rows.csv"
features = ["a", "b"]
target = "kind"
split = {{ validation = 0.3, test = 0.3 }}
[output]
calibration = "temperature"
intervals = 0.8
"""
NUMBERS = f"""{HEAD}
[loss]
type = "mse"
[data]
type = "csv"
path = "rows.csv"
features = ["a", "b"]
target = TARGET
split = {{ validation = 0.3, test = 0.3 }}
[output]
intervals = 0.8
"""


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    scores = np.stack([x[:, 0], x[:, 1], -x.sum(axis=1)], axis=1) + rng.normal(size=(300, 3))
    kinds = np.array(["red", "green", "blue"])[scores.argmax(axis=1)]
    price, weight = x[:, 0] + 0.3 * rng.normal(size=300), 50 * x[:, 1] + 10 * rng.normal(size=300)
    lines = [f"{a},{b},{k},{p},{w}" for (a, b), k, p, w in zip(x, kinds, price, weight, strict=True)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,kind,price,weight", *lines]) + "\n")
    (tmp_path / "new.csv").write_text("a,b\n0.5,-1.0\n2.0,0.1\n0.0,0.0\n")
    return tmp_path


NEW = np.array([[0.5, -1.0], [2.0, 0.1], [0.0, 0.0]])


def trained(folder, text):
    (folder / "s.toml").write_text(text)
    return package.run(package.load(folder / "s.toml"), out=folder / "run").model


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_classes_come_with_sets(folder, specnet: Specnet):
    model = trained(folder, CLASSES)
    names, sets = list(model.classes), model.predict_sets(NEW)
    shown = table(specnet("predict", "run", "new.csv").stdout)
    assert list(shown[0]) == ["prediction", *(f"P({name})" for name in names), "prediction_set"]
    lines = specnet("predict", "run", "new.csv", "--output", "jsonl").stdout.splitlines()
    specnet("predict", "run", "new.csv", "-o", "made.npz")
    with np.load(folder / "made.npz") as made:
        np.testing.assert_array_equal(made["prediction_set"], sets.members)
        np.testing.assert_array_equal(made["predictions"], model.predict(NEW))
    for row, line, members, p in zip(shown, lines, sets.names(), model.predict(NEW), strict=True):
        assert row["prediction_set"] == "|".join(members)
        assert [float(row[f"P({name})"]) for name in names] == p.tolist()
        assert json.loads(line)["prediction_set"] == members
        assert json.loads(line)["probabilities"] == dict(zip(names, p.tolist(), strict=True))


def test_a_number_comes_with_its_interval(folder, specnet: Specnet):
    made = trained(folder, NUMBERS.replace("TARGET", '"price"')).predict_intervals(NEW)
    shown = table(specnet("predict", "run", "new.csv", "--keep", "a").stdout)
    assert list(shown[0]) == ["a", "prediction", "lower", "upper"]
    assert [float(row["lower"]) for row in shown] == made.lower[:, 0].tolist()
    assert [float(row["upper"]) for row in shown] == made.upper[:, 0].tolist()
    lines = specnet("predict", "run", "new.csv", "--output", "jsonl").stdout.splitlines()
    assert json.loads(lines[0]).keys() == {"prediction", "lower", "upper"}


def test_several_numbers_name_their_intervals(folder, specnet: Specnet):
    made = trained(folder, NUMBERS.replace("TARGET", '["price", "weight"]')).predict_intervals(NEW)
    shown = table(specnet("predict", "run", "new.csv").stdout)
    ends = ["lower(price)", "upper(price)", "lower(weight)", "upper(weight)"]
    assert list(shown[0]) == ["price", "weight", *ends]
    assert [float(row["upper(weight)"]) for row in shown] == made.upper[:, 1].tolist()
    lines = specnet("predict", "run", "new.csv", "--output", "jsonl").stdout.splitlines()
    assert json.loads(lines[1])["lower"] == made.lower[1].tolist()
    specnet("predict", "run", "new.csv", "-o", "made.npz")
    with np.load(folder / "made.npz") as found:
        np.testing.assert_array_equal(found["lower"], made.lower)


def test_labels_have_sets_of_their_own(folder, specnet: Specnet):
    rows = (folder / "rows.csv").read_text().splitlines()
    more = [
        f"{row},{int(float(row.split(',')[3]) > 0)},{int(float(row.split(',')[4]) > 0)}" for row in rows[1:]
    ]
    (folder / "rows.csv").write_text("\n".join([f"{rows[0]},rain,wind", *more]) + "\n")
    text = NUMBERS.replace("TARGET", '["rain", "wind"]').replace('"mse"', '"binary_cross_entropy"')
    sets = trained(folder, text).predict_sets(NEW)
    shown = table(specnet("predict", "run", "new.csv").stdout)
    heads = ["rain", "P(rain)", "wind", "P(wind)", "prediction_set(rain)", "prediction_set(wind)"]
    assert list(shown[0]) == heads
    assert shown[0]["prediction_set(wind)"] == "|".join(sets.names()[0][1])
    lines = specnet("predict", "run", "new.csv", "--output", "jsonl").stdout.splitlines()
    assert json.loads(lines[0])["prediction_set"]["rain"] == [int(name) for name in sets.names()[0][0]]


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        (CLASSES, {"prediction_set": (0, 3)}),
        (NUMBERS.replace("TARGET", '"price"'), {"lower": (0, 1), "upper": (0, 1)}),
    ],
    ids=["classes", "numbers"],
)
def test_no_rows_have_the_same_columns(text, shapes, folder, specnet: Specnet):
    trained(folder, text)
    (folder / "none.csv").write_text("a,b\n")
    (head,) = specnet("predict", "run", "none.csv").stdout.splitlines()
    assert head.split(",")[-len(shapes) :] == list(shapes)
    specnet("predict", "run", "none.csv", "-o", "made.npz")
    with np.load(folder / "made.npz") as found:
        assert {name: found[name].shape for name in shapes} == shapes


def test_runs_and_evaluations_show_both(folder, specnet: Specnet):
    (folder / "s.toml").write_text(CLASSES)
    shown = specnet("run", "s.toml", "--out", "run").stdout
    again = specnet("evaluate", "run").stdout
    for text in (shown, again):
        words = " ".join(text.split())
        assert "accuracy coverage set_size" in words
        assert "calibration temperature" in words
        assert "fitted to 90 validation rows, whose log loss went from" in words
        assert "prediction sets cover 80% of new rows; fitted to 90 validation rows" in words
    assert "before calibration, " in " ".join(shown.split())
    stored = json.loads((folder / "run/result.json").read_text())
    made = json.loads(specnet("evaluate", "run", "--output", "json").stdout)
    assert made["uncertainty"] == stored["uncertainty"]
    assert made["splits"] == stored["splits"]


def test_half_widths_are_shown_where_there_is_one(folder, specnet: Specnet):
    (folder / "s.toml").write_text(NUMBERS.replace("TARGET", '"price"'))
    shown = specnet("run", "s.toml", "--out", "run").stdout
    half = json.loads((folder / "run/result.json").read_text())["uncertainty"]["intervals"]["half_widths"][0]
    assert f"intervals cover 80% of new targets: prediction ± {half:.4g};" in " ".join(shown.split())


@pytest.mark.parametrize("calibration", ["temperature", "isotonic"])
def test_reports_show_both(calibration, folder, specnet: Specnet):
    pytest.importorskip("matplotlib")
    trained(folder, CLASSES.replace("temperature", calibration))
    specnet("report", "run")
    page = (folder / "run/report.html").read_text(encoding="utf-8")
    stored = json.loads((folder / "run/result.json").read_text())
    assert "<summary>Before calibration</summary>" in page
    assert f"{stored['uncalibrated']['test']['loss']:.4g}" in page
    assert "before calibration it was" in page
    assert "<h3>Prediction sets</h3>" in page
    share = 100 * stored["splits"]["test"]["coverage"]
    assert f"Prediction sets by size: {share:.1f}% hold the class, 80% were asked for" in page


def test_reports_of_numbers_show_intervals(folder, specnet: Specnet):
    pytest.importorskip("matplotlib")
    trained(folder, NUMBERS.replace("TARGET", '"price"'))
    specnet("report", "run")
    page = (folder / "run/report.html").read_text(encoding="utf-8")
    share = 100 * json.loads((folder / "run/result.json").read_text())["splits"]["test"]["coverage"]
    assert f"Intervals: {share:.1f}% hold the target, 80% were asked for" in page
    assert "Before calibration" not in page
