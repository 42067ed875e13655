"""Tables that stay in their file give the same rows as tables that are read whole."""

from __future__ import annotations

import os
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specnet.data import FORMATS, files, inspect_data, load_data
from specnet.data.passed import PassedData
from specnet.data.streamed import StreamedRows, taken, whole
from specnet.data.tables import stream_rows
from specnet.data.tables import table as tables
from specnet.data.tables.column_store import ColumnStore
from specnet.diagnostics import RunError, SpecError
from tests.support.examples import examples
from tests.support.memory import traced

RANDOM = np.random.default_rng(11)
ROWS = 240


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """A few records at a time, so that small tables take many."""
    monkeypatch.setattr(tables, "RECORDS", 7)
    monkeypatch.setattr(stream_rows, "rows_ahead", lambda width: 7)


def table(desk, *, gaps=False, name="t.csv", rows=ROWS):
    lines = ["a,colour,b,y"]
    for i in range(rows):
        a = "" if gaps and i % 9 == 4 else f"{RANDOM.normal():.6g}"
        colour = "?" if gaps and i % 11 == 2 else ("red", " green", "blue ")[int(RANDOM.integers(3))]
        lines.append(f"{a},{colour},{int(RANDOM.integers(50))},{('no', 'yes', 'perhaps')[i % 3]}")
        if i % 50 == 0:
            lines.append("")
    desk.write(name, "\n".join(lines) + "\n")
    return {"type": "csv", "path": name, "target": "y"}


def both(desk, dtype="float32", **fields):
    found = []
    for load in ("whole", "batches"):
        reader = FORMATS.validate({**fields, "load": load})
        data = load_data(reader, desk.folder, seed=7, dtype=dtype)
        assert inspect_data(reader, desk.folder) == data.signature
        found.append(data)
    return found


def check_equal(held, lazy):
    assert list(held.splits) == list(lazy.splits)
    for name, split in held.splits.items():
        other = lazy.splits[name]
        assert isinstance(other.inputs, StreamedRows)
        assert whole(other.inputs).tobytes() == split.inputs.tobytes()
        assert other.targets.tobytes() == split.targets.tobytes()
        places = RANDOM.integers(0, len(split), 9)
        assert taken(other.inputs, places).tobytes() == split.inputs[places].tobytes()
    signatures = [vars_of(data.signature) for data in (held, lazy)]
    assert signatures[0] == signatures[1]
    assert held.encoding.columns == lazy.encoding.columns


def vars_of(signature):
    return {name: getattr(signature, name) for name in ("inputs", "target", "classes", "features", "rows")}


@pytest.mark.parametrize("split", [None, {"validation": 0.2, "test": 0.1}, {"test": 0.3, "stratify": True}])
@pytest.mark.parametrize("more", [{}, {"encode": "index", "categories": ["b"]}, {"exclude": ["a"]}])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_rows_fall_into_the_same_splits(desk, split, more, dtype):
    held, lazy = both(desk, dtype, **table(desk), split=split, transforms=["standardize"], **more)
    check_equal(held, lazy)


def test_rows_with_gaps_are_left_out(desk):
    fields = table(desk, gaps=True)
    held, lazy = both(desk, **fields, missing="drop", split={"validation": 0.25})
    check_equal(held, lazy)
    assert sum(lazy.signature.rows.values()) < ROWS


@pytest.mark.parametrize("missing", ["mean", "median", "most_frequent"])
def test_gaps_are_filled_from_the_training_split(desk, missing):
    fields = table(desk, gaps=True)
    held, lazy = both(desk, "float64", **fields, missing=missing, split={"validation": 0.25})
    if missing != "mean":
        check_equal(held, lazy)
    # A mean of pieces may differ in its last digit from one of all rows at once.
    for name, split in held.splits.items():
        np.testing.assert_allclose(whole(lazy.splits[name].inputs), split.inputs, 1e-14)


