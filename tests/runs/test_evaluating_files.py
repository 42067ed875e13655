"""A run is evaluated on rows in files of every kind, whatever kind of data it was trained on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet

random = np.random.default_rng(8)
NAMES = ("no", "yes")
X = random.normal(size=(40, 3)).round(4)
Y = (X.sum(axis=1) > 0).astype(int)

LAYERS = 'layers = [{ type = "dense", units = 2 }]\nloss = "cross_entropy"\n'
REST = f'{LAYERS}metrics = ["accuracy"]\ntraining = {{ epochs = 3 }}\nspecnet = 1\n'
DATA = {
    "csv": 'type = "csv", path = "train.csv", target = "answer"',
    "npz": 'type = "npz", path = "train.npz"',
    "npy": 'type = "npy", inputs = "x.npy", targets = "y.npy"',
}


@pytest.fixture(params=DATA)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    _csv(tmp_path / "train.csv", X, [NAMES[y] for y in Y])
    np.savez(tmp_path / "train.npz", inputs=X, targets=Y)
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    (tmp_path / "s.toml").write_text(f"{REST}data = {{ {DATA[request.param]} }}\n", encoding="utf-8")
    specnet.run(specnet.load(tmp_path / "s.toml"), out=tmp_path / "run")
    return tmp_path / "run"


def _csv(path: Path, x: Any, y: Any) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["a", "b", "c", "answer"], *([*row, t] for row, t in zip(x, y, strict=True))]
        )


def _json(path: Path, x: Any, y: Any) -> None:
    rows = [dict(zip("abc", row, strict=True), answer=t) for row, t in zip(x.tolist(), y, strict=True)]
    text = json.dumps(rows) if path.suffix == ".json" else "".join(f"{json.dumps(row)}\n\n" for row in rows)
    path.write_text(text, encoding="utf-8")


def _npz(path: Path, x: Any, y: Any) -> None:
    np.savez(path, inputs=x, targets=[NAMES.index(t) if t in NAMES else t for t in y])


def _parquet(path: Path, x: Any, y: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({**{n: x[:, i] for i, n in enumerate("abc")}, "answer": list(y)}), path)


WRITERS = {
    ".csv": _csv,
    ".txt": _csv,
    ".json": _json,
    ".jsonl": _json,
    ".ndjson": _json,
    ".npz": _npz,
    ".parquet": _parquet,
}


@pytest.mark.parametrize(("suffix", "write"), WRITERS.items(), ids=list(WRITERS))
def test_files_of_every_kind_give_the_same_figures(
    suffix: str, write: Callable[[Path, Any, Any], None], run: Path
) -> None:
    new = random.normal(size=(25, 3)).round(4)
    true = (new[:, 0] > 0).astype(int)
    named = json.loads((run / "resolved.json").read_text())["spec"]["data"]["type"] == "csv"
    path = run.parent / f"new{suffix}"
    write(path, new, [NAMES[t] for t in true] if named else true.tolist())
    found = specnet.evaluate(run, path)
    expected = specnet.evaluate(run, (new, [NAMES[t] for t in true] if named else true))
    assert found.rows == {"data": 25}
    assert found.splits["data"] == pytest.approx(expected.splits["data"])


def test_a_built_in_data_set_is_named_by_its_columns(tmp_path: Path) -> None:
    text = (
        'specnet = 1\ndata = { type = "builtin", name = "iris" }\nlayers = [{ type = "dense", units = 3 }]\n'
        'loss = "cross_entropy"\ntraining = { epochs = 1 }\n'
    )
    specnet.run(text, out=tmp_path / "run")
    model = specnet.load_run(tmp_path / "run")
    assert model.encoding is not None
    names = model.encoding.signature.features
    assert names is not None
    rows = [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]
    lines = [["species", *reversed(names)], ["setosa", *reversed(rows[0])], ["virginica", *reversed(rows[1])]]
    path = tmp_path / "new.csv"
    path.write_text("\n".join(",".join(map(str, line)) for line in lines), encoding="utf-8")
    expected = specnet.evaluate(tmp_path / "run", (rows, ["setosa", "virginica"])).splits
    assert specnet.evaluate(tmp_path / "run", path).splits == expected
    path.write_text(
        "\n".join(",".join(map(str, [*row, i])) for i, row in zip((0, 2), rows, strict=True)),
        encoding="utf-8",
    )
    assert specnet.evaluate(tmp_path / "run", path).splits == expected
    path.write_text(path.read_text(encoding="utf-8").replace("0.2,0", "0.2,rose"), encoding="utf-8")
    with pytest.raises(
        specnet.SpecError, match=r"the target, column `4` of .* holds `rose` in row 1, which is not a class"
    ):
        specnet.evaluate(tmp_path / "run", path)
    path.write_text(path.read_text(encoding="utf-8").replace("0.2,rose", "0.2,"), encoding="utf-8")
    with pytest.raises(specnet.SpecError, match=r"the target, column `4` of .* has no value in row 1"):
        specnet.evaluate(tmp_path / "run", path)
    path.write_text(f"{','.join(names[1:])},species\n1,2,3,setosa\n", encoding="utf-8")
    with pytest.raises(specnet.SpecError, match=f"has no column `{names[0]}`"):
        specnet.evaluate(tmp_path / "run", path)


@pytest.mark.parametrize("run", ["npz"], indirect=True)
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("n.csv", "a,b,c\n1,2,3\n", "has 3 columns; the model needs 3 inputs and 1 target"),
        ("n.csv", "a,b,c,y,z\n1,2,3,0,1\n", "has 5 columns; the model needs 3 inputs and 1 target"),
        ("n.csv", "a,b,c,y\n1,?,3,0\n", r"column `b`: `\?` in row 1 is not a number"),
        ("n.csv", "a,b,c,y\n1,2,3,0\n1,2\n", "line 3 of `.*` has 2 cells"),
        ("n.jsonl", '{"a": 1, "b": 2, "c": 3, "y": 0}\n{"a": 1}\n', "line 2 of `.*` has no `b`"),
        ("n.jsonl", "[1, 2, 3, 0]\n{}\n", "line 2 of `.*` is not of the same form"),
        ("n.jsonl", "[1, 2, 3, 0]\n[1, 2]\n", "line 2 of `.*` has 2 cells, where the first has 4"),
        ("n.jsonl", "[1, 2, 3, 0]\n5\n", "line 2 of `.*` is neither an object nor an array"),
        ("n.jsonl", "[1, 2, [3], 0]\n", "line 1 of `.*` holds an object or an array where a cell is due"),
        ("n.jsonl", "[1, 2, 3, 0]\n[1,\n", "is not valid JSON: .*, in line 2"),
        ("n.jsonl", "\n", "is empty"),
        ("n.json", "{}", "is not an array of rows"),
        ("n.json", "[[1, 2, 3, 0]", "is not valid JSON"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(name: str, content: str, says: str, run: Path) -> None:
    path = run.parent / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(specnet.SpecError, match=says):
        specnet.evaluate(run, path)


@pytest.mark.parametrize("run", ["csv", "npy"], indirect=True)
def test_a_file_without_targets_is_refused(run: Path) -> None:
    np.save(run.parent / "new.npy", X)
    with pytest.raises(specnet.SpecError, match=r"`.*new\.npy` holds no targets") as caught:
        specnet.evaluate(run, run.parent / "new.npy")
    assert "the arrays `inputs` and `targets`" in str(caught.value.diagnostics[0].help)


def test_an_autoencoder_needs_the_inputs_alone(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", inputs=X)
    text = (
        'specnet = 1\ndata = { type = "npz", path = "train.npz", targets = "inputs" }\n'
        'layers = [{ type = "dense", units = 3 }]\nloss = "mse"\ntraining = { epochs = 1 }\n'
    )
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    specnet.run(specnet.load(tmp_path / "s.toml"), out=tmp_path / "run")
    path = tmp_path / "new.csv"
    path.write_text("a,b,c,more\n1,2,3,x\n3,2,1,x\n", encoding="utf-8")
    expected = specnet.evaluate(tmp_path / "run", [[1, 2, 3], [3, 2, 1]]).splits
    assert specnet.evaluate(tmp_path / "run", path).splits == expected
