from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

import specnet as package
from tests.support.command_line import SPECS, Specnet, environment, run_command

SPEC = """
specnet = 1
layers = [{ type = "dense", units = 2 }]
loss = "cross_entropy"
training = { epochs = 3 }
[data]
type = "csv"
path = "train.csv"
target = "kind"
transforms = ["standardize"]
"""
ROWS = ["1,red,no", "2.5,green,yes", "-1,blue,no", "4,red,yes", "0.5,green,no"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return trained(tmp_path)


def trained(folder: Path, more: str = "", rows: list[str] = ROWS, spec: str = SPEC) -> Path:
    (folder / "train.csv").write_text("\n".join(["a,c,kind", *rows]) + "\n")
    (folder / "s.toml").write_text(spec + more)
    package.run(package.load(folder / "s.toml"), out=folder / "run")
    return folder / "run"


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def piped(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command(["predict", "run", "-", *arguments], folder, environment(), given=text)


def test_columns_are_found_by_name_in_any_order(specnet: Specnet, run: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("id,c,a\n7,green,2\n8,red,-1\n")
    done = specnet("predict", "run", "new.csv")
    assert done.returncode == 0
    assert "the model does not take `id`" in done.stderr
    expected = package.load_run(run).predict([[2, "green"], [-1, "red"]])
    rows = table(done.stdout)
    assert list(rows[0]) == ["prediction", "P(no)", "P(yes)"]
    for row, values in zip(rows, expected, strict=True):
        assert (np.float32(row["P(no)"]), np.float32(row["P(yes)"])) == tuple(values)
        assert row["prediction"] == ("no", "yes")[values.argmax()]


def test_every_form_holds_the_same(specnet: Specnet, run: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("a,c\n2,green\n-1,red\n")
    for name in ("o.csv", "o.jsonl", "o.npz"):
        done = specnet("predict", "run", "new.csv", "-o", name)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    expected = package.load_run(run).predict([[2, "green"], [-1, "red"]])
    with np.load(tmp_path / "o.npz") as arrays:
        np.testing.assert_array_equal(arrays["predictions"], expected)
        assert arrays["names"][arrays["indices"]].tolist() == [
            ("no", "yes")[i] for i in expected.argmax(axis=1)
        ]
    lines = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    found = [[np.float32(line["probabilities"][name]) for name in ("no", "yes")] for line in lines]
    np.testing.assert_array_equal(found, expected)
    assert specnet("predict", "run", "new.csv").stdout == (tmp_path / "o.csv").read_text()
    assert (
        specnet("predict", "run", "new.csv", "--output", "jsonl").stdout == (tmp_path / "o.jsonl").read_text()
    )
    assert specnet("predict", "run", "new.csv", "-o", "o.xls").returncode == 2


@pytest.mark.parametrize(
    "text",
    [
        "c,a\ngreen,2\nred,-1\n",
        '{"a": 2, "c": "green"}\n\n{"c": "red", "a": "-1"}\n',
        '[2, "green"]\n[-1, "red"]\n',
    ],
    ids=["csv", "objects", "arrays"],
)
def test_standard_input_is_csv_or_lines_of_json(run: Path, tmp_path: Path, text: str) -> None:
    done = piped(tmp_path, text)
    assert (done.returncode, done.stderr) == (0, "")
    expected = package.load_run(run).predict([[2, "green"], [-1, "red"]])
    assert [np.float32(row["P(yes)"]) for row in table(done.stdout)] == expected[:, 1].tolist()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("b,c\n1,red\n", "no column `a`"),
        ("a,c,a\n1,red,2\n", "2 columns called `a`"),
        ("a,c\n1,red\n2,pink\n", "line 3 of `standard input`: column `c`: `pink` is not a category"),
        ("a,c\n1,red\nx,red\n", "line 3 of `standard input`: column `a`: `x` is not a number"),
        ("a,c\n1,red\n\n,red\n", "line 4 of `standard input`: column `a`: there is no value"),
        ("a,c\n1,red,7\n", "line 2 of `standard input` has 3 cells, where the first has 2"),
        ("", "`standard input` is empty"),
        ('a,c\n"1,red\n', "not well-formed CSV"),
        ('{"a": 1}\n', "line 1 of `standard input`: `standard input` has no column `c`"),
        ('{"a": 1, "c": "red"}\n{"a": 1,\n', "line 2 of `standard input` is not valid JSON"),
        ('{"a": 1, "c": "red"}\n{"a": null, "c": "red"}\n', "line 2 of `standard input`: column `a`"),
        ("[1]\n", "line 1 of `standard input` has 1 cells, the model takes 2"),
    ],
)
def test_what_cannot_be_taken_is_named_with_its_line(run: Path, tmp_path: Path, text: str, says: str) -> None:
    done = piped(tmp_path, text)
    assert done.returncode == 1
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert run.exists()


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (['{"a": 2, "c": "green"}', '{"a": -1, "c": "red"}', '{"a": 1,', '{"a": 3, "c": "red"}'], "line 3"),
        (['{"a": 2, "c": "green"}', '{"a": -1, "c": "red"}', '{"a": 1}', "{"], "line 3"),
        (['{"a": 2, "c": "green"}', '{"a": -1, "c": "red"}', '{"a": 1, "c": "pink"}'], "line 3"),
        (['[2, "green"]', '[-1, "red"]', "[1]", '[1, "red"]'], "line 3"),
        (["a,c", "2,green", "-1,red", "1", "1,red"], "line 4"),
        (["a,c", "2,green", "-1,red", "x,red", "1,red"], "line 4"),
    ],
    ids=["syntax", "no such column", "category", "too short", "cells", "number"],
)
def test_rows_before_a_faulty_one_are_predicted(
    run: Path, tmp_path: Path, lines: list[str], wrong: str
) -> None:
    done = piped(tmp_path, "\n".join(lines) + "\n")
    assert done.returncode == 1
    assert f"{wrong} of `standard input`" in " ".join(done.stderr.split())
    expected = package.load_run(run).predict([[2, "green"], [-1, "red"]])
    assert [np.float32(row["P(yes)"]) for row in table(done.stdout)] == expected[:, 1].tolist()
    done = piped(tmp_path, "\n".join(lines) + "\n", "-o", "o.csv", "--append")
    assert done.returncode == 1
    assert not (tmp_path / "o.csv").exists()


