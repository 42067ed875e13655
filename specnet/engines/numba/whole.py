"""All of a step, and as many steps as are asked for, as one compiled function.

A step of a network of a few numbers is a dozen calls that each take longer than what they compute. Where all matrix
products of a plan are that small, its statements are written once more as a function that is compiled, in which
products are loops too. It is run like any compiled loop, with a table of addresses and sizes. Plans with a statement
that has no such form are executed without it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from math import prod

from specnet.engines.numpy.preparing import prepare
from specnet.engines.program import NumpyProgram, View, Whole
from specnet.graph.sizes import Sizes, at

LARGEST = 4_096
"""Multiplications of a matrix product that a loop does as fast as a call of the matrix library."""

HEADER = 4
"""Entries of the table in front of the others: how many steps to make, where their scalars go, where the numbers are
that the steps are given, and how many steps have been made."""


class _Unfit(Exception):  # noqa: N818 (it says that a plan has a statement without this form, which is no error)
    """A statement has no such form."""


def with_whole(program: NumpyProgram, sizes: Sizes, loop_name: Callable[[str], str]) -> NumpyProgram:
    """Return a program with the function for whole steps, if there is one, as the last of its loops.

    `loop_name` gives the name that a loop's function has.
    """
    if program.blocks or program.loops or program.shards or program.streams or program.calls:
        return program
    writer = _WholeWriter(program, sizes, loop_name)
    try:
        text = writer.write()
    except _Unfit:
        return program
    whole = Whole(tuple(writer.entries), writer.numbers)
    return replace(program, compiled=(*program.compiled, text), whole=whole)


class _WholeWriter:
    """Writes a step's statements as those of a compiled function."""

    def __init__(self, program: NumpyProgram, sizes: Sizes, loop_name: Callable[[str], str]) -> None:
        self.program, self.sizes, self.loop_name = program, sizes, loop_name
        self.views = {view.name: view for view in program.views}
        self.head: list[str] = []
        self.lines: list[str] = []
        self.entries: list[tuple[str, ...]] = []
        self.places: dict[tuple[str, ...], int] = {}
        self.next = HEADER

    @property
    def numbers(self) -> tuple[str, ...]:
        """What the steps are given."""
        return *self.program.numbers, *self.program.factors

    def write(self) -> str:
        """Return the function."""
        module = ast.parse(self.program.source)
        step = next(node for node in module.body if isinstance(node, ast.FunctionDef))
        for statement in step.body:
            self._statement(statement)
        given = [
            f"{name} = n[{place}]" + (" + i" if name == "step" else "")
            for place, name in enumerate(self.numbers)
        ]
        text = "\n".join(
            [
                "def {name}(t):",
                "    t = int64_at(t)",
                "    r, n = float64_at(t[1]), float64_at(t[2])",
                *(f"    {line}" for line in self.head),
                "    for i in range(t[0]):",
                "        t[3] = i",
                *(f"        {line}" for line in (*given, *self.lines)),
                "    t[3] = t[0]",
            ]
        )
        return f"{text}\n"

    # Statements

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Call(func=ast.Name(id=name), args=arguments)):
                self._call(name, arguments)
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id=array), attr="fill"),
                    args=[ast.Constant(float(number))],
                )
            ):
                out = self._array(array)
                self.lines.append(f"filled({number!r}, {out}, t, {self._entry('size', array)})")
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.lines.append(f"{name} = {self._scalar(value)}")
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Name(id=array), slice=ast.Constant(int(place)))], value=value
            ):
                self.lines.append(f"{self._array(array)}[{place}] = {self._scalar(value)}")
            case ast.If(test=test, body=[ast.Return(value=ast.Tuple(elts=results))], orelse=[]):
                self.lines.append(f"if {self._scalar(test)}:")
                self.lines += [f"    {line}" for line in (*self._results(results), "return")]
            case ast.Return(value=ast.Tuple(elts=results)):
                self.lines += self._results(results)
            case _:
                raise _Unfit

    def _results(self, results: list[ast.expr]) -> list[str]:
        count = len(results)
        return [f"r[i * {count} + {place}] = {self._scalar(result)}" for place, result in enumerate(results)]

    def _call(self, name: str, arguments: list[ast.expr]) -> None:
        match name, arguments:
            case "run", [ast.Constant(int(number)), ast.Name(id=table)]:
                name = self.loop_name(self.program.compiled[number])
                self.lines.append(f"{name}(t[{self._entry('table', table)}])")
            case "dot", [ast.Name(id=a), ast.Name(id=b), ast.Name(id=out)]:
                self._check_small(a, b)
                arrays = f"{self._array(a)}, {self._array(b)}, {self._array(out)}"
                self.lines.append(f"product({arrays}, t, {self._entry('product', a, b)})")
            case "add_reduce", [ast.Name(id=a), ast.Tuple() as axes, ast.Constant(None), ast.Name(id=out)]:
                along = ast.literal_eval(axes)
                if along != tuple(range(along[0], along[-1] + 1)):
                    raise _Unfit
                where = self._entry("along", a, str(along[0]), str(along[-1] + 1))
                self.lines.append(f"sum_along({self._array(a)}, {self._array(out)}, t, {where})")
            case "log_softmax", [ast.Name(id=a), ast.UnaryOp(op=ast.USub(), operand=ast.Constant(1)), out]:
                arrays = f"{self._array(a)}, {self._array(out)}"
                self.lines.append(f"logarithms({arrays}, t, {self._entry('rows', a)})")
            case "add", [ast.Name(id=a), ast.Name(id=b), ast.Name(id=out)] if self._alike(a, b, out):
                arrays = f"{self._array(a)}, {self._array(b)}, {self._array(out)}"
                self.lines.append(f"added({arrays}, t, {self._entry('size', out)})")
            case "copyto", [ast.Name(id=out), ast.Name(id=a)] if self._alike(a, out):
                arrays = f"{self._array(a)}, {self._array(out)}"
                self.lines.append(f"copied({arrays}, t, {self._entry('size', out)})")
            case "take", [ast.Name(id=a), ast.Name(id=index), ast.Constant(0), ast.Name(id=out), _]:
                self._flat(a)
                arrays = f"{self._array(a)}, {self._array(index)}, {self._array(out)}"
                self.lines.append(f"taken({arrays}, t, {self._entry('sizes', a, index)})")
            case "put", [ast.Name(id=out), ast.Name(id=index), ast.Name(id=a), _]:
                arrays = f"{self._array(out)}, {self._array(index)}, {self._array(a)}"
                self.lines.append(f"placed({arrays}, t, {self._entry('sizes', out, index, a)})")
            case _:
                raise _Unfit

    # Scalars

    def _scalar(self, node: ast.expr) -> str:
        """Return an expression of scalars."""
        match node:
            case ast.Call(func=ast.Name(id="float"), args=[ast.Call(func=ast.Name(id=name), args=arguments)]):
                return f"float64({self._sum(name, arguments)})"
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in self.views:
                raise _Unfit
            if isinstance(part, ast.Name) and part.id.startswith("scalar_"):
                part.id = part.id.removeprefix("scalar_")
                if part.id not in FUNCTIONS:
                    raise _Unfit
        return ast.unparse(node)

    def _sum(self, name: str, arguments: list[ast.expr]) -> str:
        match name, arguments:
            case "dot", [ast.Name(id=a), ast.Name(id=b)]:
                return f"inner_product({self._array(a)}, {self._array(b)}, t, {self._entry('size', a)})"
            case "add_reduce", [ast.Name(id=a)] if self.views[a].dtype != "bool":
                return f"total({self._array(a)}, t, {self._entry('size', a)})"
        raise _Unfit

    # What the table has

    def _array(self, name: str | ast.expr) -> str:
        """Return the name of an array's address."""
        name = name.id if isinstance(name, ast.Name) else name
        if not isinstance(name, str):
            raise _Unfit
        new = ("address", name) not in self.places
        place = self._entry("address", name)
        if new:
            self.head.append(f"a{place} = {self._dtype(name)}_at(t[{place}])")
        return f"a{place}"

    def _dtype(self, name: str) -> str:
        if name in self.views:
            dtype: str = self.views[name].dtype
        elif name in self.program.prepared:
            dtype = str(self.program.prepared[name].arguments[-1])
            dtype = dtype if dtype.startswith("float") else "int64"
        elif name in self.program.literals:
            dtype = self.program.literals[name][2]
        else:
            raise _Unfit
        if dtype == "bool":
            raise _Unfit
        return dtype

    def _entry(self, kind: str, *names: str) -> int:
        """Return where the table has something."""
        key = kind, *names
        if key not in self.places:
            self.places[key] = self.next
            self.entries.append(key)
            self.next += SIZES[kind]
        return self.places[key]

    def _view(self, name: str) -> View:
        if name not in self.views:
            raise _Unfit
        return self.views[name]

    def _flat(self, name: str) -> None:
        if self._view(name).form != "flat":
            raise _Unfit

    def _alike(self, *names: str) -> bool:
        """Return whether arrays have as many elements, one after the other."""
        turned = any(name in self.views and self.views[name].form == "T" for name in names)
        return not turned and len({(self._shape(name), self._dtype(name)) for name in names}) == 1

    def _check_small(self, a: str, b: str) -> None:
        """Raise _Unfit for a product of large matrices."""
        columns = self._shape(b)[1:]
        if len(columns) > 1 or prod(self._shape(a)) * prod(columns) > LARGEST:
            raise _Unfit

    def _shape(self, name: str) -> tuple[int, ...]:
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


FUNCTIONS = {"exp", "log", "sqrt", "sin", "cos", "tanh", "expm1", "log1p"}
"""Functions of scalars that compiled code has."""

SIZES = {"address": 1, "table": 1, "size": 1, "sizes": 3, "rows": 2, "along": 3, "product": 7}
"""Entries of the table, by what makes them."""
