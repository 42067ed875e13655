"""A plan's statements, with chains of element-wise ops as compiled loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from specnet.engines.numba.kernels import STATEMENTS
from specnet.engines.numba.loops import LoopWriter
from specnet.engines.numba.source import loop_name
from specnet.engines.numba.tapes import compiled_loop
from specnet.engines.numpy.statements import Statements
from specnet.engines.operands import Operands
from specnet.engines.program import Tape
from specnet.graph.attributes import Prepared
from specnet.graph.graph import Value
from specnet.graph.sizes import ITEM_BYTES, Sizes, at
from specnet.passes.groups import is_looped
from specnet.passes.schedule import Compute, Pieces, Repeat


class CompiledStatements(Statements):
    """Statements that run compiled loops by their number; each is handed a table of what it works on."""

    def _compute(self, each: Compute) -> None:
        if each.prologue or not is_looped(each.value):
            super()._compute(each)
            return
        self.finish(self._run([each.value], {each.value.index}))

    def _kernel(self, value: Value) -> str:
        return STATEMENTS.get(value.op.name) or super()._kernel(value)

    def _block(self, pieces: Pieces) -> None:
        group = pieces.group
        if len(group.runs) == 1 and is_looped(group.values[0]):
            if pieces.workers <= 1:
                for code in self._codes(group.values, group.registers):
                    self.finish(code)
                return
            # Each worker takes its whole share at once.
            rows = max(1, *at((group.leading,), self.sizes))
            pieces = replace(pieces, group=replace(group, rows=rows))
        super()._block(pieces)

    def _written(self, pieces: Pieces) -> list[tuple[str, ...]]:
        written: list[tuple[str, ...]] = []
        for run in pieces.group.runs:
            if is_looped(run[0]):
                written += self._codes(run, pieces.group.registers)
            else:
                written.append(self._code(run[0]))
        return written

    def _loop(self, repeat: Repeat) -> None:
        super()._loop(repeat)
        loop = self.loops[-1]
        first = next(n for n, line in enumerate(self.lines) if line.endswith(f" in {loop.name}:"))
        stop = next(
            (n for n, line in enumerate(self.lines) if n > first and not line.startswith("    ")),
            len(self.lines),
        )
        head, *body = self.lines[first:stop]
        compiled = self.operands.tables.compiled
        texts = list(compiled)
        found = compiled_loop([line[4:] for line in body], lambda number: loop_name(texts[number]))
        if found is None:
            return
        text, calls = found
        python = [f"    {head.removesuffix(f'{loop.name}:')}steps:", *(f"    {line}" for line in body)]
        tape = Tape(
            compiled.setdefault(text, len(compiled)), calls, "\n".join(["def play(steps):", *python]) + "\n"
        )
        self.loops[-1] = replace(loop, tape=tape)
        self.lines[first:stop] = [f"{loop.name}()"]

    def _codes(self, run: Sequence[Value], registers: set[int]) -> list[tuple[str, ...]]:
        """Return the statements of each op of a run: those of the loop stand at its last."""
        stored = {value.index for value in run} - registers
        return [*[()] * (len(run) - 1), self._run(run, stored)]

    def _run(self, run: Sequence[Value], stored: set[int]) -> tuple[str, ...]:
        """Return the statements that run a loop over some values, of which some are stored."""
        operands, tables = self.operands, self.operands.tables
        loop = LoopWriter(operands.array, operands.scalar, self._place).write(run, stored)
        number = tables.compiled.setdefault(loop.text, len(tables.compiled))
        tag = operands.tag(run[-1])
        arrays = "".join(f"{name}, " for name in loop.arrays)
        expression = f"table(({arrays}), {loop.axes!r}, {loop.spans!r}"
        lines = []
        if loop.numbers:
            tables.prepared[f"n{tag}"] = Prepared("vector", (loop.numbers, "float64"))
            expression += f", n{tag}"
            lines = [f"n{tag}[{place}] = {given}" for place, given in loop.given.items()]
        where = self.tables if operands.group is None else self.block_tables
        where[f"g{tag}"] = f"{expression})"
        names = ", ".join(value.op.name for value in run)
        return (*lines, f"run({number}, g{tag})  # {names}")

    def _place(self, name: str) -> object:
        """Return what is equal for two names of one place in memory."""
        operands = self.operands
        if name in operands.sliced:
            return "p", self._place(operands.sliced[name])
        view = operands.passing.get(name) or operands.tables.views.get(name)
        if view is None:
            return name
        known = sum(count.each for count in view.start if not count.powers) * ITEM_BYTES[view.dtype]
        rest = tuple(count for count in view.start if count.powers)
        return name[0] == "t", view.memory, view.offset + known, rest


class UnsharedStatements(CompiledStatements):
    """The statements of a plan whose work is shared, if it is, within one function for all of a step."""

    def __init__(self, operands: Operands, sizes: Sizes, workers: int, *given: Any, **named: Any) -> None:
        super().__init__(operands, sizes, 0, *given, **named)

    def _block(self, pieces: Pieces) -> None:
        super()._block(replace(pieces, workers=0))
