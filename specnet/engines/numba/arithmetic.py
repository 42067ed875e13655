"""Sums, differences, products and quotients of rows with numbers, as one compiled function.

What transforms of few rows mostly are is computed a piece at a time, so that between them it stays in the innermost
cache. It gives what NumPy gives, to the bit: no two operations become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np

from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.keeping import KeptCode
from specnet.engines.numba.language import float32_at, float64_at, int64_at

Array = np.ndarray[Any, Any]

PIECE = 512
"""Numbers that are computed at once: 4 KiB of float64."""

OPERATIONS = ("add", "subtract", "multiply", "divide")

ROWS, WIDTH, SOURCE, SOURCE_BYTES, OUT, OUT_BYTES, SPACE, COUNT, FIRST = range(9)
"""Places in the table; from the last one on are the operations, each with the address of its numbers, and how far these
are from one column to the next: 0 for a piece of one number."""


_EXACT: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
"""How it is compiled: without leave to round otherwise than NumPy."""


def _part(function: Any) -> Any:
    return numba.njit(**_EXACT, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


def _summed(function: Any) -> Any:
    """Return what may add up in another order, for sums of which only that they are numbers counts."""
    return numba.njit(**_EXACT, fastmath={"reassoc"}, no_cpython_wrapper=True, no_cfunc_wrapper=True)(
        function
    )


def _kept(function: Any) -> Any:
    made: Any = numba.njit(**_EXACT)(function)
    made._cache = KeptCode(function)  # noqa: SLF001  what `cache=True` sets, with numba's own folders
    return made


@_part
def _copy(source: Any, to: Any, count: int) -> None:
    for i in range(count):
        to[i] = source[i]


@_part
def _compute(operation: int, numbers: Any, other: Any, to: Any, count: int) -> None:
    """Write the results of an operation in float64, which may be where the numbers are."""
    if operation == 0:
        for i in range(count):
            to[i] = np.float64(numbers[i]) + other[i]
    elif operation == 1:
        for i in range(count):
            to[i] = np.float64(numbers[i]) - other[i]
    elif operation == 2:
        for i in range(count):
            to[i] = np.float64(numbers[i]) * other[i]
    else:
        for i in range(count):
            to[i] = np.float64(numbers[i]) / other[i]


@_summed
def _store(space: Any, to: Any, count: int) -> bool:
    """Write numbers in another type; return whether all are finite in it."""
    # The sum of the products with 0 is NaN if a number is, or is infinite.
    total = np.float32(0)
    for i in range(count):
        to[i] = space[i]
        total += np.float32(to[i] * np.float32(0))
    return bool(total == 0)


@_kept
def write_rows(table: int) -> bool:
    """Write rows after the operations of a table, computed in float64; return whether all numbers are finite then."""
    t = int64_at(table)
    width, space, sound = t[WIDTH], float64_at(t[SPACE]), True
    for row in range(t[ROWS]):
        for begin in range(0, width, PIECE):
            count, first = min(PIECE, width - begin), row * width + begin
            for number in range(t[COUNT]):
                place = FIRST + 3 * number
                operation, other = t[place], float64_at(t[place + 1] + 8 * begin * t[place + 2])
                if number > 0:
                    _compute(operation, space, other, space, count)
                elif t[SOURCE_BYTES] == 4:
                    _compute(operation, float32_at(t[SOURCE] + 4 * first), other, space, count)
                else:
                    _compute(operation, float64_at(t[SOURCE] + 8 * first), other, space, count)
            if t[COUNT] == 0:
                if t[SOURCE_BYTES] == 4:
                    _copy(float32_at(t[SOURCE] + 4 * first), space, count)
                else:
                    _copy(float64_at(t[SOURCE] + 8 * first), space, count)
            if t[OUT_BYTES] == 4:
                sound = _store(space, float32_at(t[OUT] + 4 * first), count) and sound
            else:
                sound = _store(space, float64_at(t[OUT] + 8 * first), count) and sound
    return sound


def writer(steps: Sequence[tuple[str, Array]], rows: Array, out: Array) -> RowWriting:
    """Return what writes `rows` after some `OPERATIONS` with numbers into `out`, and says whether all are finite then.

    The numbers of each operation are a single one, or as many as a row has. Rows and `out` are float32 or float64,
    C-contiguous, and of one shape.
    """
    numbers = [np.ascontiguousarray(given, np.float64).reshape(-1) for _, given in steps]
    single = [given.size == 1 for given in numbers]
    count = 1 if all(single) else len(rows)
    space = np.empty(PIECE)
    header = [count, rows.size // count, address_of(rows), rows.itemsize, address_of(out), out.itemsize]
    header += [address_of(space), len(steps)]
    for place, (name, _) in enumerate(steps):
        if single[place]:
            numbers[place] = np.repeat(numbers[place], PIECE)
        header += [OPERATIONS.index(name), address_of(numbers[place]), int(not single[place])]
    table = np.array(header, np.int64)
    return RowWriting(table, (numbers, space, rows, out))


class RowWriting:
    """The function with its table, and the arrays whose addresses this has."""

    __slots__ = ("_address", "_kept", "_others", "_others_address")

    def __init__(self, table: Array, kept: object) -> None:
        self._address, self._kept = address_of(table), (table, kept)
        self._others = table.copy()
        self._others_address = address_of(self._others)

    def __call__(self) -> bool:
        """Write the rows."""
        sound: bool = write_rows(self._address)
        return sound

    def of(self, rows: Array) -> bool:
        """Do it for other rows, which are C-contiguous and have the same shape and type."""
        self._others[SOURCE] = address_of(rows)
        sound: bool = write_rows(self._others_address)
        return sound
