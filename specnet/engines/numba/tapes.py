"""Loops over steps as compiled functions that read from a tape what each step works on.

A step of a recurrent layer is a few calls that each take some microseconds. Two workers that make such calls mostly
wait for the interpreter's lock. Where a body has nothing but compiled loops, matrix products, sums and copies, all of a
loop is one call instead. What each step's names stand for is known when a plan is bound: for each call of the body,
the tape has the address of a table.
"""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from specnet.engines.blas import product_addresses
from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.products import product_functions, product_parts
from specnet.engines.program import Tape
from specnet.engines.sharing import PARSING

Array = np.ndarray[Any, Any]


class NotPlain(Exception):  # noqa: N818 (it says that a loop has to be run by Python, which is no error)
    """Arrays lie in a way that compiled code does not take."""


def compiled_loop(
    body: Sequence[str], name_of: Callable[[int], str]
) -> tuple[str, tuple[tuple[str, ...], ...]] | None:
    """Return the compiled function of a loop with its calls; None where the body has a statement without this form.

    `name_of` gives the name of the compiled function with a number.
    """
    calls: list[tuple[str, ...]] = []
    lines: list[str] = []
    with PARSING.lock:
        module = ast.parse("\n".join(body))
    for statement in module.body:
        match statement:
            case ast.Expr(
                value=ast.Call(func=ast.Name(id="run"), args=[ast.Constant(int(number)), ast.Name(id=table)])
            ):
                calls.append(("run", table))
                lines.append(f"{name_of(number)}(q[{{}}])")
            case ast.Expr(
                value=ast.Call(
                    func=ast.Name(id="matmul" | "dot"),
                    args=[ast.Name(id=a), ast.Name(id=b), ast.Name(id=out)],
                )
            ):
                calls.append(("products", a, b, out))
                lines.append("products(q[{}], t[2], t[3])")
            case ast.Expr(
                value=ast.Call(
                    func=ast.Name(id="add_reduce"),
                    args=[ast.Name(id=a), ast.Tuple() as axes, ast.Constant(None), ast.Name(id=out)],
                )
            ):
                calls.append(("sums", a, out, *map(str, ast.literal_eval(axes))))
                lines.append("sums(q[{}])")
            case ast.Expr(
                value=ast.Call(func=ast.Name(id="copyto"), args=[ast.Name(id=out), ast.Name(id=a)])
            ):
                calls.append(("copies", a, out))
                lines.append("copies(q[{}])")
            case _:
                return None
    if not calls or product_addresses() is None:
        return None
    width = 8 * len(calls)
    text = [
        "def {name}(t):",
        "    t = int64_at(t)",
        "    for i in range(t[0]):",
        f"        q = int64_at(t[1] + {width} * i)",
        *(f"        {line.format(place)}" for place, line in enumerate(lines)),
    ]
    return "\n".join(text) + "\n", tuple(calls)


class Player:
    """Makes what runs a loop: the compiled function with a tape where all arrays lie well, else Python."""

    def __init__(self, run: Callable[[int, int], None]) -> None:
        self._run = run

    def __call__(
        self, tape: Tape, arguments: Sequence[str], steps: Sequence[Sequence[Any]], names: Mapping[str, Any]
    ) -> Callable[[], None]:
        """Return a function that makes all steps; a step has what the loop's arguments stand for."""
        try:
            tables = []
            for step in steps:
                here = ChainMap(dict(zip(arguments, step, strict=True)), names)  # type: ignore[arg-type]
                tables.append([_table(call, here) for call in tape.calls])
        except NotPlain:
            within = dict(names)
            exec(compile(tape.source, "<loop>", "exec"), within)  # noqa: S102 (the compiler wrote it)
            play = within.pop("play")
            return lambda: play(steps)
        # What runs are given are addresses; other tables are arrays, which are kept.
        rows = np.array(
            [[t if isinstance(t, int) else address_of(t) for t in row] for row in tables], np.int64
        )
        items = {
            table[0]
            for row in tables
            for call, table in zip(tape.calls, row, strict=True)
            if call[0] == "products" and not isinstance(table, int)
        }
        functions = [product_functions(item) if item in items else 0 for item in (4, 8)]
        header = np.array([len(steps), address_of(rows), *functions], np.int64)
        return _Played(self._run, tape.loop, header, (rows, tables))


class _Played:
    """A loop with its tape."""

    def __init__(self, run: Callable[[int, int], None], loop: int, header: Array, kept: object) -> None:
        self._run, self._loop, self._address = run, loop, address_of(header)
        self._kept = header, kept

    def __call__(self) -> None:
        self._run(self._loop, self._address)


def _table(call: tuple[str, ...], names: Mapping[str, Any]) -> int | Array:
    kind, first, *others = call
    array: Any = names[first]
    if kind == "run":
        assert isinstance(array, int)
        return array
    if kind == "products":
        return _products(array, names[others[0]], names[others[1]])
    out: Array = names[others[0]]
    if array.dtype != out.dtype or not (array.flags.c_contiguous and out.flags.c_contiguous):
        raise NotPlain
    if kind == "copies":
        if array.shape != out.shape:
            raise NotPlain
        return np.array([array.nbytes, address_of(array), address_of(out)], np.int64)
    axes = [int(axis) for axis in others[1:]]
    start, stop = axes[0], axes[-1] + 1
    if axes != list(range(start, stop)) or array.dtype.kind != "f":
        raise NotPlain
    sizes = [prod(array.shape[:start]), prod(array.shape[start:stop]), prod(array.shape[stop:])]
    return np.array([array.itemsize, address_of(array), address_of(out), *sizes], np.int64)


def _products(a: Array, b: Array, out: Array) -> Array:
    """Return the table of a product of matrices, or of many of them."""
    if a.ndim < 2 or b.ndim < 2 or a.dtype.kind != "f" or len({a.dtype, b.dtype, out.dtype}) > 1:
        raise NotPlain
    lead = out.shape[:-2]
    a, b = (np.broadcast_to(each, (*lead, *each.shape[-2:])) for each in (a, b))
    entries: list[int] = []
    for place in product(*map(range, lead)):
        matrices = a[place], b[place], out[place]
        if not all(_has_rows(each) or _has_rows(each.T) for each in matrices[:2]) or not _has_rows(
            matrices[2]
        ):
            raise NotPlain
        entries += product_parts(*matrices, 1)
    return np.array([a.itemsize, prod(lead), *entries], np.int64)


def _has_rows(matrix: Array) -> bool:
    """Return whether each row of a matrix is one piece of memory, and lies after the one before."""
    rows, columns = matrix.strides
    together: bool = columns == matrix.itemsize or matrix.shape[1] == 1
    return together and (rows >= matrix.shape[1] * matrix.itemsize or matrix.shape[0] == 1)
