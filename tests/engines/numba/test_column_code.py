"""The code of passes down columns; what it computes is tried by compiled functions in test_column_passes."""

from __future__ import annotations

import pytest

pytest.importorskip("llvmlite")

import llvmlite.binding as llvm
from llvmlite import ir

from specnet.engines.numba import column_code as code

PASSES = [each for each in vars(code).values() if isinstance(each, code.ColumnPass)]


@pytest.mark.parametrize("of", PASSES, ids=lambda of: of.name)
def test_sums_are_written_once_and_matrices_row_by_row(of):
    module = ir.Module("tried")
    function = code.column_function(module, 8, 64, of, masked=True)
    assert code.column_function(module, 8, 64, of, masked=True) is function
    llvm.parse_assembly(str(module)).verify()
    # One masked vector, and passes over eight, four, two and one that are not.
    assert str(function).count('call void @"llvm.masked.store') == max(1, of.sums)
    assert str(function).count("store <8 x double>") == (8 + 4 + 2 + 1) * max(1, of.sums)


def test_shorter_vectors_have_fewer_registers_and_may_need_no_mask():
    module = ir.Module("tried")
    function = code.column_function(module, 8, 8, code.SCALED, masked=False)
    assert str(function).count("store <1 x double>") == 4 + 2 + 1
    assert "masked" not in str(module)
