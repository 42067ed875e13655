"""A table whose columns are said one by one: trained, kept, predicted with, measured and exported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.data import row_files
from specnet.interchange.exporting import WRITERS, Exported, numpy_program, write_numpy
from specnet.interchange.numpy.rows import raw_splits
from tests.support.exports import bare

SPEC = """
specnet = 1
name = "columns"
dtype = "float64"
loss = "binary_cross_entropy"
layers = [{ type = "dense", units = 4, activation = "tanh" }, { type = "dense", units = 1 }]
training = { epochs = 3 }

[data]
type = "csv"
path = "train.csv"
target = "bought"
split = { test = 0.25 }
transforms = [{ type = "scale", factor = 2.0 }]

[data.columns]
age    = { scale = "standardize", missing = "median" }
income = { scale = "minmax", fill = 1000 }
size   = { values = ["low", "mid", "high"], encode = "index" }
member = { type = "boolean", missing = "most_frequent" }
zip    = { type = "category", missing = "category", unknown = "zeros" }
bought = { type = "boolean", missing = "drop" }
"""


def row(i: int) -> str:
    age, income = "" if i % 7 == 0 else 20 + i % 31, "?" if i % 11 == 0 else 1000 + 40 * i
    size, member = ("low", "mid", "high")[i % 3], "" if i % 13 == 0 else ("Yes", "no", "T", "0")[i % 4]
    return (
        f"{age},{income},{size},{member},{'' if i % 5 == 0 else 10 + i % 3},{'' if i == 9 else 'yn'[i % 2]}"
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    head = "age,income,size,member,zip,bought"
    (tmp_path / "train.csv").write_text("\n".join([head, *map(row, range(60))]) + "\n")
    (tmp_path / "s.toml").write_text(SPEC)
    specnet.run(specnet.load(tmp_path / "s.toml"), out=tmp_path / "run")
    return tmp_path / "run"


CELLS = [
    [31, 1500.5, "mid", True, 11],
    [None, None, "high", None, None],
    ["45", "?", "low", "OFF", "99"],
]


def test_rows_in_every_form(run: Path) -> None:
    model = specnet.load_run(run)
    expected = model.predict(CELLS)
    names = ["age", "income", "size", "member", "zip"]
    objects = [dict(zip(names, cells, strict=True)) for cells in CELLS]
    np.testing.assert_array_equal(model.predict(objects), expected)
    csv, lines = run.parent / "new.csv", run.parent / "new.jsonl"
    csv.write_text("zip,age,member,size,income\n11,31,true,mid,1500.5\nNA,,,high,?\n99,45,off,low,\n")
    lines.write_text("".join(json.dumps(cells) + "\n" for cells in objects))
    for path in (csv, lines):
        (block,) = row_files.blocks(model.encoding, path, path.name, print)
        np.testing.assert_array_equal(model.predict(block.rows), expected)


def test_measured_on_its_own_splits_and_on_a_file(run: Path) -> None:
    own = specnet.evaluate(run)
    assert own.rows == {"train": 44, "test": 15}  # one of 60 rows has no target
    assert own.classes == ("false", "true")
    whole = specnet.evaluate(run, run.parent / "train.csv")
    assert whole.rows == {"data": 59}
    loss = sum(own.splits[name]["loss"] * own.rows[name] for name in own.splits) / 59
    assert whole.splits["data"]["loss"] == pytest.approx(loss, rel=1e-12)


def test_exported_to_numpy(run: Path) -> None:
    scope: dict = {}
    exec(numpy_program(Exported.of(run), training=False, beside=None).text, scope)
    model = specnet.load_run(run)
    cells = [*CELLS[:2], [45, None, "low", "off", 99]]
    np.testing.assert_allclose(scope["predict"](cells), model.predict(cells), rtol=1e-12)
    for wrong, said in (
        (["tall", "yes"], "'tall' is not a known size"),
        (["low", "perhaps"], "member"),
    ):
        with pytest.raises(ValueError, match=said):
            scope["predict"]([[1, 1, *wrong, 11]])


def test_the_exported_program_trains_the_same(run: Path) -> None:
    write_numpy(run.parent / "made.py", Exported.of(run), training=True)
    found, model = bare(run.parent / "made.py"), specnet.load_run(run)
    np.testing.assert_allclose(found["dense_2_kernel"], model.parameters["dense_2.kernel"], rtol=1e-9)


def test_exported_to_onnx_with_the_scales_in_it(run: Path) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    WRITERS["onnx"](run.parent / "made.onnx", Exported.of(run))
    made = runtime.InferenceSession(str(run.parent / "made.onnx"), providers=["CPUExecutionProvider"])
    spec = specnet.load(run.parent / "s.toml")
    result = specnet.run(spec)
    raw = raw_splits(spec, spec.folder, result.data)["test"][0]
    (found,) = made.run(None, {"inputs": np.ascontiguousarray(raw)})
    expected = result.model.forward(result.data.splits["test"].inputs)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_scaled_numbers_are_not_warned_of(run: Path) -> None:
    path = run.parent / "s.toml"
    assert not specnet.validate(path).diagnostics
    path.write_text(SPEC.replace('scale = "minmax", ', ""))
    assert "SN741" in {d.code for d in specnet.validate(path).diagnostics}
