"""A further format of tables is a class that opens a file: everything else follows from its chunks."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from specnet.data import load_data, row_files
from specnet.data.tables.table import Chunk, DataTable
from specnet.data.tables.tabular import FileTable
from specnet.diagnostics import SpecError


class FixedTable(DataTable):
    """A file of cells of ten letters each."""

    row_word = "line"

    def __init__(self, place, parser):
        self.lines = place.path.read_text().splitlines()
        super().__init__(place, parser, self.cells(self.lines[0]))

    def cells(self, line):
        return [line[start : start + 10].strip() for start in range(0, len(line), 10)]

    def read(self, records):
        for start in range(1, len(self.lines), records):
            lines = self.lines[start : start + records]
            columns = list(zip(*map(self.cells, lines), strict=True))
            yield Chunk(columns, range(start + 1, start + 1 + len(lines)))


class FixedWidth(FileTable):
    """A table of columns of ten letters each."""

    type: Literal["fixed_width"] = "fixed_width"
    suffixes = (".fwf",)

    def table(self, place):
        return FixedTable(place, self.parser)


@pytest.fixture
def write(desk):
    def lay_out(name, text):
        rows = (line.split(",") for line in text.splitlines())
        desk.write(name, "\n".join("".join(f"{cell:<10}" for cell in row) for row in rows))

    return lay_out


TEXT = "a,colour,y\n1.5,red,no\n2,green,yes\n?,red,no\n"


def loaded(desk, **fields):
    data_format = FixedWidth.model_validate({"path": "t.fwf", "target": "y", **fields})
    return load_data(data_format, desk.folder, seed=7, dtype="float64")


def test_its_columns_are_those_of_the_same_table_as_text(desk, write):
    write("t.fwf", TEXT)
    desk.write("t.csv", TEXT)
    fields = {"missing": "mean", "scale": "standardize"}
    data, expected = loaded(desk, **fields), desk.load(type="csv", path="t.csv", target="y", **fields)
    assert data.signature == expected.signature
    np.testing.assert_array_equal(data.splits["train"].inputs, expected.splits["train"].inputs)
    np.testing.assert_array_equal(data.splits["train"].targets, expected.splits["train"].targets)
    for name in ("t.csv", "t.fwf"):
        found = data.encoding.encode_file(name, desk.folder)
        np.testing.assert_array_equal(found, expected.splits["train"].inputs)


def test_new_rows_of_it_are_encoded(desk, write):
    write("t.fwf", TEXT)
    write("new.fwf", "colour,more,a\nred,7,2\ngreen,8,0.5\n")
    data, notes = loaded(desk, missing="mean"), []
    blocks = list(row_files.blocks(data.encoding, desk.folder / "new.fwf", "new.fwf", notes.append))
    assert [list(block.places) for block in blocks] == [["line 2", "line 3"]]
    assert data.encoding.encode(blocks[0].rows).tolist() == [[2, 0, 1], [0.5, 1, 0]]
    assert notes == ["new.fwf: the model does not take `more`"]


def test_its_faults_are_found_like_those_of_text(desk, write):
    write("t.fwf", TEXT)
    with pytest.raises(SpecError, match=r"column `a` of `t.fwf` has no value in line 4 \(`\?`\)"):
        loaded(desk)
