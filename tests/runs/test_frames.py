"""Frames in the place of a table's file, and Parquet files of new rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.data import row_files

polars = pytest.importorskip("polars")
pandas = pytest.importorskip("pandas")

SPEC = """
specnet = 1
name = "framed"
loss = "cross_entropy"
layers = [{ type = "dense", units = 2 }]
training = { epochs = 3 }

[data]
type = "csv"
path = "table.csv"
target = "kind"
scale = "standardize"
split = { test = 0.25 }
"""
ROWS = 40
COLUMNS = {
    "size": [0.5 * i for i in range(ROWS)],
    "colour": ["red" if i % 3 else "blue" for i in range(ROWS)],
    "kind": ["big" if i > 20 else "small" for i in range(ROWS)],
}


@pytest.fixture
def document(tmp_path: Path) -> Path:
    (tmp_path / "s.toml").write_text(SPEC)
    return tmp_path / "s.toml"


@pytest.fixture(params=["pandas", "polars"])
def frame(request):
    return polars.DataFrame(COLUMNS) if request.param == "polars" else pandas.DataFrame(COLUMNS)


def test_a_frame_trains_as_its_file_does(document: Path, frame) -> None:
    spec = specnet.load(document)
    result = specnet.run(spec, data=frame)
    events = list(specnet.train(spec, data={"train": frame}))
    model = specnet.compile(spec, data=frame)
    checks = specnet.check_gradients(spec, data=frame)
    polars.DataFrame(COLUMNS).write_csv(document.parent / "table.csv")
    expected = specnet.run(spec)
    assert events[-1].splits == result.splits == expected.splits
    np.testing.assert_array_equal(
        model.parameters["dense_1.kernel"], specnet.compile(spec).parameters["dense_1.kernel"]
    )
    assert all(check.ok for check in checks)


def test_predictions_and_figures_from_frames(document: Path, frame) -> None:
    run = document.parent / "run"
    result = specnet.run(specnet.load(document), data=frame, out=run)
    model = specnet.load_run(run)
    rows = list(zip(COLUMNS["size"], COLUMNS["colour"], strict=True))
    np.testing.assert_array_equal(model.predict(frame), model.predict(rows))
    whole = specnet.evaluate(run, frame)
    pair = specnet.evaluate(run, (rows, COLUMNS["kind"]))
    assert whole.splits == pair.splits
    loss = sum(result.splits[name]["loss"] * (30 if name == "train" else 10) for name in result.splits) / ROWS
    assert whole.splits["data"]["loss"] == pytest.approx(loss, rel=1e-5)


def test_a_run_of_a_frame_cannot_read_it_again(document: Path, frame) -> None:
    run = document.parent / "run"
    specnet.run(specnet.load(document), data=frame, out=run)
    with pytest.raises(
        specnet.RunError, match="was trained on data that a program passed, which were not saved"
    ):
        specnet.evaluate(run)


def test_what_is_no_frame_is_refused(document: Path, frame) -> None:
    spec = specnet.load(document)
    for data in ([[1, "red", "big"]], {"test": frame}, {"train": frame, "dev": frame}, {"train": 5}):
        with pytest.raises(TypeError, match="a frame of pandas or Polars"):
            specnet.compile(spec, data=data)
    iris = specnet.load(document, overrides={"data": {"type": "builtin", "name": "iris"}})
    with pytest.raises(specnet.SpecError, match="`builtin` data are not a table"):
        specnet.compile(iris, data=frame)


def test_a_frame_resumes_with_itself_alone(document: Path) -> None:
    run, spec = document.parent / "run", specnet.load(document)
    asked = iter([False, True])
    specnet.run(spec, data=polars.DataFrame(COLUMNS), out=run, stop=lambda: next(asked, True))
    other = polars.DataFrame(COLUMNS | {"size": [0.0] * 20 + [1.0] * 20})
    with pytest.raises(specnet.RunError, match="`frame:train` has SHA-256"):
        specnet.run(spec, data=other, resume=run)
    assert specnet.run(spec, data=polars.DataFrame(COLUMNS), resume=run).epochs == 3


def test_parquet_files_of_rows(document: Path) -> None:
    pytest.importorskip("pyarrow")
    run, new = document.parent / "run", document.parent / "new.parquet"
    frame = pandas.DataFrame(COLUMNS)
    specnet.run(specnet.load(document), data=frame, out=run)
    model = specnet.load_run(run)
    pandas.DataFrame({"id": range(ROWS)} | COLUMNS).to_parquet(new)
    notes: list[str] = []
    (block,) = row_files.blocks(model.encoding, new, "new.parquet", notes.append)
    assert notes == ["new.parquet: the model does not take `id`, `kind`"]
    np.testing.assert_array_equal(model.predict(block.rows), model.predict(frame))
    assert specnet.evaluate(run, new).splits == specnet.evaluate(run, frame).splits
    iris = specnet.load(
        document,
        overrides={"data": {"type": "builtin", "name": "iris"}, "layers": [{"type": "dense", "units": 3}]},
    )
    learnt = specnet.run(iris).model
    rows = np.array([[5.0, 3.0, 1.5, 0.25], [6.0, 2.5, 4.0, 1.0]])
    names = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    pandas.DataFrame(rows, columns=list(names)).to_parquet(new)
    (block,) = row_files.blocks(learnt.encoding, new, "new.parquet", notes.append)
    np.testing.assert_array_equal(learnt.predict(block.rows), learnt.predict(rows))
