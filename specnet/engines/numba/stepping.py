"""Whole steps of a plan over real arrays, by one call of a compiled function."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import prod
from time import perf_counter
from typing import Any

import numpy as np

from specnet.engines.blas import product_addresses
from specnet.engines.numba.entries import STEPS_MADE
from specnet.engines.numba.team import Pace, Team, usleep
from specnet.engines.numba.threads import NUMBERS, OPEN
from specnet.engines.program import NumpyProgram

Array = np.ndarray[Any, Any]

TILE = 16
"""Rows or columns that a part of a product has a multiple of."""


class WholeSteps:
    """Makes the steps of a program, whose names stand for arrays and tables; a team helps where there is one."""

    def __init__(self, program: NumpyProgram, names: Mapping[str, Any], team: Team | None) -> None:
        assert program.whole is not None
        self._run, self._number, self._team = names["run"], program.whole.loop, team
        self._kept = names
        """What the table has the addresses of."""
        constants = [float(names[name]) for name in program.factors]
        self._given = np.array([0.0] * len(program.numbers) + constants)
        self._one = np.empty((1, len(program.scalars)))
        threads = program.whole.threads
        shared = np.zeros(NUMBERS + 8, np.int64)
        # Each number has a cache line of its own.
        self._shared = shared[-_address(shared) % 64 // 8 :]
        self._shared[0] = threads  # no part to take
        self._pace = Pace()
        header = [1, _address(self._one), _address(self._given), 0, _address(self._shared), threads]
        header += [*(product_addresses() or (0, 0)), usleep()]
        entries = (number for entry in program.whole.entries for number in _numbers(entry, names))
        self._table = np.array([*header, *entries], np.int64)
        self._address = _address(self._table)

    def step(self, *numbers: float) -> tuple[float, ...]:
        """Make a step with the plan's numbers, and return its scalars."""
        if numbers:
            self._given[: len(numbers)] = numbers
        self._make()
        return tuple(self._one[0].tolist())

    def many(self, count: int, *numbers: float) -> Array:
        """Make so many steps, each with the number of the step before plus 1; return the scalars of each.

        The last ones are those of a step whose loss is not finite, if there is one.
        """
        found = np.empty((count, self._one.shape[1]))
        self._given[: len(numbers)] = numbers
        self._table[:2] = count, _address(found)
        self._make()
        self._table[:2] = 1, _address(self._one)
        return found[: self._table[STEPS_MADE] + 1]

    def _make(self) -> None:
        """Make the steps that the table says."""
        if self._team is None:
            self._run(self._number, self._address)
            return
        helped = self._pace.helped
        self._shared[OPEN // 8] = helped
        if helped:
            self._team.wake(self)
        began = perf_counter()
        self._run(self._number, self._address)
        self._pace.made(int(self._table[0]), perf_counter() - began)

    def help(self) -> None:
        """Do parts of the steps that another thread makes, until there have been none for a moment."""
        self._run(self._number + 1, self._address)


def _numbers(entry: tuple[str, ...], names: Mapping[str, Any]) -> list[int]:
    """Return what an entry puts into the table."""
    kind, first, *others = entry
    array: Any = names[first]
    if kind == "address":
        return [_address(array)]
    if kind == "table":
        return [array]
    if kind == "parts":
        found: list[int] = names["table"].parts(array, int(others[0]))
        return found
    if kind == "gemm":
        return _product_parts(array, names[others[0]], names[others[1]], int(others[2]))
    if kind == "size":
        return [array.size]
    if kind == "sizes":
        counts = [array.size, *(names[name].size for name in others)]
        return counts + [0] * (3 - len(counts))
    if kind == "rows":
        return [prod(array.shape[:-1]), array.shape[-1]]
    if kind == "along":
        start, stop = map(int, others)
        return [prod(array.shape[:start]), prod(array.shape[start:stop]), prod(array.shape[stop:])]
    # A vector is a row on the left of a product, and a column on its right.
    a, b = np.atleast_2d(array), names[others[0]]
    b = b if b.ndim == 2 else b[:, np.newaxis]
    steps = [step // a.itemsize for step in (*a.strides, *b.strides)]
    return [*a.shape, b.shape[1], *steps]


def _product_parts(a: Array, b: Array, out: Array, parts: int) -> list[int]:
    """Return what the matrix library is called with for each part of a product's rows or columns."""
    a, b = np.atleast_2d(a), b if b.ndim == 2 else b[:, np.newaxis]
    (n, k), m, size = a.shape, b.shape[1], a.itemsize
    (a_t, a_step), (b_t, b_step) = _layout(a), _layout(b)
    by_rows = n >= m
    # Whole tiles of the library's kernels, but for the last.
    tiles = -(-max(n, m) // TILE)
    ends = [min(tiles * part // parts * TILE, max(n, m)) for part in range(parts + 1)]
    found: list[int] = []
    for start, stop in pairwise(ends):
        own = (stop - start, m) if by_rows else (n, stop - start)
        first = _address(a) + (start * a.strides[0] if by_rows else 0)
        second = _address(b) + (0 if by_rows else start * b.strides[1])
        result = _address(out) + start * size * (m if by_rows else 1)
        found += [a_t, b_t, *own, k, first, a_step, second, b_step, result, m]
    return found


def _layout(matrix: Array) -> tuple[int, int]:
    """Return whether a matrix lies column by column, and the elements from one row or column to the next."""
    rows, columns = (step // matrix.itemsize for step in matrix.strides)
    if columns == 1 or matrix.shape[1] == 1:
        return 0, max(rows, matrix.shape[1])
    return 1, max(columns, matrix.shape[0])


def _address(array: Array) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
