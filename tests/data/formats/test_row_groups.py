"""A Parquet file has the same numbers, to the bit, and the same faults, however many processes decode it together."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from specnet.data.formats import parquet
from specnet.data.formats.parquet import row_groups
from specnet.runs import reading as runs_reading
from tests.support.reading_together import read_together

arrow = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

COUNT = 200


@pytest.fixture(autouse=True)
def bound(monkeypatch):
    """Processes that are bound to cores of their own, and small pieces, so that small tables take many."""
    monkeypatch.setattr(runs_reading, "of_all", lambda _: 1 << 20)
    monkeypatch.setattr(row_groups, "FROM", 0)
    monkeypatch.setattr(parquet, "ROWS", 16)
    monkeypatch.setattr(parquet, "CELLS", 1)


@pytest.fixture
def taken(monkeypatch):
    """The row groups that were taken in as others had decoded them."""
    groups, given = [], row_groups.RowGroupTask.given

    def counted(task, types, arrays):
        groups.append(task.group)
        return given(task, types, arrays)

    monkeypatch.setattr(row_groups.RowGroupTask, "given", counted)
    return groups


def table(**replaced):
    """Return columns of every type, with missing values."""
    rng = np.random.default_rng(0)
    every = range(COUNT)
    columns = {
        "a": [float(rng.normal()) if i % 7 else None for i in every],
        "nan": [float(rng.normal()) if i % 9 else float("nan") for i in every],
        "single": arrow.array(rng.normal(size=COUNT).astype(np.float32)),
        "half": arrow.array(rng.normal(size=COUNT).astype(np.float16)),
        "whole": [2**53 + i if i % 11 else -999 for i in every],
        "price": [Decimal(i) / 4 if i % 13 else None for i in every],
        "flag": [i % 3 == 0 if i % 8 else None for i in every],
        "late": [None if i < 120 else float(i) for i in every],
        "name": [["red", "été", "", "blue"][i % 4 if i > 50 else i % 2] for i in every],
        "listed": arrow.array([["u", "v", None][i % 3] for i in every]).dictionary_encode(),
        "size": [[0.5, -0.0, 0.0, 2.0][i % 4] for i in every],
        "group": [dt.datetime(2024, 1, 1 + i % 28) for i in every],  # noqa: DTZ001  as files hold them
        "unused": [[i] for i in every],
        "y": ["uvw"[i % 3] for i in every],
    }
    return arrow.table(columns | replaced)


FIELDS = {
    "type": "parquet",
    "path": "t.parquet",
    "target": "y",
    "exclude": ["unused"],
    "columns": {
        "a": {"missing": "mean"},
        "nan": {"missing": "mean"},
        "whole": {"missing": "drop"},
        "price": {"missing": "mean"},
        "flag": {"missing": "most_frequent"},
        "late": {"missing": "mean"},
        "name": {"missing": "category"},
        "listed": {"missing": "most_frequent"},
        "size": {"type": "category"},
    },
    "missing_markers": ["", "-999"],
    "split": {"group": "group", "test": 0.2},
}


def check(folder, fields=FIELDS, sizes=(2, 3)):
    alone = read_together(folder, fields, 1)
    for size in sizes:
        assert read_together(folder, fields, size) == alone
    return alone


def test_processes_read_what_one_does(tmp_path, taken):
    pq.write_table(table(), tmp_path / "t.parquet", row_group_size=30)
    assert not isinstance(check(tmp_path), list)
    assert taken == [1, 3, 5, *range(1, 7)]


def test_the_rows_of_a_fault_are_those_of_the_file(tmp_path, taken):
    names = [None if i == 170 else "red" for i in range(COUNT)]
    pq.write_table(table(name=names), tmp_path / "t.parquet", row_group_size=30)
    fields = FIELDS | {"columns": {key: each for key, each in FIELDS["columns"].items() if key != "name"}}
    ((code, message, *_),) = check(tmp_path, fields)
    assert (code, message) == ("SN511", "column `name` of `t.parquet` has no value in row 171")
    assert taken


@pytest.mark.parametrize("group", [0, 3, 6])
@pytest.mark.parametrize("compression", ["snappy", "none"])
def test_a_damaged_row_group_is_found_as_by_one_process(group, compression, tmp_path, taken):
    path = tmp_path / "t.parquet"
    pq.write_table(table(), path, row_group_size=30, compression=compression)
    column = pq.ParquetFile(path).metadata.row_group(group).column(0)
    content = bytearray(path.read_bytes())
    content[column.data_page_offset : column.data_page_offset + 40] = b"\xff" * 40
    path.write_bytes(content)
    ((code, message, *_),) = check(tmp_path)
    assert code == "SN519"
    assert "is damaged" in message
    assert group not in taken


def test_empty_row_groups_hold_nothing(tmp_path, taken):
    rows = table()
    with pq.ParquetWriter(tmp_path / "t.parquet", rows.schema) as writer:
        for start, count in ((0, 0), (0, 50), (50, 0), (50, 150)):
            writer.write_table(rows.slice(start, count))
    assert not isinstance(check(tmp_path), list)
    assert set(taken) == {pq.ParquetFile(tmp_path / "t.parquet").num_row_groups - 1}


@pytest.mark.parametrize("why", ["one group", "small", "large groups", "all cores"])
def test_one_process_reads_by_itself_what_is_not_worth_sharing(why, tmp_path, monkeypatch, taken):
    if why == "small":
        monkeypatch.setattr(row_groups, "FROM", 1 << 20)
    if why == "large groups":
        monkeypatch.setattr(row_groups, "MOST", 400)
    if why == "all cores":
        monkeypatch.undo()
        monkeypatch.setattr(row_groups, "FROM", 0)
        monkeypatch.setattr(row_groups.RowGroupTask, "read", None)
    pq.write_table(table(), tmp_path / "t.parquet", row_group_size=COUNT if why == "one group" else 30)
    assert not isinstance(check(tmp_path, sizes=(2,)), list)
    assert taken == []


@pytest.mark.parametrize("there", ["another file", "no pyarrow"])
def test_what_another_process_cannot_read_is_read_by_the_first(there, tmp_path, monkeypatch, taken):
    def elsewhere(identity):
        raise FileNotFoundError(identity.path)

    if there == "no pyarrow":
        monkeypatch.setattr(row_groups, "_pyarrow", lambda: None)
    else:
        monkeypatch.setattr(row_groups.FileIdentity, "open", elsewhere)
    pq.write_table(table(), tmp_path / "t.parquet", row_group_size=30)
    assert not isinstance(check(tmp_path), list)
    assert taken == []
