from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from specnet.compiler.fuse import Group, root
from specnet.compiler.operands import Operands
from specnet.compiler.place import Placement
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.op import CONSTANT, name_of
from specnet.graph.sizes import ITEM_BYTES, Count, DType
from specnet.runtime.plan import Block, Plan, Step

_SLOT = re.compile(r"\{([^{}]+)\}")
_NAME = re.compile(r"(?<![\w.'\"])([a-z_][a-z_0-9]*)(?=\()")
_PIECE = re.compile(r"\b[ptc]\d\w*")
_INPUTS = "abcdefgh"

SHARED = 8_000_000
"""Floating-point operations of a matrix product that is worth sharing out over workers."""


def emit(
    graph: Graph, groups: list[Group], placement: Placement, batch: int, guard: str | None, workers: int = 0
) -> Plan:
    """Write placed groups as one straight-line Python function over bound NumPy views.

    `guard` names a scalar output: where it is not finite, the function returns before the backward pass, so
    that a step that has diverged leaves the parameters as they were. `workers` share the batch, where there are any.
    """
    return _Writer(graph, placement, batch, workers).write(groups, guard)


class _Writer:
    def __init__(self, graph: Graph, placement: Placement, batch: int, workers: int) -> None:
        self.graph, self.placement, self.batch, self.workers = graph, placement, batch, workers
        self.operands = Operands(placement)
        self.blocks: list[Block] = []
        self.calls: dict[str, str] = {}
        self.block_calls: dict[str, str] = {}
        """Calls of the block that is being written."""
        self.prepared: dict[str, Any] = {}
        self.streams: dict[str, str] = {}
        self.attributes: dict[str, Any] = {}
        self.functions: set[str] = set()
        self.steps: list[Step] = []
        self.once: list[str] = []
        self.lines: list[str] = []

    def write(self, groups: list[Group], guard: str | None) -> Plan:
        scalars = tuple(name for name, v in self.graph.outputs.items() if not v.shape)
        results = ", ".join(self.operands.scalar(self.graph.outputs[name]) for name in scalars)
        result = f"return ({results},)" if results else "return ()"
        guarded = guard is None
        for number, group in enumerate(groups):
            if not guarded and group.values[0].phase != "forward" and not group.once:
                loss = self.operands.scalar(self.graph.outputs[guard or ""])
                self.lines += [f"if {loss} - {loss} != 0.0:", f"    {result}"]
                guarded = True
            self._group(number, group)
        for leaf, value in self.placement.copies:
            code = f"copyto({self.operands.array(leaf)}, {self.operands.operand(value, leaf.dtype)})"
            self._finish(self._step(leaf, "assign", (code,)), (code,), None)
        numbers = tuple(name_of(v) for v in self.graph.values if v.op.leaf and not v.shape)
        arrays = {name: self.operands.array(v) for name, v in self.graph.outputs.items() if v.shape}
        return Plan(
            steps=tuple(self.steps),
            views=tuple(self.operands.views.values()),
            blocks=tuple(self.blocks),
            calls=self.calls,
            literals=self.operands.literals,
            factors=self.operands.factors,
            prepared=self.prepared,
            streams=self.streams,
            attributes=self.attributes,
            functions=tuple(sorted(self.functions)),
            numbers=numbers,
            scalars=scalars,
            arrays=arrays,
            leaves={name_of(v): (v.shape, v.dtype) for v in self.graph.values if v.op.leaf and v.shape},
            batch=self.batch,
            arena=self.placement.arena,
            once=self.placement.once,
            workers=self.workers,
            source=_source(self.once, [*self.lines, result], numbers),
        )

    # Groups and steps

    def _group(self, number: int, group: Group) -> None:
        if not group.rows:
            for value in group.values:
                code = self._code(value)
                self._finish(self._step(value, value.op.name, code, once=group.once), code, group)
            return
        name = f"block_{len(self.blocks)}"
        self.block_calls = {}
        operands = self.operands
        operands.enter(group)
        steps = [(value, self._code(value)) for value in group.values]
        operands.leave()
        named = set(_PIECE.findall("\n".join(line.partition("  #")[0] for _, code in steps for line in code)))
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
                group.workers,
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
            self.steps.append(replace(self._step(value, value.op.name, code), block=name))
        after = [f"each_piece(workers, piece_of_{name}, {name})"] if self.workers else []
        after += [f"add_up({total})" for total in operands.sums if group.workers > 1]
        self.lines += after
        self._count_functions(tuple(after))

    def _finish(self, step: Step, code: tuple[str, ...], group: Group | None) -> None:
        self.steps.append(step)
        self._count_functions(code)
        (self.once if group is not None and group.once else self.lines).extend(code)

    def _count_functions(self, code: tuple[str, ...]) -> None:
        for line in code:
            self.functions.update(_NAME.findall(line))

    def _step(self, value: Value, op: str, code: tuple[str, ...], *, once: bool = False) -> Step:
        place = self.placement.places.get(root(value).index)
        room = sum(place.storage.size for place, _, _ in self.placement.scratch.get(value.index, []))
        own = value.count.at(self.batch) * ITEM_BYTES[value.dtype] if value.shape else 0
        return Step(
            op=op,
            phase=value.phase,
            origin=value.origin,
            output=f"v{value.index}" if value.shape else f"s{value.index}",
            shape=value.shape,
            dtype=value.dtype,
            memory=place.storage.memory if place else "",
            offset=place.offset if place else 0,
            flops=value.op.flops(value) if value.shape or value.op is not CONSTANT else Count(0),
            read=tuple(self.operands.scalar(i) if not i.shape else f"v{i.index}" for i in value.inputs),
            code=code,
            once=once,
            size=own + room,
        )

    # Statements

    def _code(self, value: Value) -> tuple[str, ...]:
        if value.op is ops.pack:
            return self._pack(value)
        if (value.index, 0) in self.placement.packed and value.op is ops.ones_below:
            self.once.append(f"{self.operands.array(value)}[-1] = 1.0")
            return ()
        if not value.shape and value.op.scalar is not None and not any(i.shape for i in value.inputs):
            letters = {
                letter: f"{self.operands.scalar(i)}" for letter, i in zip(_INPUTS, value.inputs, strict=False)
            }
            return (f"s{value.index} = {value.op.scalar.format(**letters)}",)
        kernel = value.op.kernel if isinstance(value.op.kernel, str) else value.op.kernel(value)
        if value.op is ops.product and self.workers > 1 and value.op.flops(value).at(self.batch) >= SHARED:
            kernel = kernel.replace("dot(", "shared_dot({workers}, ")
        if self.operands.group is not None:
            kernel = value.op.sums(value) or kernel
        text = _SLOT.sub(lambda match: self._fill(value, match.group(1)), kernel)
        if value.op.calls or (self.operands.group is not None and value.op.sums(value)):
            name = f"c{value.index}"
            (self.calls if self.operands.group is None else self.block_calls)[name] = text
            return (f"perform({name})  # {text}",)
        return tuple(text.split("\n"))

    def _fill(self, value: Value, slot: str) -> str:
        name, _, form = slot.partition(":")
        if name.startswith("="):
            return self.operands.literal(float(name[1:]), (), _float(value))
        if name == "o":
            return self.operands.output(value, form)
        if name in _INPUTS and len(name) == 1 and _INPUTS.index(name) < len(value.inputs):
            return self.operands.operand(value.inputs[_INPUTS.index(name)], _float(value), form)
        if re.fullmatch(r"s\d?|more", name):
            return self.operands.scratch(value, name, form)
        if name in ("workers", "anew"):
            return name
        if name == "stream":
            self.streams[f"stream_{value.index}"] = value.attributes.named()["stream"]
            return f"stream_{value.index}"
        return self._named(value, name)

    def _named(self, value: Value, name: str) -> str:
        """Return an attribute, or what is prepared for a batch size, as the source names it."""
        settings = value.attributes.named()
        if name in settings:
            attribute = settings[name]
            if isinstance(attribute, int | float | str | tuple):
                return repr(attribute)
            self.attributes[f"{name}_{value.index}"] = attribute
            return f"{name}_{value.index}"
        assert value.op.prepare is not None, f"{value.op}: nothing is called {name}"
        self.prepared[f"{name}_{value.index}"] = value.op.prepare(value)[name]
        return f"{name}_{value.index}"

    def _pack(self, value: Value) -> tuple[str, ...]:
        place, lines, delta = self.placement.places[value.index], [], 0
        for position, part in enumerate(value.inputs):
            if (value.index, position) not in self.placement.packed:
                view = self.operands.view(
                    f"v{value.index}_{position}", place, part.shape, part.dtype, "", delta
                )
                lines.append(f"copyto({view}, {self.operands.operand(part, part.dtype)})")
            delta += part.count.at(self.batch) * ITEM_BYTES[part.dtype]
        return tuple(lines)


def _float(value: Value) -> DType:
    return value.dtype if value.dtype in ("float32", "float64") else value.graph.dtype


def _source(once: list[str], lines: list[str], numbers: tuple[str, ...]) -> str:
    body = [f"def step({', '.join(numbers)}):", *(f"    {line}" for line in lines)]
    return "\n".join([*once, *([""] if once else []), *body]) + "\n"
