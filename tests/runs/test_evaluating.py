from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_absolute_error, r2_score

import specnet

random = np.random.default_rng(3)
COLOURS = ("blue", "green", "red")


def write(path: Path, rows: list[list[object]], head: str = "a,c,kind") -> Path:
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def made(count: int) -> list[list[object]]:
    rows = []
    for _ in range(count):
        a, c = random.normal(), random.integers(3)
        rows.append([f"{a:.6f}", COLOURS[c], "yes" if a + c > 1 else "no"])
    return rows


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write(tmp_path / "train.csv", made(80))
    (tmp_path / "s.toml").write_text(
        """
specnet = 1
data = { type = "csv", path = "train.csv", target = "kind", split = { test = 0.25 } }
layers = [{ type = "dense", units = 2 }]
loss = "cross_entropy"
training = { epochs = 5 }
"""
    )
    specnet.run(specnet.load(tmp_path / "s.toml"), out=tmp_path / "run")
    return tmp_path / "run"


def test_the_own_splits_come_to_what_the_run_came_to(run: Path):
    result = specnet.run(specnet.load(run.parent / "s.toml"))
    found = specnet.evaluate(run)
    assert found.splits == result.splits
    assert (found.rows, found.classes) == ({"train": 60, "test": 20}, ("no", "yes"))


def test_other_rows_are_measured_as_scikit_learn_measures_them(run: Path):
    rows = made(30)
    turned = write(run.parent / "new.csv", [[k, "x", c, a] for a, c, k in rows], "kind,more,c,a")
    found = specnet.evaluate(run, turned)
    assert found.rows == {"data": 30}
    probabilities = specnet.load_run(run).predict([row[:2] for row in rows])
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True, dtype=float)
    true = [row[2] for row in rows]
    assert found.splits["data"]["loss"] == pytest.approx(log_loss(true, probabilities), rel=1e-5)
    right = np.array(["no", "yes"])[probabilities.argmax(axis=1)] == true
    assert found.splits["data"]["accuracy"] == pytest.approx(right.mean())
    again = specnet.evaluate(run, ([row[:2] for row in rows], true))
    assert again.splits == found.splits


@pytest.mark.parametrize(
    ("head", "row", "says"),
    [
        ("a,c", ["1", "red"], "no column `kind`"),
        ("a,kind", ["1", "yes"], "no column `c`"),
        ("a,c,kind", ["1", "pink", "yes"], "`pink` in line 2"),
        ("a,c,kind", ["1", "red", "perhaps"], "`perhaps` in line 2"),
        ("a,c,kind", ["1", "red", ""], "no value in line 2"),
        ("a,c,kind", ["x", "red", "yes"], "`x` in line 2"),
    ],
)
def test_what_a_file_lacks_is_said(run: Path, head: str, row: list[object], says: str):
    with pytest.raises(specnet.SpecError, match=says):
        specnet.evaluate(run, write(run.parent / "new.csv", [row], head))


def test_targets_that_no_class_has_are_refused(run: Path):
    with pytest.raises(specnet.SpecError, match="`maybe` is not a class"):
        specnet.evaluate(run, ([[1, "red"]], ["maybe"]))
    with pytest.raises(specnet.SpecError, match=r"`x{40}…` is not a class"):
        specnet.evaluate(run, ([[1, "red"]], ["x" * 60]))
    with pytest.raises(specnet.SpecError, match="not a class index"):
        specnet.evaluate(run, ([[1, "red"]], [0.5]))
    with pytest.raises(specnet.SpecError, match="classes go from 0 to 7"):
        specnet.evaluate(run, ([[1, "red"], [2, "red"]], [0, 7]))
    with pytest.raises(specnet.SpecError, match="1 rows of inputs, and 2 targets"):
        specnet.evaluate(run, ([[1, "red"]], [0, 1]))
    with pytest.raises(TypeError, match="a path, or a pair"):
        specnet.evaluate(run, 5)


def test_changed_or_vanished_data_are_not_taken_for_the_own(run: Path):
    table = run.parent / "train.csv"
    text = table.read_text()
    table.write_text(text + text.splitlines()[-1] + "\n")
    with pytest.raises(specnet.RunError, match=r"changed since.*`train.csv`"):
        specnet.evaluate(run)
    table.unlink()
    with pytest.raises(specnet.RunError, match="cannot be read again"):
        specnet.evaluate(run)


def test_numbers_are_measured_in_the_units_of_the_data(tmp_path: Path):
    rows = [[x, 1000 + 500 * x] for x in random.normal(size=60).tolist()]
    write(tmp_path / "t.csv", rows, "x,y")
    text = """
specnet = 1
data = { type = "csv", path = "t.csv", target = "y", transforms = [{ type = "standardize", on = "targets" }] }
layers = [{ type = "dense", units = 1 }]
loss = "mse"
training = { epochs = 3 }
"""
    (tmp_path / "s.toml").write_text(text)
    specnet.run(specnet.load(tmp_path / "s.toml"), out=tmp_path / "run")
    new = random.normal(size=(20, 1))
    true = (1000 + 500 * new)[:, 0]
    np.savez(tmp_path / "n.npz", inputs=new, targets=true)
    found = specnet.evaluate(tmp_path / "run", (new, true)).splits["data"]
    predicted = specnet.load_run(tmp_path / "run").predict(new)
    assert found["mae"] == pytest.approx(mean_absolute_error(true, predicted), rel=1e-5)
    assert found["r2"] == pytest.approx(r2_score(true, predicted), rel=1e-4, abs=1e-5)


def test_arrays_come_from_an_npz_file(tmp_path: Path):
    x, t = random.normal(size=(50, 3)), random.integers(0, 2, 50)
    np.savez(tmp_path / "a.npz", x=x, t=t)
    (tmp_path / "s.toml").write_text(
        """
specnet = 1
data = { type = "npz", path = "a.npz", inputs = "x", targets = "t" }
layers = [{ type = "dense", units = 2 }]
loss = "cross_entropy"
training = { epochs = 1 }
"""
    )
    specnet.run(specnet.load(tmp_path / "s.toml"), out=tmp_path / "run")
    whole = specnet.evaluate(tmp_path / "run").splits["train"]
    assert specnet.evaluate(tmp_path / "run", tmp_path / "a.npz").splits["data"] == whole
    np.savez(tmp_path / "b.npz", x=x[:, :2], t=t)
    with pytest.raises(specnet.SpecError, match=r"shape \[2\]; the model was trained on \[3\]"):
        specnet.evaluate(tmp_path / "run", tmp_path / "b.npz")
