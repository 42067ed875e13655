"""Frames of pandas and Polars in the place of a table's files."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.data import FORMATS, load_data
from specnet.data.passed import PassedData
from specnet.diagnostics import SpecError
from tests.support.typed_columns import COLUMNS, DATES, FIELDS, same


def pandas_frame(columns, **types):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(columns).astype(types)


def polars_frame(columns):
    return pytest.importorskip("polars").DataFrame(columns)


FRAMES = {
    "pandas": pandas_frame,
    "pandas, nullable": lambda c: pandas_frame(
        c, age="Float64", count="Int64", member="boolean", zip="string"
    ),
    "pandas, categories": lambda c: pandas_frame(c, zip="category", count="float32"),
    "polars": polars_frame,
}


def framed(desk, frame, others=None, **fields):
    reader = FORMATS.validate({"type": "csv", "path": "absent.csv", **fields})
    frames = {"train": frame} | (others or {})
    return load_data(reader, desk.folder, seed=7, dtype="float64", passed=PassedData(frames))


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_a_frame_is_the_table_that_it_holds(desk, expected, make):
    data = framed(desk, make(COLUMNS), **FIELDS)
    same(data, expected)
    assert [name for name, _ in data.sources] == ["frame:train"]
    again = framed(desk, make(COLUMNS), **FIELDS)
    assert again.sources == data.sources
    other = framed(desk, make(COLUMNS | {"count": [3, 4, 5, 7]}), **FIELDS)
    assert other.sources != data.sources


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_new_rows_in_a_frame(desk, expected, make):
    frame = make({name: COLUMNS[name] for name in reversed(COLUMNS) if name != "kind"})
    np.testing.assert_allclose(expected.encode(frame), expected.splits["train"].inputs, rtol=1e-12)
    iris = desk.load(type="builtin", name="iris", transforms=["standardize"])
    rows = np.array([[5.0, 3.0, 1.5, 0.25], [6.0, 2.5, 4.0, 1.0]])
    names = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    columns = {name: rows[:, i].tolist() for i, name in enumerate(names)}
    new = (pandas_frame if make is not polars_frame else polars_frame)(dict(reversed(columns.items())))
    np.testing.assert_array_equal(iris.encode(new), iris.encode(rows))


def test_splits_of_their_own(desk):
    frame, other = polars_frame({"a": [1.0, 3.0], "y": ["u", "v"]}), polars_frame({"y": ["v"], "a": [7]})
    for fields in ({}, {"test": {"path": "absent.csv"}}):
        data = framed(desk, frame, {"test": other}, target="y", scale="minmax", **fields)
        assert data.splits["test"].inputs.tolist() == [[3.0]]
        assert data.splits["test"].targets.tolist() == [1]
    with pytest.raises(SpecError, match="both a fraction here and a frame"):
        framed(desk, frame, {"test": other}, target="y", split={"test": 0.5})


def test_faults_of_frames(desk):
    frame = pandas_frame({"a": [1.0, 2.0], "day": DATES[:2], "odd": [[1], 2], "y": ["u", "v"]})
    with pytest.raises(SpecError) as caught:
        framed(desk, frame, target="y")
    assert [d.message for d in caught.value.diagnostics] == [
        "column `day` of `the train frame` holds values of type date",
        "column `odd` of `the train frame` holds values of type list",
    ]
    pandas = pytest.importorskip("pandas")
    twins = pandas.DataFrame([[1, 2, "u"], [3, 4, "v"]], columns=["a", "a", "y"])
    with pytest.raises(SpecError, match="has 2 columns called `a`"):
        framed(desk, twins, target="y")
    data = framed(desk, frame, target="y", features=["a"])
    with pytest.raises(SpecError, match="`the frame` has no column `a`"):
        data.encode(frame[["y"]])
    named = framed(desk, frame, target="a", features=["y"])
    with pytest.raises(SpecError, match="`y` of `the frame` holds `w` in row 2, which the training file"):
        named.encode(pandas_frame({"y": ["u", "w"]}))
    reader = FORMATS.validate({"type": "builtin", "name": "iris"})
    with pytest.raises(SpecError, match="`builtin` data are not a table"):
        load_data(reader, desk.folder, seed=1, dtype="float64", passed=PassedData({"train": frame}))
    narrow = pandas_frame({name: [1.0] for name in ("sepal_length", "sepal_width", "petal_length")})
    with pytest.raises(SpecError, match="the frame has no `petal_width`"):
        desk.load(type="builtin", name="iris").encode(narrow)


def test_a_long_frame_with_gaps(desk):
    rows = 10_000
    number = [None if i % 10 == 0 else i for i in range(rows)]
    frame = polars_frame(
        {"a": number, "c": ["abc"[i % 3] for i in range(rows)], "y": [i % 2 for i in range(rows)]}
    )
    x = framed(desk, frame, target="y", missing="mean").splits["train"].inputs
    known = np.array([i for i in range(rows) if i % 10], float)
    np.testing.assert_allclose(x[::10, 0], known.mean())
    np.testing.assert_array_equal(x[np.arange(rows) % 10 != 0, 0], known)
    np.testing.assert_array_equal(x[:, 1:], np.eye(3)[np.arange(rows) % 3])