COLUMNS = {
    "booleans, a category of its own, and numbers with gaps": {
        "a": {"missing": "median", "scale": "standardize"},
        "colour": {"missing": "category"},
        "flag": {"type": "boolean", "missing": "most_frequent"},
        "b": {"type": "category", "encode": "index"},
    },
    "fixed values": {
        "a": {"fill": -3.5, "scale": "minmax"},
        "colour": {"fill": "none", "encode": "index"},
        "flag": {"type": "category", "fill": "maybe"},
        "b": {"missing": "most_frequent"},
    },
    "rows left out for some columns only": {
        "a": {"missing": "drop"},
        "colour": {"missing": "most_frequent"},
        "flag": {"missing": "drop"},
        "y": {"missing": "drop", "values": ["perhaps", "yes", "no"]},
    },
    "only some categories": {
        "a": {"fill": 0},
        "colour": {"values": ["red", "blue"], "unknown": "zeros", "missing": "category"},
        "flag": {"type": "boolean", "fill": True},
    },
}


@pytest.mark.parametrize("columns", COLUMNS.values(), ids=COLUMNS)
def test_columns_are_what_the_document_says_of_them(desk, columns):
    lines = ["a,colour,flag,b,y"]
    for i in range(ROWS):
        a = "" if i % 9 == 4 else f"{RANDOM.integers(20) / 4}"
        colour = "?" if i % 11 == 2 else ("red", " green", "blue ")[int(RANDOM.integers(3))]
        flag = "" if i % 17 == 3 else ("yes", "No")[int(RANDOM.integers(2))]
        lines.append(f"{a},{colour},{flag},{int(RANDOM.integers(5))},{('no', 'yes', 'perhaps')[i % 3]}")
    desk.write("t.csv", "\n".join(lines) + "\n")
    desk.write("v.csv", "y,b,flag,a,colour\nyes,3,yes,,red\nno,4,No,1.5,blue\n")
    fields = {
        "type": "csv",
        "path": "t.csv",
        "target": "y",
        "columns": columns,
        "validation": {"path": "v.csv"},
    }
    held, lazy = both(desk, **fields, split={"test": 0.25}, transforms=[{"type": "scale", "factor": 0.3}])
    check_equal(held, lazy)
    assert lazy.signature.column_slices == held.signature.column_slices
    rows = [[1.25, "red", "yes", 3], [None, "blue", "No", 1]]
    if "drop" not in (columns["a"].get("missing"), columns["flag"].get("missing")):
        assert lazy.encode(rows).tobytes() == held.encode(rows).tobytes()


def test_a_column_of_gaps_alone_cannot_be_filled_from_them(desk):
    desk.write("t.csv", "a,b,y\n" + "".join(f"{'' if i < 30 else i},{i},{i % 2}\n" for i in range(40)))
    fields = {"type": "csv", "path": "t.csv", "target": "y", "validation": {"path": "t.csv"}}
    for missing in ("mean", "median", "most_frequent"):
        for split in ({"test": 0.5}, None):
            columns = {"a": {"missing": missing}}
            given = {**fields, "columns": columns, "split": split}
            check_equal(*both(desk, **given)) if missing != "mean" else both(desk, **given)
    desk.write("t.csv", "a,b,y\n" + "".join(f",{i},{i % 2}\n" for i in range(40)))
    fault = desk.fault(**fields, missing="median", load="batches")
    assert fault == desk.fault(**fields, missing="median", load="whole")


def test_columns_that_are_their_own_targets_stay_in_their_file(desk):
    fields = {**table(desk), "target": "inputs", "scale": "minmax", "split": {"test": 0.2}}
    held, lazy = both(desk, **fields)
    assert lazy.signature.batches == ("inputs",)
    for name, split in lazy.splits.items():
        assert split.targets is split.inputs
        assert whole(split.inputs).tobytes() == held.splits[name].inputs.tobytes()


