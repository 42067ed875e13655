"""A column has the values that came in, however many were expected."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.data.tables.cells import CellFormat, CellParser
from specnet.data.tables.column_sink import ColumnSink
from specnet.data.tables.columns import ColumnReader


def sink():
    return ColumnSink(ColumnReader("a", CellParser(frozenset({""}), {}), CellFormat()), None, alone=False)


@pytest.mark.parametrize("expected", [None, 1, 900, 1000, 5000])
@pytest.mark.parametrize("size", [7, 300])
def test_numbers(expected, size):
    column = sink()
    cells = [str(n / 4) for n in range(1000)]
    for start in range(0, 1000, size):
        column.read(cells[start : start + size])
        column.keep(None, expected if start >= 300 else None)
    values = column.finish().values
    assert values.tolist() == [n / 4 for n in range(1000)]
    assert column.missing == 0


@pytest.mark.parametrize("expected", [None, 50, 100, 700])
def test_a_column_that_begins_without_values_is_one_of_text(expected):
    column = sink()
    for cells in (["", ""] * 20, ["b", "", "a"] * 20):
        column.read(cells)
        column.keep(None, expected)
    made = column.finish()
    assert made.categories == ("a", "b")
    assert made.values.tolist() == [-1] * 40 + [1, -1, 0] * 20
    assert column.missing == 60


def test_rows_that_are_left_out_are_not_kept():
    column = sink()
    for _ in range(2):
        column.read(["1", "2", "3"])
        column.keep(np.array([True, False, True]), 6)
    assert column.finish().values.tolist() == [1, 3, 1, 3]