def test_rows_of_numbers_before_a_faulty_one_are_predicted(specnet: Specnet, tmp_path: Path) -> None:
    package.run(package.load(SPECS / "iris.toml", {"training.epochs": 2}), out=tmp_path / "run")
    (tmp_path / "n.csv").write_text("5,3,4,1\n6,3,4,1\n6,3,x,1\n6,3,4,1\n")
    (tmp_path / "n.json").write_text("[[5, 3, 4, 1], [6, 3, 4, 1], 7, [6, 3, 4, 1]]")
    expected = package.load_run(tmp_path / "run").predict([[5, 3, 4, 1], [6, 3, 4, 1]])
    for name, place in (("n.csv", "line 3 of `n.csv`: `x` is not a number"), ("n.json", "row 3 of `n.json`")):
        done = specnet("predict", "run", name)
        assert done.returncode == 1
        assert place in " ".join(done.stderr.split())
        assert [np.float32(row["P(setosa)"]) for row in table(done.stdout)] == expected[:, 0].tolist()


def test_the_data_s_own_rules_for_gaps_and_strangers_hold(tmp_path: Path) -> None:
    run = trained(tmp_path, 'missing = "mean"\nunknown = "zeros"\n')
    done = piped(tmp_path, "a,c\n,red\n1,pink\n")
    assert (done.returncode, done.stderr) == (0, "")
    expected = package.load_run(run).predict([[1.4, "red"], [1, "pink"]])
    found = [[float(row["P(no)"]), float(row["P(yes)"])] for row in table(done.stdout)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_many_blocks_come_out_in_order_and_a_late_fault_leaves_no_file(run: Path, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=5000).round(6).tolist()
    text = "a,c\n" + "".join(f"{v},green\n" for v in values)
    done = piped(tmp_path, text)
    expected = package.load_run(run).predict([[v, "green"] for v in values])
    assert [np.float32(row["P(yes)"]) for row in table(done.stdout)] == expected[:, 1].tolist()
    (tmp_path / "o.csv").write_text("kept")
    done = piped(tmp_path, f"{text}1,pink\n", "-o", "o.csv")
    assert done.returncode == 1
    assert "line 5002 of" in " ".join(done.stderr.split())
    assert (tmp_path / "o.csv").read_text() == "kept"
    assert not list(tmp_path.glob(".*"))


def test_arrays_and_their_faults(specnet: Specnet, tmp_path: Path) -> None:
    package.run(package.load(SPECS / "iris.toml", {"training.epochs": 2}), out=tmp_path / "run")
    rows = np.random.default_rng(0).uniform(1, 6, (3, 4))
    np.savez(tmp_path / "x.npz", inputs=rows)
    np.save(tmp_path / "x.npy", rows)
    (tmp_path / "x.json").write_text(json.dumps(rows.tolist()))
    (tmp_path / "x.csv").write_text("\n".join(",".join(map(str, row)) for row in rows.tolist()))
    expected = package.load_run(tmp_path / "run").predict(rows)
    for name in ("x.npz", "x.npy", "x.json", "x.csv"):
        done = specnet("predict", "run", name)
        assert (done.returncode, done.stderr) == (0, "")
        found = [[np.float32(v) for v in list(row.values())[1:]] for row in table(done.stdout)]
        np.testing.assert_array_equal(found, expected)
    np.save(tmp_path / "y.npy", rows[:, :3])
    done = specnet("predict", "run", "y.npy")
    assert (
        done.returncode,
        "has shape [3]; the model was trained on [4]" in " ".join(done.stderr.split()),
    ) == (1, True)
    (tmp_path / "z.csv").write_text(f"1,2,3,4\n1,2,3,{'z' * 60}\n")
    done = specnet("predict", "run", "z.csv")
    assert done.returncode == 1
    assert f"`{'z' * 40}…` is not a number" in " ".join(done.stderr.split())
    np.save(tmp_path / "z.npy", np.array([[1, 2, 3, np.nan]]))
    done = specnet("predict", "run", "z.npy")
    assert (done.returncode, "row 1 of" in done.stderr) == (1, True)
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    done = specnet("predict", "run", "o.npy")
    assert (done.returncode, "not a valid .npy file" in done.stderr) == (1, True)
    assert specnet("predict", "run", "absent.csv").returncode == 2
    assert specnet("predict", "absent", "x.csv").returncode == 2
    assert specnet("predict", "run", ".").returncode == 2


def test_numbers_and_yes_or_no(specnet: Specnet, tmp_path: Path) -> None:
    numbers = ["1,red,10", "2.5,green,25", "-1,blue,-9"]
    spec = SPEC.replace("units = 2", "units = 1").replace('"cross_entropy"', '"mse"')
    run = trained(tmp_path, rows=numbers, spec=spec)
    (tmp_path / "new.csv").write_text("a,c\n2,green\n")
    rows = table(specnet("predict", "run", "new.csv").stdout)
    assert [np.float32(row["prediction"]) for row in rows] == package.load_run(run).predict(
        [[2, "green"]]
    ).ravel()
    line = json.loads(specnet("predict", "run", "new.csv", "--output", "jsonl").stdout)
    assert np.float32(line["prediction"]) == np.float32(rows[0]["prediction"])
    spec = SPEC.replace("units = 2", "units = 1").replace('"cross_entropy"', '"binary_cross_entropy"')
    run = trained(tmp_path, spec=spec)
    row = table(specnet("predict", "run", "new.csv").stdout)[0]
    value = float(package.load_run(run).predict([[2, "green"]]).item())
    assert row == {"prediction": "yes" if value >= 0.5 else "no", "P(yes)": row["P(yes)"]}
    assert float(row["P(yes)"]) == pytest.approx(value)
