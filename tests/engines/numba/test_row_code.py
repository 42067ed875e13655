"""The code of passes over rows; what it computes is tried by compiled functions in test_rows."""

from __future__ import annotations

import pytest

pytest.importorskip("llvmlite")

import llvmlite.binding as llvm
from llvmlite import ir

from specnet.engines.numba.row_code import row_function


@pytest.mark.parametrize("correlates", [True, False])
def test_only_masked_functions_have_masks_and_each_number_is_read_once(correlates):
    module = ir.Module("tried")
    plain, masked = (
        row_function(module, 4, 32, (3, 2), correlates=correlates, masked=masked) for masked in (False, True)
    )
    assert row_function(module, 4, 32, (3, 2), correlates=correlates, masked=True) is masked
    llvm.parse_assembly(str(module)).verify()
    assert "masked" not in str(plain)
    # Three lines of a place, the place that begins or is multiplied with them, the one before it, and the six taps.
    assert str(masked).count('call <8 x float> @"llvm.masked.load') == 3 + 1 + 1 + 6
