"""Whole steps of a plan over real arrays, by one call of a compiled function."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from specnet.engines.numba.whole import HEADER
from specnet.engines.program import NumpyProgram

Array = np.ndarray[Any, Any]


class WholeSteps:
    """Makes the steps of a program, whose names stand for arrays and tables."""

    def __init__(self, program: NumpyProgram, names: Mapping[str, Any]) -> None:
        assert program.whole is not None
        self._run, self._number = names["run"], len(program.compiled) - 1
        self._kept = names
        """What the table has the addresses of."""
        constants = [float(names[name]) for name in program.factors]
        self._given = np.array([0.0] * len(program.numbers) + constants)
        self._one = np.empty((1, len(program.scalars)))
        entries = (number for entry in program.whole.entries for number in _numbers(entry, names))
        self._table = np.array([1, _address(self._one), _address(self._given), 0, *entries], np.int64)
        self._address = _address(self._table)

    def step(self, *numbers: float) -> tuple[float, ...]:
        """Make a step with the plan's numbers, and return its scalars."""
        if numbers:
            self._given[: len(numbers)] = numbers
        self._run(self._number, self._address)
        return tuple(self._one[0].tolist())

    def many(self, count: int, *numbers: float) -> Array:
        """Make so many steps, each with the number of the step before plus 1; return the scalars of each.

        The last ones are those of a step whose loss is not finite, if there is one.
        """
        found = np.empty((count, self._one.shape[1]))
        self._given[: len(numbers)] = numbers
        self._table[:2] = count, _address(found)
        self._run(self._number, self._address)
        self._table[:2] = 1, _address(self._one)
        return found[: self._table[HEADER - 1] + 1]


def _numbers(entry: tuple[str, ...], names: Mapping[str, Any]) -> list[int]:
    """Return what an entry puts into the table."""
    kind, first, *others = entry
    array: Any = names[first]
    if kind == "address":
        return [_address(array)]
    if kind == "table":
        return [array]
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


def _address(array: Array) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
