"""A graph's placed groups as statements over views."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from specnet.engines.numpy.kernels import kernel_of
from specnet.engines.numpy.loop_operands import LoopOperands
from specnet.engines.numpy.shard_operands import ShardOperands
from specnet.engines.operands import Operands
from specnet.engines.program import Block, Loop, Shard
from specnet.graph import ops
from specnet.graph.graph import Phase, Value
from specnet.graph.ops.scan import SCAN
from specnet.graph.ops.shard import SHARD
from specnet.graph.record import LETTERS
from specnet.graph.sizes import ITEM_BYTES, DType, Sizes
from specnet.passes.allocations import Allocations
from specnet.passes.fuse import part_sizes, starts_of_parts, unreshaped
from specnet.passes.plan import Compute, Copy, Distribute, Instruction, Pieces, Repeat

_SLOT = re.compile(r"\{([^{}]+)\}")
_FUNCTION = re.compile(r"(?<![\w.'\"])([a-z_][a-z_0-9]*)(?=\()")
_NAME = re.compile(r"\b[a-z]\w*")


@dataclass(slots=True)
class WrittenStatements:
    """What has been written of a plan so far, of the graph and of all regions."""

    code: list[tuple[str, ...]] = field(default_factory=list)
    """The statements of each step of the plan."""
    prologue: list[str] = field(default_factory=list)
    """Statements that run when the plan is bound."""
    bodies: int = 0
    """Of loops, and those that workers run each on its rows."""


class Statements:
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
        self.operands, self.sizes, self.workers = operands, sizes, workers
        self.allocations: Allocations = operands.allocations
        self.written = written
        self.guard = list(guard)
        """What stands before the first statement that is not of the forward pass, until it is written."""
        self.lines: list[str] = []
        self.blocks: list[Block] = []
        self.loops: list[Loop] = []
        self.shards: list[Shard] = []
        self.calls: dict[str, str] = {}
        self.tables: dict[str, str] = {}
        self.block_calls: dict[str, str] = {}
        """Calls of the block that is being written."""
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

    def copied(self, to: str, value: Value) -> str:
        """Return the statement that copies a value to an array."""
        return f"copyto({to}, {self.operands.operand(value, value.dtype)})"

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

    # Statements

    def _code(self, value: Value) -> tuple[str, ...]:
        operands = self.operands
        if value.op is ops.pack:
            return self._pack(value)
        if value.op is ops.CONCAT and ops.CONCAT.of(value).axis == 0:
            return self._concat(value)
        if (value.index, 0) in self.allocations.packed and value.op is ops.append_ones_row:
            self.written.prologue.append(f"{operands.array(value)}[-1] = 1.0")
            return ()
        if not value.shape and value.op.scalar is not None and not any(i.shape for i in value.inputs):
            named = {name: _number(setting) for name, setting in value.attributes.named().items()}
            named |= {letter: operands.scalar(i) for letter, i in zip(LETTERS, value.inputs, strict=False)}
            return (f"s{operands.tag(value)} = {value.op.scalar(value).format(**named)}",)
        kernel = self._kernel(value)
        if operands.group is not None:
            kernel = value.op.sums(value) or kernel
        text = _SLOT.sub(lambda match: self._fill(value, match.group(1)), kernel)
        if value.op.calls or (operands.group is not None and value.op.sums(value)):
            name = f"c{operands.tag(value)}"
            (self.calls if operands.group is None else self.block_calls)[name] = text
            return (f"perform({name})  # {text}",)
        return tuple(text.split("\n"))

    def _kernel(self, value: Value) -> str:
        """Return the text of what computes a value."""
        return kernel_of(value, self.sizes, self.workers)

    def _fill(self, value: Value, slot: str) -> str:
        name, _, form = slot.partition(":")
        if name.startswith("="):
            number = value.attributes.named().get(name[1:])
            return self.operands.literal(float(name[1:] if number is None else number), (), _float(value))
        if name == "o":
            return self.operands.output(value, form)
        if re.fullmatch(r"o\d", name):
            return self.operands.output(value.node.results[int(name[1:]) - 1], form)
        if name in LETTERS and len(name) == 1 and LETTERS.index(name) < len(value.inputs):
            return self.operands.operand(value.inputs[LETTERS.index(name)], _float(value), form)
        if re.fullmatch(r"s\d?|more", name):
            return self.operands.scratch(value, name, form)
        if name in ("workers", "overwrite"):
            return name
        return self._named(value, name)

    def _named(self, value: Value, name: str) -> str:
        """Return an attribute, a stream, or what is prepared when the plan is bound, as the source names it."""
        settings, tables = value.attributes.named(), self.operands.tables
        full = f"{name}_{self.operands.tag(value)}"
        if name == "stream":
            tables.streams[full] = settings[name]
            return full
        if name in settings:
            attribute = settings[name]
            if isinstance(attribute, int | float | str | tuple):
                return repr(attribute)
            tables.attributes[full] = attribute
            return full
        assert value.op.prepare is not None, f"{value.op}: nothing is called {name}"
        tables.prepared[full] = value.op.prepare(value)[name]
        return full

    def _pack(self, value: Value) -> tuple[str, ...]:
        place, lines, delta = self.allocations.places[value.index], [], 0
        for position, part in enumerate(value.inputs):
            if (value.index, position) not in self.allocations.packed:
                name = f"v{self.operands.tag(value)}_{position}"
                view = self.operands.view(name, place, part.shape, part.dtype, "", delta)
                lines.append(f"copyto({view}, {self.operands.operand(part, part.dtype)})")
            delta += part.count.at(self.sizes) * ITEM_BYTES[part.dtype]
        return tuple(lines)

    def _concat(self, value: Value) -> tuple[str, ...]:
        """Return what copies the parts of an array that are not computed in their places in it."""
        lines = []
        for position, (part, start) in enumerate(starts_of_parts(value)):
            if (value.index, position) not in self.allocations.packed:
                name = f"v{self.operands.tag(value)}_{position}"
                lines.append(self.copied(self.operands.whole(name, value, part.shape, start=start), part))
        return tuple(lines)


def _number(setting: float) -> str:
    return f"({setting!r})" if setting < 0 else repr(setting)


def _numbers(copies: Iterable[Copy]) -> list[int]:
    return [copy.number for copy in copies if copy.number is not None]


def _names(lines: Iterable[str]) -> set[str]:
    """Return the names in some statements, without what stands in comments."""
    return set(_NAME.findall("\n".join(line.partition("  #")[0] for line in lines)))


def _float(value: Value) -> DType:
    return value.dtype if value.dtype in ("float32", "float64") else value.graph.dtype
