"""Parquet files: tables whose columns have types."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from specnet.installation import install_command
from tests.support.typed_columns import COLUMNS, DATES, FIELDS, same


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


def test_a_parquet_file_is_the_table_that_it_holds(desk, parquet, expected):
    parquet("f.parquet", COLUMNS)
    same(desk.load(type="parquet", path="f.parquet", **FIELDS), expected)
    parquet("g.parquet", COLUMNS, age="float32", count="uint8", zip="large_string")
    same(desk.load(type="parquet", path="g.parquet", **FIELDS), expected)


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
