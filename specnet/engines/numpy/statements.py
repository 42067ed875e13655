"""A graph's placed groups as statements over views."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from specnet.engines.numpy.loop_operands import LoopOperands
from specnet.engines.numpy.shard_operands import ShardOperands
from specnet.engines.numpy.value_statements import ValueStatements, WrittenStatements
from specnet.engines.operands import Operands
from specnet.engines.program import Block, Loop, Shard
from specnet.graph.graph import Phase
from specnet.graph.ops.scan import SCAN
from specnet.graph.ops.shard import SHARD
from specnet.graph.sizes import Sizes, part_sizes
from specnet.passes.aliases import unreshaped
from specnet.passes.schedule import Compute, Copy, Distribute, Instruction, Pieces, Repeat

_FUNCTION = re.compile(r"(?<![\w.'\"])([a-z_][a-z_0-9]*)(?=\()")
_NAME = re.compile(r"\b[a-z]\w*")


class Statements(ValueStatements):
    """The statements of one graph. `workers` share the batch where there are any; within a loop there are none."""

    def __init__(
        self,
        operands: Operands,
        sizes: Sizes,
        workers: int,
        written: WrittenStatements,
        *,
        guard: Sequence[str] = (),
    ) -> None:
        super().__init__(operands, sizes, workers, written)
        self.guard = list(guard)
        """What stands before the first statement that is not of the forward pass, until it is written."""
        self.lines: list[str] = []
        self.blocks: list[Block] = []
        self.loops: list[Loop] = []
        self.shards: list[Shard] = []
        self.tables: dict[str, str] = {}
        self.block_tables: dict[str, str] = {}

    def write(self, instructions: Iterable[Instruction]) -> None:
        """Write what a plan does, or a step of a loop."""
        for each in instructions:
            if isinstance(each, Compute):
                if not each.prologue:
                    self._guarded(each.value.phase)
                self._compute(each)
            elif isinstance(each, Copy):
                assert each.source is not None
                self.finish((self.copied(self.operands.array(each.value), each.source),))
            elif isinstance(each, Pieces):
                self._guarded(each.group.values[0].phase)
                self._block(each)
            elif isinstance(each, Repeat):
                self._guarded(each.node.phase)
                self._loop(each)
            else:
                self._guarded(each.node.phase)
                self._distribute(each)

    def _compute(self, each: Compute) -> None:
        self.finish(self._code(each.value), prologue=each.prologue)

    def _guarded(self, phase: Phase) -> None:
        if self.guard and phase != "forward":
            self.lines += self.guard
            self.guard = []

    def finish(self, code: tuple[str, ...], *, prologue: bool = False) -> None:
        """Append the statements of a step."""
        self.written.code.append(code)
        self._count_functions(code)
        (self.written.prologue if prologue else self.lines).extend(code)

    def _count_functions(self, code: Iterable[str]) -> None:
        for line in code:
            self.operands.tables.functions.update(_FUNCTION.findall(line))

    # What runs several times

    def _block(self, pieces: Pieces) -> None:
        group, name = pieces.group, pieces.name
        self.block_calls, self.block_tables = {}, {}
        operands = self.operands
        operands.enter(group)
        written = self._written(pieces)
        operands.leave()
        named = _names(line for code in written for line in code)
        known = (*operands.sliced, *operands.passing, *self.block_calls, *self.block_tables)
        arguments = [n for n in known if n in named]
        self.blocks.append(
            Block(
                name,
                group.rows,
                group.leading,
                tuple(arguments),
                operands.sliced,
                operands.passing,
                self.block_calls,
                operands.sums,
                pieces.workers,
                pieces.scratch,
                self.block_tables,
            )
        )
        if self.workers:
            self.lines.append(f"def piece_of_{name}({', '.join(arguments)}):")
        else:
            self.lines.append(f"for {', '.join(arguments)}, in {name}:")
        for code in written:
            self.lines += [f"    {line}" for line in code]
            self._count_functions(code)
            self.written.code.append(code)
        after = [f"each_piece(workers, piece_of_{name}, {name})"] if self.workers else []
        after += [f"add_up({total})" for total in operands.sums if group.workers > 1]
        self.lines += after
        self._count_functions(after)

    def _written(self, pieces: Pieces) -> list[tuple[str, ...]]:
        """Return the statements of each op of a block."""
        return [self._code(value) for value in pieces.group.values]

    def _loop(self, repeat: Repeat) -> None:
        node, made, name = repeat.node, repeat.allocations, repeat.name
        loop = SCAN.of(node)
        operands = LoopOperands(self.operands, node, made, self.written.bodies)
        self.written.bodies += 1
        self.write(repeat.before)
        for copy in repeat.first:
            assert copy.number is not None
            assert copy.source is not None
            self.finish((self.copied(operands.first(copy.number, copy.source), copy.source),))
        self.written.code.append(())
        body = type(self)(operands, self.sizes, 0, self.written)
        body.write(repeat.body)
        for copy in repeat.returned:
            assert copy.number is not None
            body.finish((body.copied(operands.result(copy.number), copy.value),))
        ends = {
            n: operands.result(made.slots[unreshaped(loop.body.returns[n]).index])
            for n in _numbers(repeat.after)
        }
        known = [
            *operands.slices,
            *operands.turns,
            *operands.ahead,
            *operands.before,
            *operands.forms,
            *body.calls,
            *body.tables,
        ]
        known += [end for each in body.loops for end in each.ends]
        named = _names(body.lines)
        arguments = [n for n in known if n in named]
        arguments += [block.name for block in body.blocks] + [each.name for each in body.loops]
        self.lines.append(f"for {', '.join(arguments)}, in {name}:" if arguments else f"for _ in {name}:")
        self.lines += [f"    {line}" for line in body.lines] or ["    pass"]
        last = {n: f"last_{operands.prefix}{n}" for n in ends}
        for n, end in last.items():
            self.finish((f"copyto({self.operands.array(node.results[n])}, {end})",))
        self.loops.append(
            Loop(
                name,
                loop.length,
                loop.reverse,
                operands.slices,
                operands.turns,
                operands.ahead,
                operands.before,
                operands.forms,
                body.calls,
                tuple(body.blocks),
                tuple(body.loops),
                tuple(arguments),
                {last[n]: step for n, step in ends.items()},
                body.tables,
            )
        )

    def _distribute(self, each: Distribute) -> None:
        node, made, name = each.node, each.allocations, each.name
        settings = SHARD.of(node)
        operands = ShardOperands(self.operands, node, made, self.written.bodies)
        self.written.bodies += 1
        self.written.code.append(())
        body = type(self)(operands, part_sizes(self.sizes, each.workers), 0, self.written)
        body.write(each.body)
        for copy in each.returned:
            assert copy.number is not None
            body.finish((body.copied(operands.result(copy.number), copy.value),))
        returns = list(enumerate(settings.body.returns))
        scalars = [(n, value) for n, value in returns if not value.shape]
        found = ", ".join(operands.scalar(value) for _, value in scalars)
        lines = [*body.lines, f"return ({found},)" if found else "return ()"]
        numbers = ", ".join(operands.numbers)
        sums = {
            f"sum_{operands.prefix}{number}": (
                operands.array(returns[number][1]),
                self.operands.array(node.results[number]),
            )
            for number in each.sums
        }
        names = ", ".join(self.operands.scalar(node.results[n]) for n, _ in scalars)
        given = f", {numbers}" if numbers else ""
        call = f"each_share(workers, {name}{given})"
        self.lines.append(f"{names}, = {call}" if names else call)
        self.operands.tables.functions.add("each_share")
        for total in sums:
            self.finish((f"add_shares(workers, {total})",))
        self.shards.append(
            Shard(
                name,
                "\n".join([f"def {name}({numbers}):", *(f"    {line}" for line in lines)]) + "\n",
                each.workers,
                made.each,
                tuple(operands.tables.views.values()),
                operands.rows,
                operands.forms,
                operands.tables.prepared,
                body.calls,
                tuple(body.blocks),
                tuple(body.loops),
                sums,
                body.tables,
            )
        )


def _numbers(copies: Iterable[Copy]) -> list[int]:
    return [copy.number for copy in copies if copy.number is not None]


def _names(lines: Iterable[str]) -> set[str]:
    """Return the names in some statements, without what stands in comments."""
    return set(_NAME.findall("\n".join(line.partition("  #")[0] for line in lines)))
