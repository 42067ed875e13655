"""Whole steps of a plan over real arrays, by one call of a compiled function."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from math import prod
from time import perf_counter
from typing import Any

import numpy as np

from specnet.engines.help_pace import HelpPace
from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.entries import ROWS, STEPS_MADE
from specnet.engines.numba.fetching import fetch_table
from specnet.engines.numba.products import calls_library, product_functions, product_parts
from specnet.engines.numba.table_calls import NotByTable, calls_table, pieces_tape
from specnet.engines.numba.team import Team, usleep
from specnet.engines.numba.threads import INTEREST, NUMBERS, OPEN, SHORT_INTEREST
from specnet.engines.program import NumpyProgram
from specnet.engines.subnormals import flushed, flushing

__all__ = ["NotByTable", "WholeSteps"]

Array = np.ndarray[Any, Any]


class WholeSteps:
    """Makes the steps of a program, whose names stand for arrays and tables; a team helps where there is one."""

    def __init__(self, program: NumpyProgram, names: Mapping[str, Any], team: Team | None) -> None:
        assert program.whole is not None
        self._run, self._number, self._team = names["run"], program.whole.loop, team
        self._threads = program.whole.threads
        self._kept = names
        """What the table has the addresses of."""
        constants = [float(names[name]) for name in program.factors]
        self._given = np.array([0.0] * len(program.numbers) + constants)
        self._one = np.empty((1, len(program.scalars)))
        shared = np.zeros(NUMBERS + 8, np.int64)
        # Each number has a cache line of its own.
        self._shared = shared[-address_of(shared) % 64 // 8 :]
        self._shared[0] = self._threads  # no part to take
        self._pace = HelpPace()
        self._run_flushing = flushing(self._run)
        self._flushes = False
        """Whether helpers flush subnormal numbers to zero, as the thread that makes the steps always or never does."""
        self._interest = INTEREST if program.scalars else SHORT_INTEREST
        self._single = 1, address_of(self._one)
        """How many steps the table says to make, and where their scalars go, but while there are many."""
        header = [*self._single, address_of(self._given), 0, address_of(self._shared), self._threads]
        items = {names[entry[1]].itemsize for entry in program.whole.entries if entry[0] == "gemm"}
        header += [*(product_functions(item) if item in items else 0 for item in (4, 8)), usleep(), 0, 0]
        self._tables: list[Array] = []
        self.calls_library = False
        """Whether the matrix library computes a product of these sizes."""
        entries = (number for entry in program.whole.entries for number in self._numbers(entry, names))
        self._table = np.array([*header, *entries], np.int64)
        self._address = address_of(self._table)

    def step(self, *numbers: float) -> tuple[float, ...]:
        """Make a step with the plan's numbers, and return its scalars."""
        if numbers:
            self._given[: len(numbers)] = numbers
        self._make()
        return tuple(self._one[0].tolist())

    def only(self) -> tuple[()]:
        """Make a step of a plan that has neither numbers nor scalars, by this thread alone."""
        self._run(self._number, self._address)
        return ()

    def many(self, count: int, *numbers: float) -> Array:
        """Make so many steps, each with the number of the step before plus 1; return the scalars of each.

        The last ones are those of a step whose loss is not finite, if there is one.
        """
        found = np.empty((count, self._one.shape[1]))
        self._given[: len(numbers)] = numbers
        try:
            self._table[:2] = count, address_of(found)
            self._make()
        finally:
            # Ctrl-C after the steps must not leave the next one to write where these scalars were.
            self._table[:2] = self._single
        return found[: self._table[STEPS_MADE] + 1]

    def fetching(self, copies: Sequence[tuple[Array, Array]]) -> Callable[[Array], None] | None:
        """Return what has the next step begin by copying rows, whose places it is given, from arrays to others.

        None where only NumPy can copy them. There is one for a binding, or none.
        """
        table = fetch_table(copies, self._threads)
        if table is None:
            return None
        self._table[ROWS + 1] = address_of(table)
        # What compiled code has only the address of must not be freed.
        self._kept_rows = table, copies

        def fetch(places: Array) -> None:
            self._places = places
            self._table[ROWS] = address_of(places)

        return fetch

    def _make(self) -> None:
        """Make the steps that the table says."""
        if self._team is None:
            self._run(self._number, self._address)
            return
        helped = self._pace.helped
        self._shared[OPEN // 8] = self._interest if helped else 0
        if helped:
            self._flushes = flushed()
            self._team.wake(self)
        began = perf_counter()
        self._run(self._number, self._address)
        self._pace.made(int(self._table[0]), perf_counter() - began)

    def help(self) -> None:
        """Do parts of the steps that another thread makes, until there have been none for a moment."""
        (self._run_flushing if self._flushes else self._run)(self._number + 1, self._address)

    def _numbers(self, entry: tuple[str, ...], names: Mapping[str, Any]) -> list[int]:
        """Return what an entry puts into the table, and keep the tables that it has the addresses of."""
        if entry[0] == "calls":
            self._tables.append(calls_table(names[entry[1]]))
            return [address_of(self._tables[-1])]
        if entry[0] == "pieces":
            pieces = names[entry[1]]
            self._tables.append(pieces_tape(pieces, self._tables.append))
            return [len(pieces), address_of(self._tables[-1])]
        numbers = _numbers(entry, names)
        if entry[0] == "gemm" and calls_library(numbers):
            self.calls_library = True
        return numbers


def _numbers(entry: tuple[str, ...], names: Mapping[str, Any]) -> list[int]:
    """Return what an entry puts into the table."""
    kind, first, *others = entry
    array: Any = names[first]
    if kind == "address":
        return [address_of(array)]
    if kind == "table":
        return [array]
    if kind == "parts":
        found: list[int] = names["table"].parts(array, int(others[0]))
        return found
    if kind == "gemm":
        return product_parts(array, names[others[0]], names[others[1]], int(others[2]))
    if kind == "stream":
        draws = array.bit_generator.ctypes
        functions = (
            ctypes.cast(draw, ctypes.c_void_p).value for draw in (draws.next_uint32, draws.next_double)
        )
        return [draws.state_address, *(function or 0 for function in functions), names[others[0]].size]
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
