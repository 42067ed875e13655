"""Columns of new rows that are written next to their predictions."""

from __future__ import annotations

import csv
import io
import json
from functools import partial

import numpy as np
import pytest

import specnet as package
from tests.support.command_line import environment, run_command

TRAINING = "pid,age,plan,price\n" + "".join(f"A{i},{20 + i % 9},{'ab'[i % 2]},{i}\n" for i in range(20))
NEW = 'plan,pid,note,age,price\na,X1,"hi, you",25,3\nb,X2,,26,4\n'
LINES = '{"plan": "a", "pid": "X1", "age": 25, "note": null}\n{"age": 26, "plan": "b", "pid": 7}\n'


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    (folder / "t.csv").write_text(TRAINING)
    for name, text in {
        "n.csv": NEW,
        "n.jsonl": LINES,
        "l.jsonl": '[25, "a"]\n',
        "e.csv": "pid,age,plan\n",
    }.items():
        (folder / name).write_text(text)
    np.save(folder / "n.npy", np.ones((2, 3)))
    package.run(package.load(document(folder)), out=folder / "run")
    return folder


def document(folder, **more):
    data = {"type": "csv", "path": str(folder / "t.csv"), "target": "price", "id": "pid"}
    layers = [{"type": "dense", "units": "auto"}]
    return {
        "specnet": 1,
        "name": "t",
        "loss": "mse",
        "data": data | more,
        "layers": layers,
        "training": {"epochs": 1},
    }


def predict(folder, *arguments, given=None):
    return run_command(["predict", "run", *arguments], folder, environment(), given=given)


@pytest.fixture
def predicted(trained):
    return partial(predict, trained)


def cells(result):
    assert result.returncode == 0, result.stderr
    return list(csv.reader(io.StringIO(result.stdout)))


@pytest.mark.parametrize(
    ("arguments", "head", "beside"),
    [
        (["n.csv"], ["pid"], [["X1"], ["X2"]]),
        (["n.csv", "--keep", "note", "--keep", "pid"], ["pid", "note"], [["X1", "hi, you"], ["X2", ""]]),
        (
            ["n.csv", "--append"],
            ["plan", "pid", "note", "age", "price"],
            [["a", "X1", "hi, you", "25", "3"], ["b", "X2", "", "26", "4"]],
        ),
        (["n.jsonl", "--keep", "age"], ["pid", "age"], [["X1", "25"], ["7", "26"]]),
        (["l.jsonl"], [], [[]]),
        (["e.csv"], ["pid"], []),
        (["e.csv", "--append"], ["pid", "age", "plan"], []),
    ],
    ids=str,
)
def test_columns_come_before_the_predictions(trained, predicted, arguments, head, beside):
    first, *rows = cells(predicted(*arguments))
    assert first == [*head, "prediction"]
    assert [row[:-1] for row in rows] == beside
    model = package.load_run(trained / "run")
    expected = model.predict([[25, "a"], [26, "b"]])[: len(rows), 0]
    np.testing.assert_allclose([float(row[-1]) for row in rows], expected, rtol=1e-6)


def test_standard_input(predicted):
    assert cells(predicted("-", "--keep", "note", given=NEW))[0] == ["pid", "note", "prediction"]


def test_json_lines_and_arrays(trained, predicted):
    lines = [
        json.loads(line) for line in predicted("n.jsonl", "--append", "--output", "jsonl").stdout.splitlines()
    ]
    assert [list(line) for line in lines] == [["plan", "pid", "age", "note", "prediction"]] * 2
    assert [(line["pid"], line["age"], line["note"]) for line in lines] == [("X1", 25, None), (7, 26, None)]
    assert predicted("n.jsonl", "--append", "-o", "o.npz").returncode == 0
    with np.load(trained / "o.npz") as made:
        assert set(made) == {"predictions", "column.plan", "column.pid", "column.age", "column.note"}
        assert made["column.age"].tolist() == [25, 26]
        assert made["column.pid"].tolist() == ["X1", "7"]


def test_a_kept_column_with_the_name_of_a_prediction(tmp_path):
    (tmp_path / "t.csv").write_text("a,price,rent\n1,2,3\n2,3,5\n")
    plain = document(tmp_path, target=["price", "rent"])
    del plain["data"]["id"]
    package.run(package.load(plain), out=tmp_path / "run")
    result = predict(tmp_path, "t.csv", "--append")
    assert cells(result)[0] == ["a", "price", "rent", "predicted_price", "predicted_rent"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["n.csv", "--keep", "nte"], "did you mean `note`?"),
        (["n.jsonl", "--keep", "nothing"], "`n.jsonl` has no column `nothing`"),
        (["l.jsonl", "--append"], "has no columns that could be kept"),
        (["n.npy", "--keep", "a"], "has no columns that could be kept"),
    ],
    ids=str,
)
def test_columns_that_are_not_there(trained, predicted, arguments, words):
    result = predicted(*arguments, "-o", "none.csv")
    assert result.returncode != 0
    assert words in result.stdout + result.stderr
    assert not (trained / "none.csv").exists()


def test_an_id_is_no_feature(trained):
    model = package.load_run(trained / "run")
    assert [part.name for part in model.columns] == ["age", "plan"]


@pytest.mark.parametrize(
    ("more", "code", "path", "words"),
    [
        ({"id": "price"}, "SN510", ("id",), "is a target, and cannot identify rows too"),
        ({"features": ["pid", "age"]}, "SN510", ("features",), "is an `id`, and cannot be a feature too"),
        ({"id": "pidd"}, "SN509", ("id",), "`pidd`"),
        ({"id": ["pid", "pid"]}, "SN510", ("id", 1), "named twice"),
        ({"columns": {"pid": {"type": "category"}}}, "SN517", ("columns", "pid"), "neither a feature nor"),
    ],
    ids=str,
)
def test_faulty_ids(trained, more, code, path, words):
    found = package.validate(document(trained, **more)).diagnostics
    assert [(d.code, d.path) for d in found if words in d.message] == [(code, ("data", *path))]


def test_several_ids_without_a_header(tmp_path):
    (tmp_path / "t.csv").write_text("A,1,2,7\nB,2,3,8\nC,4,5,9\n")
    package.run(package.load(document(tmp_path, header=False, target=2, id=[3, 0])), out=tmp_path / "run")
    first, *rows = cells(predict(tmp_path, "t.csv"))
    assert first == ["3", "0", "prediction"]
    assert [row[:2] for row in rows] == [["7", "A"], ["8", "B"], ["9", "C"]]
