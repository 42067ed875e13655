"""What the table of a compiled step holds: addresses, sizes, and what else its statements need."""

from __future__ import annotations

import ast
from math import prod

from specnet.engines.numpy.preparing import prepare
from specnet.engines.program import NumpyProgram, View
from specnet.graph.sizes import Sizes, at

HEADER = 11
"""Entries of the table in front of the others: how many steps to make, where their scalars go, where the numbers are
that the steps are given, and how many steps have been made; the address of the team's numbers, the parts of a stage,
and the addresses of what computes products of float32 and float64, and of `usleep`; and those of the places of the rows
to fetch before the first step, 0 for none, and of the table of their copies, see `fetching`."""

STEPS_MADE = 3
"""The place of the number of steps, which the function changes."""

ROWS = 9
"""The place of the address of the rows' places, which the function sets to 0 once the rows are there."""

GEMM = 11
"""Entries of a part of a product by the matrix library: how two matrices lie, the sizes, and where all lie."""

SIZES = {
    "address": 1,
    "table": 1,
    "parts": 1,
    "calls": 1,
    "pieces": 2,
    "size": 1,
    "sizes": 3,
    "rows": 2,
    "along": 3,
    "product": 7,
    "gemm": GEMM,
    "stream": 4,
}
"""Entries of the table, by what makes them: of a part, where there are parts."""


class Unfit(Exception):  # noqa: N818 (it says that a plan has a statement without this form, which is no error)
    """A statement has no such form."""


class Entries:
    """Gives out places in the table of a program's steps."""

    def __init__(self, program: NumpyProgram, sizes: Sizes) -> None:
        self.program, self.sizes = program, sizes
        self.views = {view.name: view for view in program.views}
        self.head: list[str] = []
        """Statements that name the addresses of arrays."""
        self.entries: list[tuple[str, ...]] = []
        self.places: dict[tuple[str, ...], int] = {}
        self.next = HEADER

    def array(self, name: str | ast.expr, *, truths: bool = False) -> str:
        """Return the name of an array's address; one of truth values is taken only where it is asked for."""
        name = name.id if isinstance(name, ast.Name) else name
        if not isinstance(name, str):
            raise Unfit
        new = ("address", name) not in self.places
        dtype = "uint8" if truths else self.dtype(name)
        place = self.entry("address", name)
        if new:
            self.head.append(f"a{place} = {dtype}_at(t[{place}])")
        return f"a{place}"

    def dtype(self, name: str) -> str:
        """Return the type of an array's elements; raise Unfit where compiled code does not take it."""
        if name in self.views:
            dtype: str = self.views[name].dtype
        elif name in self.program.prepared:
            dtype = str(self.program.prepared[name].arguments[-1])
            dtype = dtype if dtype.startswith("float") else "int64"
        elif name in self.program.literals:
            dtype = self.program.literals[name][2]
        else:
            raise Unfit
        if dtype == "bool":
            raise Unfit
        return dtype

    def entry(self, kind: str, *names: str) -> int:
        """Return where the table has something."""
        key = kind, *names
        if key not in self.places:
            self.places[key] = self.next
            self.entries.append(key)
            self.next += SIZES[kind] * (int(names[-1]) if kind in ("gemm", "parts") else 1)
        return self.places[key]

    def _view(self, name: str) -> View:
        if name not in self.views:
            raise Unfit
        return self.views[name]

    def flat(self, name: str) -> None:
        """Raise Unfit unless an array has one axis."""
        if self._view(name).form != "flat":
            raise Unfit

    def is_truth(self, name: str) -> bool:
        """Return whether an array has truth values."""
        return name in self.views and self.views[name].dtype == "bool"

    def alike(self, *names: str) -> bool:
        """Return whether arrays of one type have as many elements, one after the other."""
        return self.as_long(*names) and len(set(map(self.dtype, names))) == 1

    def as_long(self, *names: str) -> bool:
        """Return the same of arrays of any type."""
        turned = any(name in self.views and self.views[name].form == "T" for name in names)
        return not turned and len(set(map(self.shape, names))) == 1

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an array as statements have it."""
        if name in self.program.prepared:
            shape = prepare(self.program.prepared[name], self.sizes).shape
            return tuple(shape)
        view = self._view(name)
        shape = at(view.shape, self.sizes)
        match view.form:
            case "flat":
                return (prod(shape),)
            case "rows":
                return prod(shape[:-1]), shape[-1]
            case "T":
                return (*shape[:-2], shape[-1], shape[-2])
        return shape
