"""Calls of kernels at their addresses."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.compiling import kernel
from specnet.engines.numba.language import int64_at
from specnet.engines.numba.table_calls import NotByTable, TableCall, called, calls_table, pieces_tape
from tests.support.examples import DTYPES


@kernel
def doubled(table: int, like: float) -> None:  # noqa: ARG001
    t = int64_at(table)
    t[0] = 2 * t[0]


@kernel
def one_more(table: int, like: float) -> None:  # noqa: ARG001
    t = int64_at(table)
    t[0] += 1


@numba.njit
def make(table):
    called(table)


@pytest.mark.parametrize("dtype", [np.dtype(name) for name in DTYPES])
def test_calls_are_made_in_turn(dtype):
    number = np.array([5], np.int64)
    calls = [(TableCall(function, number, dtype, None), ()) for function in (doubled, one_more, doubled)]
    table = calls_table(calls)
    make(address_of(table))
    assert number[0] == 22
    for function, arguments in calls:
        function(*arguments)
    assert number[0] == 90
    make(address_of(calls_table([])))
    assert number[0] == 90


def test_what_python_has_to_call_has_no_table():
    with pytest.raises(NotByTable):
        calls_table([(np.copyto, (np.empty(1), np.empty(1)))])
    with pytest.raises(NotByTable):
        pieces_tape([(np.empty(1),)], [].append)


def test_a_tape_has_a_row_for_each_piece():
    number, kept = np.array([1], np.int64), []
    calls = [(TableCall(doubled, number, np.dtype(np.float32), None), ())]
    tape = pieces_tape([(calls, 7), (calls, 8)], kept.append)
    assert tape[:, 1].tolist() == [7, 8]
    assert tape[:, 0].tolist() == [address_of(table) for table in kept]
    for address in tape[:, 0]:
        make(int(address))
    assert number[0] == 4
