"""Tables whose columns have types: Parquet files, pandas and Polars frames."""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal

import numpy as np
import pytest

from specnet.data import FORMATS, load_data
from specnet.diagnostics import SpecError
from specnet.installation import install_command

DATES = [dt.date(2024, 1, day) for day in (1, 2, 3, 4)]
COLUMNS = {
    "age": [20.5, None, 40.5, 60.5],
    "count": [3, 4, 5, 6],
    "paid": [Decimal("1.25"), Decimal("2.5"), None, Decimal("0.5")],
    "zip": ["10", "9", "10", None],
    "member": [True, False, None, True],
    "day": DATES,
    "kind": ["cat", "dog", "cat", "dog"],
}
TEXT = """\
age,count,paid,zip,member,day,kind
20.5,3,1.25,10,true,2024-01-01,cat
,4,2.5,9,false,2024-01-02,dog
40.5,5,,10,,2024-01-03,cat
60.5,6,0.5,,true,2024-01-04,dog
"""
FIELDS = {"target": "kind", "exclude": ["day"], "missing": "mean", "scale": "standardize"}


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


@pytest.fixture
def parquet(desk):
    arrow = pytest.importorskip("pyarrow")
    file = pytest.importorskip("pyarrow.parquet")

    def write(name, columns, **types):
        table = arrow.table(columns)
        for column, kind in types.items():
            place = table.column_names.index(column)
            table = table.set_column(place, column, table[column].cast(kind))
        file.write_table(table, desk.folder / name, row_group_size=3)

    return write


@pytest.fixture
def expected(desk):
    """What the same table comes to as text, its columns' types written down."""
    desk.write("f.csv", TEXT)
    columns = {"member": {"type": "boolean"}, "zip": {"type": "category"}}
    return desk.load(type="csv", path="f.csv", **FIELDS, columns=columns)


def same(data, expected):
    assert data.signature == expected.signature
    for name, split in expected.splits.items():
        np.testing.assert_allclose(data.splits[name].inputs, split.inputs, rtol=1e-12)
        np.testing.assert_array_equal(data.splits[name].targets, split.targets)


def framed(desk, frame, others=None, **fields):
    reader = FORMATS.validate({"type": "csv", "path": "absent.csv", **fields})
    frames = {"train": frame} | (others or {})
    return load_data(reader, desk.folder, seed=7, dtype="float64", frames=frames)


def test_a_parquet_file_is_the_table_that_it_holds(desk, parquet, expected):
    parquet("f.parquet", COLUMNS)
    same(desk.load(type="parquet", path="f.parquet", **FIELDS), expected)
    parquet("g.parquet", COLUMNS, age="float32", count="uint8", zip="large_string")
    same(desk.load(type="parquet", path="g.parquet", **FIELDS), expected)


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


def test_new_rows_in_a_file(desk, parquet, expected):
    parquet("new.parquet", {name: COLUMNS[name] for name in COLUMNS if name != "kind"})
    found = expected.encoding.encode_file("new.parquet", desk.folder)
    np.testing.assert_allclose(found, expected.splits["train"].inputs, rtol=1e-12)
    parquet("f.parquet", COLUMNS)
    learnt = desk.load(type="parquet", path="f.parquet", **FIELDS)
    found = learnt.encoding.encode_file("f.csv", desk.folder)
    np.testing.assert_allclose(found, expected.splits["train"].inputs, rtol=1e-12)


def test_types_can_be_said_to_be_others(desk, parquet):
    parquet("f.parquet", {"a": [1, 2, 1], "b": ["1.5", "2", "4"], "c": [0, 1, 1], "y": [0.5, 1.5, 2.5]})
    columns = {"a": {"type": "category"}, "b": {"type": "number"}, "c": {"type": "boolean"}}
    data = desk.load(type="parquet", path="f.parquet", target="y", columns=columns)
    assert data.splits["train"].inputs.tolist() == [[1, 0, 1.5, 0], [0, 1, 2, 1], [1, 0, 4, 1]]


def test_splits_of_their_own(desk, parquet):
    parquet("f.parquet", {"a": [1.0, 3.0], "y": ["u", "v"]})
    parquet("t.parquet", {"y": ["v"], "b": [0], "a": [7]})
    test = {"path": "t.parquet"}
    data = desk.load(type="parquet", path="f.parquet", target="y", test=test, scale="minmax")
    assert data.splits["test"].inputs.tolist() == [[3.0]]
    frame, other = polars_frame({"a": [1.0, 3.0], "y": ["u", "v"]}), polars_frame({"y": ["v"], "a": [7]})
    for fields in ({}, {"test": {"path": "absent.csv"}}):
        data = framed(desk, frame, {"test": other}, target="y", scale="minmax", **fields)
        assert data.splits["test"].inputs.tolist() == [[3.0]]
        assert data.splits["test"].targets.tolist() == [1]
    with pytest.raises(SpecError, match="both a fraction here and a frame"):
        framed(desk, frame, {"test": other}, target="y", split={"test": 0.5})


def test_faults_of_parquet_files(desk, parquet):
    parquet(
        "f.parquet", {"a": [1.0, None, 3.0], "day": DATES[:3], "l": [[1], [2], [3]], "y": [1.5, 2.5, 3.5]}
    )
    fields = {"type": "parquet", "path": "f.parquet", "target": "y"}
    found = desk.found(**fields)
    assert [(fault.code, fault.path) for fault in found] == [("SN518", ("data", "path"))] * 2
    assert found[0].message == "column `day` of `f.parquet` holds values of type date32[day]"
    fault = desk.fault(**fields, exclude=["day", "l"])
    assert (fault.code, fault.message) == ("SN511", "column `a` of `f.parquet` has no value in row 2")
    whole = (desk.folder / "f.parquet").read_bytes()
    for content in (b"a,y\n1,2\n", whole[:200], whole[:4] + bytes(len(whole) - 4)):
        desk.write("f.parquet", content)
        assert desk.fault(**fields).code == "SN519"
    parquet("f.parquet", {"a": [1.0], "y": [1.5]})
    fault = desk.fault(**fields | {"target": "z"})
    assert (fault.code, fault.help) == ("SN509", "it has `a`, `y`")


def test_without_pyarrow_the_extra_is_named(desk, monkeypatch):
    desk.write("f.parquet", b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    fault = desk.fault(type="parquet", path="f.parquet", target="y")
    assert (fault.code, fault.help) == ("SN582", install_command("parquet"))


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
        load_data(reader, desk.folder, seed=1, dtype="float64", frames={"train": frame})
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
