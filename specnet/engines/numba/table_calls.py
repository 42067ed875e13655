"""Kernels with tables of their own, which compiled functions call at their addresses.

What a plan does with a piece of a batch is made ready when it is bound: for each statement, a list of calls. Where all
of them are such kernels, a compiled function makes them from a tape, piece after piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.compiling import inner
from specnet.engines.numba.language import float32, float64, int64_at
from specnet.engines.numpy.calls import Call

__all__ = ["called"]

Array = np.ndarray[Any, Any]


class NotByTable(Exception):  # noqa: N818 (it says that Python has to make a call, which is no error)
    """A call is not of a kernel with a table."""


class TableCall:
    """A compiled kernel with its table, and the arrays whose addresses this has.

    The kernel takes the table's address, and a number of the type of the arrays' elements: float32 or float64.
    """

    def __init__(self, function: Any, table: Array, dtype: np.dtype[Any], kept: object) -> None:
        self._function, self._address, self._like = function, address_of(table), dtype.type(0)
        self._kept = table, kept

    def __call__(self) -> None:
        self._function(self._address, self._like)

    @property
    def entry(self) -> tuple[int, int, int]:
        """The addresses of the function and of the table, and the bytes of a number."""
        item = self._like.itemsize
        return _address_of_kernel(self._function, item), self._address, item


@cache
def _address_of_kernel(function: Any, item: int) -> int:
    real = types.float32 if item == 4 else types.float64
    result = function.get_compile_result(types.void(types.int64, real))
    address: int = result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name)
    return address


def calls_table(calls: Iterable[Call]) -> Array:
    """Return the table of some calls for `called`; raise NotByTable where one is another kind of call."""
    entries: list[int] = []
    for function, arguments in calls:
        if arguments or not isinstance(function, TableCall):
            raise NotByTable
        entries += function.entry
    return np.array([len(entries) // 3, *entries], np.int64)


def pieces_tape(pieces: Sequence[Sequence[Any]], keep: Callable[[Array], None]) -> Array:
    """Return the addresses of the tables that each piece of a block has, of calls and of compiled loops.

    `keep` is handed those that are made here. Raises NotByTable for a piece with something else.
    """
    rows = []
    for piece in pieces:
        row = []
        for each in piece:
            if not isinstance(each, int | list):
                raise NotByTable
            if isinstance(each, list):
                table = calls_table(each)
                keep(table)
                each = address_of(table)  # noqa: PLW2901
            row.append(each)
        rows.append(row)
    return np.array(rows, np.int64)


@intrinsic  # type: ignore[untyped-decorator]
def _call(typing_context: Any, function: Any, table: Any, like: Any) -> Any:  # noqa: ARG001  numba reads the names
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        function, *given = arguments
        kind = ir.FunctionType(ir.VoidType(), [each.type for each in given])
        builder.call(builder.inttoptr(function, kind.as_pointer()), given)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, like), generate


@inner
def called(table: int) -> None:
    """Make the calls of a table."""
    t = int64_at(table)
    for number in range(t[0]):
        function, own, item = t[1 + 3 * number], t[2 + 3 * number], t[3 + 3 * number]
        if item == 4:
            _call(function, own, float32(0))
        else:
            _call(function, own, float64(0))
