"""Kernels within one compiled function for all of a step: each alone, or with compiled loops piece by piece."""

from __future__ import annotations

import ast
from collections.abc import Callable

from specnet.engines.numba.entries import Entries, Unfit
from specnet.engines.numpy.preparing import prepare
from specnet.engines.program import NumpyProgram
from specnet.engines.sharing import PARSING
from specnet.graph.sizes import Sizes


class Performing(Entries):
    """Writes statements of a step that call kernels."""

    def __init__(self, program: NumpyProgram, sizes: Sizes, loop_name: Callable[[str], str]) -> None:
        super().__init__(program, sizes)
        self.loop_name = loop_name
        self.lines: list[str] = []

    def perform(self, calls: str) -> None:
        """Write the calls of a name."""
        self._check(self.program.calls[calls])
        self.lines.append(f"called(t[{self.entry('calls', calls)}])")

    def pieces(self, names: list[str], name: str, body: list[ast.stmt]) -> None:
        """Write a block, of whose pieces a tape has the tables of what `names` stand for."""
        place = self.entry("pieces", name)
        self.lines.append(f"for p in range(t[{place}]):")
        self.lines.append(f"    q = int64_at(t[{place + 1}] + p * {8 * len(names)})")
        (block,) = (each for each in self.program.blocks if each.name == name)
        for statement in body:
            match statement:
                case ast.Expr(value=ast.Call(func=ast.Name(id="perform"), args=[ast.Name(id=calls)])):
                    self._check(block.calls[calls])
                    self.lines.append(f"    called(q[{names.index(calls)}])")
                case ast.Expr(
                    value=ast.Call(
                        func=ast.Name(id="run"), args=[ast.Constant(int(number)), ast.Name(id=table)]
                    )
                ):
                    loop = self.loop_name(self.program.compiled[number])
                    self.lines.append(f"    {loop}(q[{names.index(table)}])")
                case _:
                    raise Unfit

    def _check(self, expression: str) -> None:
        """Raise Unfit for a kernel whose calls have no tables; of few filters, that is known when a plan is bound."""
        # The kernels need numba, which those who only ask what the engine would share may lack.
        from specnet.engines.numba.kernels.direct_sizes import is_direct

        with PARSING.lock:
            tree = ast.parse(expression, mode="eval")
        match tree.body:
            case ast.Call(func=ast.Name(id="pool_max")):
                return
            case ast.Call(func=ast.Name(id="convolve"), args=[_, _, _, _, ast.Name(id=how), _]):
                if is_direct(prepare(self.program.prepared[how], self.sizes)):
                    return
        raise Unfit
