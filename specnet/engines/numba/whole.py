"""All of a step, and as many steps as are asked for, as one compiled function.

A step of a network of a few numbers is a dozen calls that each take longer than what they compute. So the statements
of a plan are written once more as a function that is compiled, in which small products are loops, and others calls of
products by blocks or of the matrix library. It is run like any compiled loop, with a table of addresses and sizes.
Plans with a statement that has no such form are executed without it.

Where several threads may compute, long loops and products are stages that are cut into as many parts, of which any
thread takes one after the other. How they are cut follows from the sizes alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from math import prod

from specnet.engines.blas import product_addresses
from specnet.engines.numba.entries import GEMM, ROWS, Unfit
from specnet.engines.numba.scalars import Scalars
from specnet.engines.program import NumpyProgram, Whole
from specnet.engines.sharing import PARSING
from specnet.graph.sizes import Sizes
from specnet.passes.large_products import IN_LOOPS

LARGEST_OF_A_ROW = 512
"""Multiplications of a product that a loop does as fast as a call where the first matrix has one row: then vectors of
columns are added up."""

SHARED = 16_384
"""Elements of a loop that is worth cutting into parts: some microseconds of work."""

SHARED_PRODUCT = 2**18
"""Multiplications of a matrix product that is."""


def with_whole(
    program: NumpyProgram, sizes: Sizes, threads: int, loop_name: Callable[[str], str]
) -> NumpyProgram:
    """Return a program with the function for whole steps, if there is one, after its loops.

    So many threads may compute; where there are stages for them, another function takes parts of these. `loop_name`
    gives the name that a loop's function has.
    """
    if program.loops or program.shards:
        return program
    writer = _WholeWriter(program, sizes, threads, loop_name)
    try:
        texts = writer.write()
    except Unfit:
        return program
    number = len(program.compiled)
    whole = Whole(
        number,
        tuple(writer.entries),
        writer.numbers,
        threads if writer.stages else 1,
    )
    return replace(program, compiled=(*program.compiled, *texts), whole=whole)


_SHARED = """
@inner
def {name}_shared(t, stage):
    team, parts = t[4], t[5]
    offer(team, stage)
    taken = take(team, parts)
    while taken >= 0:
        {name}_part(t, taken // 65536, taken % 65536)
        done(team)
        taken = take(team, parts)
    finish(team, parts, t[8])


@inner
"""
"""What the function for whole steps calls for a stage."""

_HELP = """\
def {name}(t):
    t = int64_at(t)
    team, parts, idle = t[4], t[5], 0
    while helps(team, idle):
        taken = take(team, parts)
        if taken < 0:
            idle += 1
        else:
            {whole}_part(t, taken // 65536, taken % 65536)
            done(team)
            idle = 0
"""
"""What other threads run meanwhile."""


class _WholeWriter(Scalars):
    """Writes a step's statements as those of a compiled function."""

    def __init__(
        self, program: NumpyProgram, sizes: Sizes, threads: int, loop_name: Callable[[str], str]
    ) -> None:
        super().__init__(program, sizes, loop_name)
        self.threads = threads
        self.stages: list[str] = []
        """What does a part of each stage."""

    @property
    def numbers(self) -> tuple[str, ...]:
        """What the steps are given."""
        return *self.program.numbers, *self.program.factors

    def write(self) -> list[str]:
        """Return the function, and the one for other threads if there are stages."""
        with PARSING.lock:
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
                *(f"    {line}" for line in self._fetching()),
                "    for i in range(t[0]):",
                "        t[3] = i",
                *(f"        {line}" for line in (*given, *self.lines)),
                "    t[3] = t[0]",
            ]
        )
        if not self.stages:
            return [f"{text}\n"]
        parts = ["def {name}_part(t, stage, part):"]
        for number, line in enumerate(self.stages):
            parts += [f"    if stage == {number}:", f"        {line}", "        return"]
        main = "\n".join(parts) + "\n\n" + _SHARED + f"{text}\n"
        return [main, _HELP.replace("{whole}", self.loop_name(main))]

    def _fetching(self) -> list[str]:
        """Return what fetches the rows of the first step; predictions are made of rows that are there."""
        if not self.program.scalars:
            return []
        places = f"t[{ROWS}]"
        if not self.stages:
            return [f"if {places}:", "    fetch_rows(t, 0)", f"    {places} = 0"]
        stage = len(self.stages)
        self.stages.append("fetch_rows(t, part)")
        return [
            f"if {places}:",
            f"    if int64_at(t[{ROWS + 1}])[0] > 1:",
            f"        {{name}}_shared(t, {stage})",
            "    else:",
            f"        {{name}}_part(t, {stage}, 0)",
            f"    {places} = 0",
        ]

    # Statements

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Call(func=ast.Name(id="perform"), args=[ast.Name(id=calls)])):
                self.perform(calls)
            case ast.Expr(value=ast.Call(func=ast.Name(id=name), args=arguments)):
                self._call(name, arguments)
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id=array), attr="fill"),
                    args=[ast.Constant(float(number))],
                )
            ):
                out = self.array(array)
                self.lines.append(f"filled({number!r}, {out}, t, {self.entry('size', array)})")
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.lines.append(f"{name} = {self.scalar(value)}")
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Name(id=array), slice=ast.Constant(int(place)))], value=value
            ):
                self.lines.append(f"{self.array(array)}[{place}] = {self.scalar(value)}")
            case ast.For(target=ast.Tuple(elts=names), iter=ast.Name(id=block), body=body):
                self.pieces([ast.unparse(name) for name in names], block, body)
            case ast.If(test=test, body=[ast.Return(value=ast.Tuple(elts=results))], orelse=[]):
                self.lines.append(f"if {self.scalar(test)}:")
                self.lines += [f"    {line}" for line in (*self._results(results), "return")]
            case ast.Return(value=ast.Tuple(elts=results)):
                self.lines += self._results(results)
            case _:
                raise Unfit

    def _results(self, results: list[ast.expr]) -> list[str]:
        count = len(results)
        return [f"r[i * {count} + {place}] = {self.scalar(result)}" for place, result in enumerate(results)]

    def _call(self, name: str, arguments: list[ast.expr]) -> None:
        match name, arguments:
            case "run", [ast.Constant(int(number)), ast.Name(id=table)]:
                self._loop(self.loop_name(self.program.compiled[number]), table)
            case "dot", [ast.Name(id=a), ast.Name(id=b), ast.Name(id=out)]:
                self._product(a, b, out)
            case (
                "add_reduce" | "sum_between",
                [ast.Name(id=a), ast.Tuple() as axes, ast.Constant(None) | ast.Name(), ast.Name(id=out)],
            ):
                along = ast.literal_eval(axes)
                if along != tuple(range(along[0], along[-1] + 1)):
                    raise Unfit
                where = self.entry("along", a, str(along[0]), str(along[-1] + 1))
                self.lines.append(f"sum_along({self.array(a)}, {self.array(out)}, t, {where})")
            case (
                "argmax" | "log_softmax" | "softmax",
                [ast.Name(id=a), ast.UnaryOp(op=ast.USub(), operand=ast.Constant(1)), out],
            ):
                arrays = f"{self.array(a)}, {self.array(out)}"
                self.lines.append(f"{BY_ROWS[name]}({arrays}, t, {self.entry('rows', a)})")
            case "add", [ast.Name(id=a), ast.Name(id=b), ast.Name(id=out)] if self.alike(a, b, out):
                arrays = f"{self.array(a)}, {self.array(b)}, {self.array(out)}"
                self.lines.append(f"added({arrays}, t, {self.entry('size', out)})")
            case "copyto", [ast.Name(id=out), ast.Name(id=a)] if not self.is_truth(a) and self.alike(a, out):
                arrays = f"{self.array(a)}, {self.array(out)}"
                self.lines.append(f"copied({arrays}, t, {self.entry('size', out)})")
            case "take", [ast.Name(id=a), ast.Name(id=index), ast.Constant(0), ast.Name(id=out), _]:
                self.flat(a)
                arrays = f"{self.array(a)}, {self.array(index)}, {self.array(out)}"
                self.lines.append(f"taken({arrays}, t, {self.entry('sizes', a, index)})")
            case "put", [ast.Name(id=out), ast.Name(id=index), ast.Name(id=a), _]:
                arrays = f"{self.array(out)}, {self.array(index)}, {self.array(a)}"
                self.lines.append(f"placed({arrays}, t, {self.entry('sizes', out, index, a)})")
            case _:
                self._drawing(name, arguments)

    def _drawing(self, name: str, arguments: list[ast.expr]) -> None:
        """Write one of the statements that draw a mask."""
        match name, arguments:
            case "copyto", [ast.Name(id=out), ast.Name(id=a)] if self.is_truth(a) and self.as_long(a, out):
                arrays = f"{self.array(a, truths=True)}, {self.array(out)}"
                self.lines.append(f"converted({arrays}, t, {self.entry('size', out)})")
            case "draw_uniform", [ast.Name(id=stream), ast.Name(id=out)]:
                width = self.dtype(out).removeprefix("float")
                self.lines.append(f"drawn{width}({self.array(out)}, t, {self.entry('stream', stream, out)})")
            case "greater_equal", [ast.Name(id=a), ast.Constant(float(bound)), ast.Name(id=out)]:
                given = f"{self.array(a)}, {self.dtype(a)}({bound!r}), {self.array(out, truths=True)}"
                self.lines.append(f"at_least({given}, t, {self.entry('size', a)})")
            case "multiply", [ast.Name(id=a), ast.Constant(float(factor)), ast.Name(id=out)] if self.alike(
                a, out
            ):
                given = f"{self.array(a)}, {self.dtype(a)}({factor!r}), {self.array(out)}"
                self.lines.append(f"scaled({given}, t, {self.entry('size', a)})")
            case _:
                raise Unfit

    def _loop(self, name: str, table: str) -> None:
        with PARSING.lock:
            made = ast.parse(self.program.tables[table], mode="eval").body
        match made:
            case ast.Call(args=[ast.Tuple(elts=[ast.Name(id=first), *_]), *_]):
                size = prod(self.shape(first))
            case _:
                raise Unfit
        if self.threads > 1 and size >= SHARED:
            place = f"t[{self.entry('parts', table, str(self.threads))} + part]"
            # Of a few rows, there is none for some parts.
            self._stage(f"if {place}: {name}({place})")
        else:
            self.lines.append(f"{name}(t[{self.entry('table', table)}])")

    def _product(self, a: str, b: str, out: str) -> None:
        columns = self.shape(b)[1:]
        if len(columns) > 1:
            raise Unfit
        multiplications = prod(self.shape(a)) * prod(columns)
        dtype = self.dtype(a)
        known = product_addresses() is not None and {dtype, self.dtype(b), self.dtype(out)} in (
            {"float32"},
            {"float64"},
        )
        single = known and self.shape(a)[0] == 1 and multiplications > LARGEST_OF_A_ROW
        if multiplications <= IN_LOOPS and not single:
            arrays = f"{self.array(a)}, {self.array(b)}, {self.array(out)}"
            self.lines.append(f"product({arrays}, t, {self.entry('product', a, b)})")
            return
        if not known:
            raise Unfit
        call = "gemm32(t, t[6], {})" if dtype == "float32" else "gemm64(t, t[7], {})"
        parts = self.threads if multiplications >= SHARED_PRODUCT else 1
        place = self.entry("gemm", a, b, out, str(parts))
        if parts > 1:
            self._stage(call.format(f"{place} + part * {GEMM}"))
        else:
            self.lines.append(call.format(place))

    def _stage(self, line: str) -> None:
        """Write a statement that any thread does a part of."""
        self.lines.append(f"{{name}}_shared(t, {len(self.stages)})")
        self.stages.append(line)


BY_ROWS = {"argmax": "largest", "log_softmax": "logarithms", "softmax": "proportions"}
"""What computes something of each row of an array, by the name in statements."""
