"""A graph's placed groups as statements over views."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.ops.scan import SCAN
from specnet.graph.sizes import ITEM_BYTES, Count, DType, Sizes, count
from specnet.passes.fuse import Group, root
from specnet.passes.placement import AROUND, LoopPlacement, Placement
from specnet.runtime.loop_operands import LoopOperands
from specnet.runtime.operands import Operands
from specnet.runtime.plan import Block, Loop, Step

_SLOT = re.compile(r"\{([^{}]+)\}")
_FUNCTION = re.compile(r"(?<![\w.'\"])([a-z_][a-z_0-9]*)(?=\()")
_NAME = re.compile(r"\b[a-z]\w*")
_INPUTS = "abcdefgh"

SHARED = 8_000_000
"""Floating-point operations of a matrix product that is worth sharing out over workers."""


@dataclass(slots=True)
class Written:
    """What has been written of a plan so far, of the graph and of all regions."""

    steps: list[Step] = field(default_factory=list)
    once: list[str] = field(default_factory=list)
    """Statements that run when the plan is bound."""
    blocks: int = 0
    loops: int = 0


class Statements:
    """The statements of one graph. `workers` share the batch where there are any; within a loop there are none."""

    def __init__(
        self,
        graph: Graph,
        operands: Operands,
        sizes: Sizes,
        workers: int,
        written: Written,
        within: str | None = None,
        times: Count = Count(1),  # noqa: B008 (a count is a frozen value)
    ) -> None:
        self.graph, self.operands, self.sizes, self.workers = graph, operands, sizes, workers
        self.placement: Placement = operands.placement
        self.written, self.within, self.times = written, within, times
        self.lines: list[str] = []
        self.blocks: list[Block] = []
        self.loops: list[Loop] = []
        self.calls: dict[str, str] = {}
        self.block_calls: dict[str, str] = {}
        """Calls of the block that is being written."""

    def group(self, number: int, group: Group) -> None:
        """Write a group."""
        if group.values[0].op is SCAN:
            self._loop(group)
        elif group.rows:
            self._block(number, group)
        else:
            for value in group.values:
                code = self._code(value)
                self.finish(self.step(value, value.op.name, code, once=group.once), code, once=group.once)

    def finish(self, step: Step, code: tuple[str, ...], *, once: bool = False) -> None:
        """Append the statements of a step."""
        self.written.steps.append(step)
        self._count_functions(code)
        (self.written.once if once else self.lines).extend(code)

    def step(self, value: Value, op: str, code: tuple[str, ...], *, once: bool = False) -> Step:
        """Return the step that computes a value."""
        place = self.placement.places.get(root(value).index)
        # What a step of a loop returns lies in the memory of the loop's result, elsewhere at each step.
        if place is not None and place.storage.memory == AROUND:
            place = None
        room = sum(place.storage.size for place, _, _ in self.placement.scratch.get(value.index, []))
        results = value.node.results if op != "assign" else (value,)
        own = sum(v.count.at(self.sizes) * ITEM_BYTES[v.dtype] for v in results if v.shape)
        return Step(
            op=op,
            phase=value.phase,
            origin=value.origin,
            output=f"v{self.operands.tag(value)}" if value.shape else f"s{self.operands.tag(value)}",
            shape=value.shape,
            dtype=value.dtype,
            memory=place.storage.memory if place else "",
            offset=place.offset if place else 0,
            flops=value.op.flops(value) * self.times,
            read=tuple(self.operands.name(i) for i in value.inputs),
            code=code,
            once=once,
            loop=self.within,
            times=self.times,
            size=own + room,
        )

    # Groups that run several times

    def _block(self, number: int, group: Group) -> None:
        name = f"block_{self.written.blocks}"
        self.written.blocks += 1
        self.block_calls = {}
        operands = self.operands
        operands.enter(group)
        steps = [(value, self._code(value)) for value in group.values]
        operands.leave()
        named = _names(line for _, code in steps for line in code)
        arguments = [n for n in (*operands.sliced, *operands.passing, *self.block_calls) if n in named]
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
                group.workers if self.within is None else 0,
                self.placement.rooms[number],
            )
        )
        if self.workers:
            self.lines.append(f"def piece_of_{name}({', '.join(arguments)}):")
        else:
            self.lines.append(f"for {', '.join(arguments)}, in {name}:")
        for value, code in steps:
            self.lines += [f"    {line}" for line in code]
            self._count_functions(code)
            self.written.steps.append(replace(self.step(value, value.op.name, code), block=name))
        after = [f"each_piece(workers, piece_of_{name}, {name})"] if self.workers else []
        after += [f"add_up({total})" for total in operands.sums if group.workers > 1]
        self.lines += after
        self._count_functions(tuple(after))

    def _loop(self, group: Group) -> None:
        node, name = group.values[0].node, f"loop_{self.written.loops}"
        loop, made = SCAN.of(node), self.placement.loops[node.index]
        operands = LoopOperands(self.operands, node, made, self.written.loops)
        self.written.loops += 1
        times = self.times * count((loop.length,))
        body = Statements(loop.body, operands, self.sizes, 0, self.written, name, times)
        first = tuple(self._copy(node.results[n], node.inputs[n]) for n in sorted(made.over))
        self.finish(self.step(group.values[0], "scan", first), first)
        for number, each in enumerate(group.body):
            body.group(number, each)
        ends = body.returned(made)
        known = [*operands.slices, *operands.turns, *operands.before, *operands.forms, *body.calls]
        known += [end for each in body.loops for end in each.ends]
        named = _names(body.lines)
        arguments = [n for n in known if n in named]
        arguments += [block.name for block in body.blocks] + [each.name for each in body.loops]
        self.lines.append(f"for {', '.join(arguments)}, in {name}:" if arguments else f"for _ in {name}:")
        self.lines += [f"    {line}" for line in body.lines] or ["    pass"]
        last = {f"last_{operands.prefix}{n}": step for n, step in ends.items()}
        after = tuple(
            f"copyto({self.operands.array(node.results[n])}, last_{operands.prefix}{n})"
            for n in ends
            if self._is_read(node.results[n])
        )
        if after:
            self.finish(self.step(group.values[0], "copy", after), after)
        self.loops.append(
            Loop(
                name,
                loop.length,
                loop.reverse,
                operands.slices,
                operands.turns,
                operands.before,
                operands.forms,
                body.calls,
                tuple(body.blocks),
                tuple(body.loops),
                tuple(arguments),
                last,
            )
        )

    def returned(self, made: LoopPlacement) -> dict[int, str]:
        """Copy what a step of this body returns and computes elsewhere to where it must be.

        Return the states that are found in an output, by number, and what the output is called within the step.
        """
        assert isinstance(self.operands, LoopOperands)
        node, loop, found = self.operands.node, self.operands.loop, {}
        for number, value in enumerate(loop.body.returns):
            slot = made.slots.get(root(value).index)
            if number in made.over or slot == number:
                continue
            if number < loop.states and number not in made.turns:
                assert slot is not None
                found[number] = self.operands.result(slot)
                continue
            code = (f"copyto({self.operands.result(number)}, {self.operands.operand(value, value.dtype)})",)
            step = replace(
                self.step(value, "copy", code), origin=node.origin, phase=node.phase, flops=Count(0)
            )
            self.finish(step, code)
        return found

    def _copy(self, result: Value, source: Value) -> str:
        return f"copyto({self.operands.array(result)}, {self.operands.operand(source, result.dtype)})"

    def _is_read(self, value: Value) -> bool:
        if not hasattr(self, "_read"):
            self._read = {v.index for node in self.graph for v in node.inputs}
            self._read |= {v.index for v in self.graph.wanted}
        return value.index in self._read

    def _count_functions(self, code: Iterable[str]) -> None:
        for line in code:
            self.operands.tables.functions.update(_FUNCTION.findall(line))

    # Statements

    def _code(self, value: Value) -> tuple[str, ...]:
        operands = self.operands
        if value.op is ops.pack:
            return self._pack(value)
        if (value.index, 0) in self.placement.packed and value.op is ops.ones_below:
            self.written.once.append(f"{operands.array(value)}[-1] = 1.0")
            return ()
        if not value.shape and value.op.scalar is not None and not any(i.shape for i in value.inputs):
            letters = {letter: operands.scalar(i) for letter, i in zip(_INPUTS, value.inputs, strict=False)}
            return (f"s{operands.tag(value)} = {value.op.scalar.format(**letters)}",)
        kernel = value.op.kernel if isinstance(value.op.kernel, str) else value.op.kernel(value)
        if value.op is ops.product and self.workers > 1 and value.op.flops(value).at(self.sizes) >= SHARED:
            kernel = kernel.replace("dot(", "shared_dot({workers}, ")
        if operands.group is not None:
            kernel = value.op.sums(value) or kernel
        text = _SLOT.sub(lambda match: self._fill(value, match.group(1)), kernel)
        if value.op.calls or (operands.group is not None and value.op.sums(value)):
            name = f"c{operands.tag(value)}"
            (self.calls if operands.group is None else self.block_calls)[name] = text
            return (f"perform({name})  # {text}",)
        return tuple(text.split("\n"))

    def _fill(self, value: Value, slot: str) -> str:
        name, _, form = slot.partition(":")
        if name.startswith("="):
            return self.operands.literal(float(name[1:]), (), _float(value))
        if name == "o":
            return self.operands.output(value, form)
        if re.fullmatch(r"o\d", name):
            return self.operands.output(value.node.results[int(name[1:]) - 1], form)
        if name in _INPUTS and len(name) == 1 and _INPUTS.index(name) < len(value.inputs):
            return self.operands.operand(value.inputs[_INPUTS.index(name)], _float(value), form)
        if re.fullmatch(r"s\d?|more", name):
            return self.operands.scratch(value, name, form)
        if name in ("workers", "anew"):
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
        place, lines, delta = self.placement.places[value.index], [], 0
        for position, part in enumerate(value.inputs):
            if (value.index, position) not in self.placement.packed:
                name = f"v{self.operands.tag(value)}_{position}"
                view = self.operands.view(name, place, part.shape, part.dtype, "", delta)
                lines.append(f"copyto({view}, {self.operands.operand(part, part.dtype)})")
            delta += part.count.at(self.sizes) * ITEM_BYTES[part.dtype]
        return tuple(lines)


def _names(lines: Iterable[str]) -> set[str]:
    """Return the names in some statements, without what stands in comments."""
    return set(_NAME.findall("\n".join(line.partition("  #")[0] for line in lines)))


def _float(value: Value) -> DType:
    return value.dtype if value.dtype in ("float32", "float64") else value.graph.dtype
