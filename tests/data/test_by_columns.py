"""Rows that are put into an array column by column have the bits that they have row by row, and the same faults."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.data import FORMATS, by_columns, load_data
from specnet.data.by_columns import ColumnArithmetic
from specnet.data.pipeline import Pipeline
from specnet.diagnostics import SpecError

HEADER = "a,b,when,kind,size,flag,y"
CELLS = {
    "a": lambda n: f"{(n * 37 % 101) / 7 - 5:.5f}" if n % 11 else "",
    "b": lambda n: "-0.0" if n % 3 else str(n),
    "when": lambda n: f"2024-{n % 12 + 1:02d}-{n % 28 + 1:02d}",
    "kind": lambda n: ("red", "green", "", "blue")[n * 7 % 4],
    "size": lambda n: ("s", "m", "l")[n % 3],
    "flag": lambda n: ("true", "false")[n % 2],
    "y": lambda n: str(n % 2),
}
COLUMNS = {
    "a": {"missing": "mean"},
    "when": {"type": "date", "parts": ["month", "day"]},
    "kind": {"missing": "most_frequent"},
    "size": {"encode": "index"},
    "flag": {"type": "boolean"},
}


@pytest.fixture
def put(monkeypatch):
    """The numbers of rows that were put column by column, with blocks of few rows."""
    monkeypatch.setattr(by_columns, "BYTES", 800)
    monkeypatch.setattr(by_columns, "share", lambda: 2)
    found = []
    way = ColumnArithmetic.put

    def counted(self, rows, chosen, out):
        found.append(len(out))
        return way(self, rows, chosen, out)

    monkeypatch.setattr(ColumnArithmetic, "put", counted)
    return found


def write(folder, more=()):
    lines = [",".join(cell(n) for cell in CELLS.values()) for n in range(300)]
    (folder / "t.csv").write_text("\n".join([HEADER, *lines, *more]), encoding="utf-8")


def both(folder, dtype, **fields):
    """Return what is read column by column, and row by row."""
    document = FORMATS.validate({"type": "csv", "path": "t.csv", "target": "y", "columns": COLUMNS, **fields})

    def read():
        try:
            data = load_data(document, folder, seed=7, dtype=dtype)
        except SpecError as error:
            return [(d.code, d.message, d.help) for d in error.diagnostics]
        return {name: (split.inputs.shape, split.inputs.tobytes()) for name, split in data.splits.items()}

    found = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pipeline, "_put_columns", lambda *_: False)
        return found, read()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"scale": "standardize"},
        {"scale": "minmax", "split": {"validation": 0.3, "test": 0.2}},
        {"scale": "standardize", "transforms": [{"type": "standardize"}, {"type": "scale", "factor": 0.3}]},
    ],
)
def test_the_bits_are_those_of_rows(fields, dtype, put, tmp_path):
    write(tmp_path)
    found, expected = both(tmp_path, dtype, **fields)
    assert found == expected
    assert sum(put) == 300


def test_memory_does_not_grow_with_the_rows(monkeypatch):
    monkeypatch.setattr(by_columns, "share", lambda: 8)
    assert by_columns.scratch(10, 3) == 240
    assert by_columns.scratch(1 << 30, 3) == by_columns.THREADS * by_columns.BYTES


def test_what_is_more_than_arithmetic_is_left_to_the_plan(put, tmp_path):
    write(tmp_path)
    found, expected = both(tmp_path, "float32", transforms=[{"type": "quantile"}])
    assert found == expected
    assert not put


def test_a_number_that_float32_cannot_hold_is_a_fault(put, tmp_path):
    write(tmp_path, ["1e300,1,2024-01-01,red,s,true,0"])
    found, expected = both(tmp_path, "float32")
    assert found == expected
    assert [code for code, *_ in found] == ["SN561"]
    assert put == [301]


def test_only_what_changes_no_number_is_left_out():
    class Rows:
        shape = (4,)

        def __len__(self):
            return 2

        def elements(self, rows):
            return iter(np.array([[-0.0, 1.0]] * 4)[:, rows])

    steps = [("subtract", np.array([0.0, -0.0, 0.0, 1.0])), ("add", np.array([0.0, -0.0, 1.0, 1.0]))]
    out = np.empty((2, 4))
    assert ColumnArithmetic([*steps, ("multiply", np.array(1.0))], 4).put(Rows(), None, out)
    expected = np.array([[-0.0] * 4, [1.0] * 4])
    for name, numbers in steps:
        expected = by_columns.UFUNCS[name](expected, numbers)
    assert out.tobytes() == expected.tobytes()
