"""Plans as statements of NumPy and compiled loops."""

from __future__ import annotations

import linecache
from itertools import pairwise
from math import prod
from typing import Any

import numba
import numpy as np
from numba import types

from specnet.diagnostics.text import counted
from specnet.engines.notices import notify
from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.functions import resolve
from specnet.engines.numba.keeping import KeptCode
from specnet.engines.numba.source import loop_name, written
from specnet.engines.numba.statements import CompiledStatements, UnsharedStatements
from specnet.engines.numba.tapes import Player
from specnet.engines.numba.whole import with_whole
from specnet.engines.numpy import emit as numpy_emit
from specnet.engines.program import NumpyProgram
from specnet.engines.sharing import Shared
from specnet.passes.plan import Plan
from specnet.passes.schedule import Distribute, Repeat

Array = np.ndarray[Any, Any]


def emit(plan: Plan) -> NumpyProgram:
    """Write a plan as a function over bound views that runs compiled loops."""
    if plan.workers and any(isinstance(each, Repeat | Distribute) for each in plan.instructions):
        return numpy_emit.emit(plan, CompiledStatements)  # a body leaves no whole step
    alone = numpy_emit.emit(plan, UnsharedStatements)
    if alone.blocks and plan.workers > 1:
        return numpy_emit.emit(plan, CompiledStatements)  # which share the pieces of these
    whole = with_whole(alone, plan.sizes, plan.threads, loop_name)
    return numpy_emit.emit(plan, CompiledStatements) if plan.workers and whole.whole is None else whole


def functions(program: NumpyProgram) -> dict[str, Any]:
    """Return the functions that a program's source names, for one binding."""
    own = {name: resolve(name) for name in program.functions if name != "run"}
    if not program.compiled:
        return own
    run = compiled(program.compiled)
    return {**own, "run": run, "table": TableMaker(), "tape": Player(run)}


class TableMaker:
    """Makes the tables of compiled loops, and keeps them as long as these may be run."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Array, tuple[Array, ...], tuple[tuple[bool, ...], ...]]] = {}
        """Tables, with the arrays in them and their axes, by address."""

    def __call__(
        self,
        arrays: tuple[Array, ...],
        axes: tuple[tuple[int, int], ...],
        spans: tuple[tuple[bool, ...], ...],
        numbers: Array | None = None,
    ) -> int:
        """Return the address of a table: the arrays' addresses, sizes, and the numbers' address.

        The sizes are products of the first array's axes, from one to another; `spans` says along which of these each
        of the arrays extends.
        """
        shape = arrays[0].shape
        sizes = [int(np.prod(shape[start:stop])) for start, stop in axes]
        given = [] if numbers is None else [numbers]
        return self._made([*map(address_of, arrays), *sizes, *map(address_of, given)], arrays, spans)

    def parts(self, address: int, count: int) -> list[int]:
        """Return the addresses of so many tables for parts of a loop along its first axis; 0 for one without any."""
        table, arrays, spans = self._kept[address]
        first = len(arrays)
        sizes = table[first : first + len(spans[0])].tolist()
        ends = [sizes[0] * part // count for part in range(count + 1)]
        found: list[int] = []
        for start, stop in pairwise(ends):
            own = table.tolist()
            own[first] = stop - start
            for number, (array, along) in enumerate(zip(arrays, spans, strict=True)):
                step = prod(size for size, extends in zip(sizes[1:], along[1:], strict=True) if extends)
                own[number] += start * step * array.itemsize if along[0] else 0
            found.append(self._made(own, arrays, spans) if stop > start else 0)
        return found

    def _made(
        self, numbers: list[int], arrays: tuple[Array, ...], spans: tuple[tuple[bool, ...], ...]
    ) -> int:
        table = np.array(numbers, np.int64)
        address = address_of(table)
        self._kept[address] = table, arrays, spans
        return address


class _Loaded(Shared):
    """The compiled loops of plans that this process has used, by their source."""

    def reset(self) -> None:
        super().reset()
        self.by_name: dict[str, Any] = {}


_LOADED = _Loaded()


def compiled(loops: tuple[str, ...]) -> Any:
    """Return the function that runs the loop of a number with the address of its table.

    It is compiled, which takes some seconds, unless it is kept on disk.
    """
    name, source = written(loops)
    with _LOADED.lock:
        if name not in _LOADED.by_name:
            _LOADED.by_name[name] = _load(name, source, len(loops))
        return _LOADED.by_name[name]


def _load(name: str, source: str, count: int) -> Any:
    # Numba finds what a function was compiled with by the name of its module.
    names: dict[str, Any] = {"__name__": __name__}
    file = f"{name}.py"
    exec(compile(source, file, "exec"), names)  # noqa: S102 (the compiler wrote it)
    # Numba reads the source of what it compiles, and would be given lines of this module.
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    function = names[name]
    made = numba.njit(nogil=True, error_model="numpy")(function)
    made._cache = _Noted(function, source, count)  # noqa: SLF001  what `cache=True` sets
    made.compile(types.void(types.int64, types.int64))
    made.disable_compile()
    return made


class _Noted(KeptCode):
    """Kept code, which says so where there is none."""

    def __init__(self, function: Any, source: str, count: int) -> None:
        super().__init__(function, source)
        self._count = count

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        found = super().load_overload(sig, target_context)
        if found is None:
            notify(f"compiling {counted(self._count, 'loop')} with numba {numba.__version__}")
        return found