def test_frames_are_read_whole(desk):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1.0, 2.0, 3.0], "y": ["u", "v", "u"]})
    fields = {"type": "csv", "path": "t.csv", "target": "y"}
    data = load_data(
        FORMATS.validate(fields), desk.folder, seed=0, dtype="float32", passed=PassedData({"train": frame})
    )
    assert data.signature.batches == ()
    reader = FORMATS.validate({**fields, "load": "batches"})
    with pytest.raises(SpecError, match="a frame is in memory already") as refused:
        load_data(reader, desk.folder, seed=0, dtype="float32", passed=PassedData({"train": frame}))
    assert refused.value.diagnostics[0].path == ("data", "load")


def test_files_of_their_own_with_columns_in_another_order(desk):
    fields = table(desk)
    desk.write("v.csv", "y,b,a,colour\nyes,3,0.5,red\nno,4,1.5,mauve\n")
    held, lazy = both(desk, **fields, unknown="zeros", validation={"path": "v.csv"})
    check_equal(held, lazy)
    fault = desk.fault(**fields, load="batches", validation={"path": "v.csv"})
    assert fault == desk.fault(**fields, load="whole", validation={"path": "v.csv"})


def test_several_targets_and_numbers(desk):
    fields = table(desk) | {"target": ["a", "b"]}
    check_equal(*both(desk, "float64", **fields, transforms=[{"type": "standardize", "on": "targets"}]))


@pytest.mark.parametrize(
    "cells",
    [
        ["1,red,2,no", "2,red,oops,no"],
        ["1,red,2", "2,red,3,no"],
        ["1,red,2,no"] * 30 + ["inf,red,2,no"],
        ["1,red,2,no"] * 30 + [",red,2,no"],
        ["red,red,2,no"] * 30 + ["3,red,2,no"],
        ['1,"red,2,no'],
        [],
    ],
)
def test_faults_are_told_as_for_tables_that_are_read_whole(desk, cells):
    desk.write("t.csv", "\n".join(["a,colour,b,y", *cells]) + "\n")
    fields = {"type": "csv", "path": "t.csv", "target": "y"}
    assert desk.found(**fields, load="batches") == desk.found(**fields, load="whole")


def test_too_many_categories_are_told_before_all_are_held(desk):
    desk.write("t.csv", "a,y\n" + "".join(f"n{i},{i % 2}\n" for i in range(300)))
    fault = desk.fault(type="csv", path="t.csv", target="y", load="batches", max_categories=20)
    assert fault.code == "SN515"
    assert "more than 20 categories" in fault.message


@settings(
    deadline=None, max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), window=st.integers(1, 60), batch=st.integers(1, 50))
