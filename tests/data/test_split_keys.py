"""The columns and arrays by which rows are split, in every format that has them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.data import FORMATS, load_data
from specnet.data.passed import PassedData
from specnet.data.split_keys import SPLITS
from specnet.diagnostics import SpecError

HEAD = "x,y,patient,day,part\n"


def table(rows: int = 24) -> str:
    """x is the row's number, y half of it; four rows a patient; days in reverse; and parts of a quarter each."""
    lines = [
        f"{i},{i / 2 + 0.25},p{i // 4},2024-01-{rows - i:02},{SPLITS[max(0, i % 4 - 1)]}" for i in range(rows)
    ]
    return HEAD + "\n".join(lines) + "\n"


def rows_of(data: Any) -> dict[str, list[int]]:
    return {name: [int(x) for x in np.asarray(split.inputs)[:, 0]] for name, split in data.splits.items()}


@pytest.fixture
def csv(desk):
    desk.write("f.csv", table())
    return {"type": "csv", "path": "f.csv", "target": "y"}


def test_columns_that_split_are_no_features(csv, desk):
    data = desk.load(**csv, exclude=["day", "part"], split={"test": 0.25, "group": "patient"}, seed=0)
    assert data.signature.features == ("x",)
    rows = rows_of(data)
    assert {i // 4 for i in rows["test"]}.isdisjoint(i // 4 for i in rows["train"])
    assert len(rows["test"]) in (4, 8)
    told = desk.load(**csv, features=["x", "patient"], split={"test": 0.25, "group": "patient"}, seed=0)
    assert told.signature.features[:2] == ("x", "patient=p0")
    assert rows_of(told) == rows


def test_dates_order_the_rows(csv, desk):
    rows = rows_of(desk.load(**csv, features=["x"], split={"validation": 0.25, "test": 0.25, "time": "day"}))
    assert rows == {
        "train": list(range(12, 24)),
        "validation": list(range(6, 12)),
        "test": list(range(6)),
    }


def test_a_column_names_the_split(csv, desk):
    rows = rows_of(desk.load(**csv, features=["x"], split={"column": "part"}))
    assert rows["train"] == [i for i in range(24) if i % 4 < 2]
    assert rows["validation"] == [i for i in range(24) if i % 4 == 2]
    assert rows["test"] == [i for i in range(24) if i % 4 == 3]


@pytest.mark.parametrize(
    "days",
    [
        ["3", "20", "100"],
        ["-1.5", "2", "1e3"],
        ["2023-12-31", "2024-01-01T08:00", "2024-01-01T09:00"],
        ["2024-01-01T12:00+02:00", "2024-01-01T11:00", "2024-01-01T11:00:00.5"],
        ["20240101", "20240102", "20240203"],
    ],
)
def test_times_are_compared_as_what_they_mean(desk, days):
    desk.write("f.csv", "x,y,day\n" + "".join(f"{i},0.5,{days[i]}\n" for i in (2, 0, 1)))
    data = desk.load(type="csv", path="f.csv", target="y", split={"test": 0.3, "time": "day"})
    assert rows_of(data) == {"train": [0, 1], "test": [2]}


@pytest.mark.parametrize("split", [{"group": "patient"}, {"time": "day"}, {}])
@pytest.mark.parametrize("folds", [{"test": 0.25, "validation": 0.25}, {"folds": 3, "fold": 2}])
def test_rows_that_stay_in_their_file_are_split_alike(csv, desk, split, folds):
    fields = {**csv, "features": ["x"], "split": {**split, **folds}}
    whole, streamed = (
        load_data(FORMATS.validate({**fields, "load": load}), desk.folder, seed=3, dtype="float64")
        for load in ("whole", "batches")
    )
    for name, part in whole.splits.items():
        inputs, targets = streamed.splits[name].at(np.arange(len(part)))
        np.testing.assert_array_equal(inputs, part.inputs)
        np.testing.assert_array_equal(targets, part.targets)


def test_rows_that_are_dropped_are_not_split(desk):
    desk.write("f.csv", "x,y,patient\n1,0.5,a\n,0.5,\n2,0.5,b\n3,0.5,b\n")
    data = desk.load(
        type="csv", path="f.csv", target="y", missing="drop", split={"test": 0.5, "group": "patient"}, seed=0
    )
    assert sorted(row for rows in rows_of(data).values() for row in rows) == [1, 2, 3]


@pytest.mark.parametrize(
    ("split", "content", "code", "message"),
    [
        ({"test": 0.5, "group": "patent"}, "1,0,a\n", "SN509", "no column `patent`"),
        ({"test": 0.5, "group": "y"}, "1,0,a\n", "SN510", "is a target"),
        ({"test": 0.5, "group": "k"}, "1,0,a\n2,0,\n3,0,NA\n", "SN511", "has no value in lines 3 and 4"),
        (
            {"test": 0.5, "time": "k"},
            "1,0,1\n2,0,\n",
            "SN511",
            "column `k` of `f.csv` has no value in line 3",
        ),
        ({"test": 0.5, "time": "k"}, "1,0,2024-01-02\n2,0,3/1/2024\n", "SN556", "`3/1/2024` in line 3"),
        ({"test": 0.5, "time": "k"}, "1,0,2024-01-02\n2,0,7\n", "SN556", "both numbers and dates"),
        ({"column": "k"}, "1,0,train\n2,0,testing\n", "SN556", "`testing` in line 3, which is not the name"),
        ({"column": "k"}, "1,0,test\n", "SN550", "names no row `train`"),
        ({"test": 0.5, "group": "k"}, "1,0,a\n2,0,a\n", "SN555", "2 splits need 2 groups, and there is 1"),
        ({"folds": 3, "time": "k"}, "1,0,1\n2,0,2\n3,0,3\n", "SN555", "need 4 different times"),
    ],
)
def test_what_is_wrong_with_a_column(desk, split, content, code, message):
    desk.write("f.csv", "x,y,k\n" + content)
    fault = desk.fault(type="csv", path="f.csv", target="y", split=split)
    assert fault.code == code
    assert message in fault.message
    assert fault.path is not None
    assert fault.path[:2] == ("data", "split")


def test_a_suggestion_for_the_name_of_a_split(desk):
    desk.write("f.csv", "x,y,k\n1,0,train\n2,0,tests\n")
    fault = desk.fault(type="csv", path="f.csv", target="y", split={"column": "k"})
    assert fault.help == "did you mean `test`?"


def test_all_that_is_wrong_is_found_at_once(desk):
    desk.write("f.csv", "x,y,k\n1,0,train\n2,0,tests\n3,0,val\n")
    assert [f.code for f in desk.found(type="csv", path="f.csv", target="y", split={"column": "k"})] == [
        "SN556",
        "SN556",
    ]


def test_npz_arrays_of_numbers_text_and_dates(desk):
    x, y = np.arange(12.0)[:, None], np.arange(12) // 6
    days = np.datetime64("2024-01-12") - np.arange(12).astype("timedelta64[D]")
    who = np.array([f"p{i // 3}" for i in range(12)])
    np.savez(desk.folder / "d.npz", inputs=x, targets=y, who=who, number=np.arange(12) // 3, day=days)
    fields = {"type": "npz", "path": "d.npz"}
    text, number = (
        rows_of(desk.load(**fields, split={"folds": 2, "group": name}, seed=0)) for name in ("who", "number")
    )
    assert text == number
    assert len({i // 3 for i in text["test"]}) == 2
    assert rows_of(desk.load(**fields, split={"test": 0.25, "time": "day"}))["test"] == [0, 1, 2]
    stratified = desk.load(**fields, split={"folds": 2, "group": "who", "stratify": True}, seed=0)
    assert stratified.splits["test"].targets.mean() == 0.5


def test_what_is_wrong_with_an_array(desk):
    x, y = np.arange(4.0)[:, None], np.arange(4)
    np.savez(
        desk.folder / "d.npz",
        inputs=x,
        targets=y,
        short=np.arange(3),
        objects=np.array([{}] * 4),
        gap=[1, 2, np.nan, 3],
    )
    fields = {"type": "npz", "path": "d.npz"}
    for name, code, message in (
        ("who", "SN521", "has no array `who`"),
        ("short", "SN542", "one value for each of the 4 rows"),
        ("gap", "SN511", "has no value in row 3"),
        (3, "SN521", "have names"),
    ):
        fault = desk.fault(**fields, split={"test": 0.5, "group": name})
        assert (fault.code, fault.path) == (code, ("data", "split", "group"))
        assert message in fault.message
    (fault,) = desk.faults(**fields, split={"test": 0.5, "group": "objects"})
    assert fault.path == ("data", "split", "group")


def passed(data: Any, split: dict[str, Any], **data_fields: Any) -> dict[str, list[int]]:
    spec = specnet.load(
        {
            "specnet": 1,
            "data": {"type": "arrays", "split": split, **data_fields},
            "layers": [{"type": "dense", "units": 1}],
            "loss": "mse",
        }
    )
    result = specnet.run(spec, data=data)
    return rows_of(result.data)


def test_arrays_that_a_program_passes() -> None:
    x, y = np.arange(12.0)[:, None], np.arange(12) / 7
    who = [f"p{i // 3}" for i in range(12)]
    rows = passed(({"inputs": x, "who": who}, y), {"test": 0.25, "group": "who"})
    assert len({i // 3 for i in rows["test"]}) == 1
    days = [datetime(2024, 1, 12 - i, tzinfo=UTC) for i in range(12)]
    rows = passed(({"inputs": x, "day": days}, y), {"test": 0.25, "time": "day"})
    assert rows["test"] == [0, 1, 2]
    with pytest.raises(SpecError, match="no array or column `who` among the inputs"):
        passed((x, y), {"test": 0.25, "group": "who"})


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(library, desk):
    frames = pytest.importorskip(library)
    columns = {
        "x": [float(i) for i in range(12)],
        "y": [i / 7 for i in range(12)],
        "who": [i // 3 for i in range(12)],
        "day": [date(2024, 1, 12 - i) for i in range(12)],
    }
    frame = frames.DataFrame(columns)
    fields = {"type": "frame", "target": "y", "features": ["x"]}
    for split, expected in (
        ({"test": 0.25, "time": "day"}, [0, 1, 2]),
        ({"folds": 4, "fold": 1, "group": "who"}, None),
    ):
        reader = FORMATS.validate({**fields, "split": split})
        data = load_data(reader, desk.folder, seed=0, dtype="float64", passed=PassedData({"train": frame}))
        rows = rows_of(data)["test"]
        assert len({i // 3 for i in rows}) == 1
        assert expected is None or rows == expected
    beside = frame[["x", "who"]]
    rows = passed((beside, columns["y"]), {"test": 0.25, "group": "who"})
    assert len({i // 3 for i in rows["test"]}) == 1


def test_parquet_dates(desk):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    days = [datetime(2024, 1, 12 - i, tzinfo=UTC) for i in range(12)]
    made = arrow.table({"x": np.arange(12.0), "y": np.arange(12) / 7, "day": days})
    parquet.write_table(made, desk.folder / "f.parquet")
    data = desk.load(type="parquet", path="f.parquet", target="y", split={"test": 0.25, "time": "day"})
    assert rows_of(data)["test"] == [0, 1, 2]
    gap = arrow.table({"x": np.arange(3.0), "y": np.arange(3) / 7, "day": [days[0], None, days[1]]})
    parquet.write_table(gap, desk.folder / "f.parquet")
    fault = desk.fault(type="parquet", path="f.parquet", target="y", split={"test": 0.25, "time": "day"})
    assert fault.code == "SN511"
    assert "row 2" in fault.message