def test_a_shuffle_within_the_window_reads_each_row_once(desk, data, window, batch):
    """As a feed reads them: in order, shuffled, some of it skipped as after a checkpoint."""
    from specnet.model.feed import shuffle_within

    if not (desk.folder / "t.csv").exists():
        table(desk)
    fields = {"type": "csv", "path": "t.csv", "target": "y", "split": {"test": 0.3}}
    held, lazy = streamed(desk, fields, window)
    rows = lazy.splits["train"].inputs.apart()
    whole_rows = held.splits["train"].inputs
    order = np.arange(len(rows))
    shuffle_within(window, order, np.random.default_rng(data.draw(st.integers(0, 9))))
    assert sorted(order) == list(range(len(rows)))
    assert (order - np.arange(len(rows))).max() <= window
    begun = data.draw(st.integers(0, len(rows) // batch))
    rows.begin(shuffled=True)
    for start in range(0, len(rows), batch):
        places = order[start : start + batch]
        if start < begun * batch:
            rows.skip(places)
            continue
        assert np.array_equal(taken(rows, places), whole_rows[places])
    # Never more is held than the window, and what is read ahead with a chunk.
    assert len(rows._rows._held) <= window + batch + 2 * 7


LOADED = {}


def streamed(desk, fields, window):
    """Return the data read whole, once, and streamed with a buffer."""
    if desk.folder not in LOADED:
        LOADED[desk.folder] = load_data(FORMATS.validate(fields), desk.folder, seed=7, dtype="float32")
    reader = FORMATS.validate({**fields, "load": "batches", "shuffle_buffer": window})
    return LOADED[desk.folder], load_data(reader, desk.folder, seed=7, dtype="float32")


def test_a_file_that_changes_is_noticed(desk, monkeypatch):
    # While columns are stored, cells are read from there.
    monkeypatch.setattr(ColumnStore, "begin", lambda store: False)
    reader = FORMATS.validate(table(desk) | {"load": "batches"})
    rows = load_data(reader, desk.folder, seed=7, dtype="float32").splits["train"].inputs.apart()
    path = desk.folder / "t.csv"
    text = path.read_text()
    for changed, why in (
        (text[: len(text) // 2], r"it ends after \d+ of 240 rows|other cells"),
        (text.replace("red", "rad"), "column `colour` has other cells in rows"),
        (text.replace("red,", "red,1,"), "have other cells"),
        (text.replace("red", '"red'), "unexpected end|expected"),
    ):
        rows.begin()
        path.write_text(changed)
        with pytest.raises(RunError, match=why):
            whole(rows)
        with pytest.raises(RunError, match="written to"):
            rows.begin()
        path.write_text(text)
        os.utime(path, ns=(rows._rows.table.fingerprint.time,) * 2)


def test_auto_reads_whole_what_is_small_for_the_memory(desk, monkeypatch):
    fields = table(desk)
    size = (desk.folder / "t.csv").stat().st_size
    monkeypatch.setattr(files, "memory", lambda: 8 * size)
    assert desk.inspect(**fields).batches == ()
    monkeypatch.setattr(files, "memory", lambda: 8 * size - 8)
    assert desk.inspect(**fields).batches == ("inputs",)


def test_a_buffer_has_no_meaning_for_rows_that_are_read_whole():
    with pytest.raises(ValueError, match="only where rows are read in batches"):
        FORMATS.validate({"type": "csv", "path": "a", "target": 0, "load": "whole", "shuffle_buffer": 5})


def test_no_column_is_held(desk, monkeypatch):
    monkeypatch.undo()
    rows = 60_000
    lines = "\n".join(f"{i * 0.37:.6f},{i % 97},name{i % 50},{i * 0.11:.5f},{i % 2}" for i in range(rows))
    desk.write("f.csv", f"a,b,c,d,y\n{lines}\n")
    del lines
    peaks = {}
    for load in ("whole", "batches"):
        reader = FORMATS.validate({"type": "csv", "path": "f.csv", "target": "y", "load": load})
        load_data(reader, desk.folder, seed=0, dtype="float32")
        with traced():
            load_data(reader, desk.folder, seed=0, dtype="float32")
            peaks[load] = tracemalloc.get_traced_memory()[1]
    # Of 60,000 rows the targets are held, and records of 65,536 cells as text.
    assert peaks["whole"] > rows * 53 * 4
    assert peaks["batches"] < rows * 16 + 13_000_000


def test_targets_do_not_keep_the_other_columns_of_what_was_read_with_them(desk, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # whose memory is not traced
    rows, width = 100_000, 30
    numbers = ",".join(["0.5"] * width)
    names = ",".join(f"x{i}" for i in range(width))
    desk.write("f.csv", f"{names},y\n" + f"{numbers},1\n{numbers},0\n" * (rows // 2))
    reader = FORMATS.validate({"type": "csv", "path": "f.csv", "target": "y", "load": "batches"})
    load_data(reader, desk.folder, seed=0, dtype="float32")
    tracemalloc.start()
    load_data(reader, desk.folder, seed=0, dtype="float32")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < rows * 16 + 13_000_000 < rows * width * 8
