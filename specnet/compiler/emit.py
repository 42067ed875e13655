from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from specnet.compiler.fuse import Group, root
from specnet.compiler.place import Place, Placement, piece
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.op import CONSTANT, given, name_of, scalar_of
from specnet.graph.sizes import BATCH, ITEM_BYTES, Count, DType, Powers, Shape, Size
from specnet.runtime.plan import Block, Form, Plan, Step, View

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
        self.views: dict[str, View] = {}
        self.blocks: list[Block] = []
        self.calls: dict[str, str] = {}
        self.literals: dict[str, tuple[float, Powers, DType]] = {}
        self.factors: dict[str, tuple[float, Powers]] = {}
        self.prepared: dict[str, Any] = {}
        self.streams: dict[str, str] = {}
        self.attributes: dict[str, Any] = {}
        self.functions: set[str] = set()
        self.steps: list[Step] = []
        self.once: list[str] = []
        self.lines: list[str] = []
        # Within a block: what it is, and what stands behind the names that its pieces have.
        self.group: Group | None = None
        self.sliced: dict[str, str] = {}
        self.passing: dict[str, View] = {}
        self.block_calls: dict[str, str] = {}
        self.sums: dict[str, tuple[str, View | None]] = {}

    def write(self, groups: list[Group], guard: str | None) -> Plan:
        scalars = tuple(name for name, v in self.graph.outputs.items() if not v.shape)
        results = ", ".join(self.scalar(self.graph.outputs[name]) for name in scalars)
        result = f"return ({results},)" if results else "return ()"
        guarded = guard is None
        for number, group in enumerate(groups):
            if not guarded and group.values[0].phase != "forward" and not group.once:
                loss = self.scalar(self.graph.outputs[guard or ""])
                self.lines += [f"if {loss} - {loss} != 0.0:", f"    {result}"]
                guarded = True
            self._group(number, group)
        for leaf, value in self.placement.copies:
            code = f"copyto({self.array(leaf)}, {self.operand(value, leaf.dtype)})"
            self._finish(self._step(leaf, "assign", (code,)), (code,), None)
        numbers = tuple(name_of(v) for v in self.graph.values if v.op.leaf and not v.shape)
        arrays = {name: self.array(v) for name, v in self.graph.outputs.items() if v.shape}
        return Plan(
            steps=tuple(self.steps),
            views=tuple(self.views.values()),
            blocks=tuple(self.blocks),
            calls=self.calls,
            literals=self.literals,
            factors=self.factors,
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
        self.group, self.sliced, self.passing, self.block_calls, self.sums = group, {}, {}, {}, {}
        steps = [(value, self._code(value)) for value in group.values]
        self.group = None
        named = set(_PIECE.findall("\n".join(line.partition("  #")[0] for _, code in steps for line in code)))
        arguments = [n for n in (*self.sliced, *self.passing, *self.block_calls) if n in named]
        self.blocks.append(
            Block(
                name,
                group.rows,
                group.leading,
                tuple(arguments),
                self.sliced,
                self.passing,
                self.block_calls,
                self.sums,
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
        after += [f"add_up({total})" for total in self.sums if group.workers > 1]
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
            read=tuple(self.scalar(i) if not i.shape else f"v{i.index}" for i in value.inputs),
            code=code,
            once=once,
            size=own + room,
        )

    # Statements

    def _code(self, value: Value) -> tuple[str, ...]:
        if value.op is ops.pack:
            return self._pack(value)
        if (value.index, 0) in self.placement.packed and value.op is ops.ones_below:
            self.once.append(f"{self.array(value)}[-1] = 1.0")
            return ()
        if not value.shape and value.op.scalar is not None and not any(i.shape for i in value.inputs):
            letters = {letter: f"{self.scalar(i)}" for letter, i in zip(_INPUTS, value.inputs, strict=False)}
            return (f"s{value.index} = {value.op.scalar.format(**letters)}",)
        kernel = value.op.kernel if isinstance(value.op.kernel, str) else value.op.kernel(value)
        if value.op is ops.product and self.workers > 1 and value.op.flops(value).at(self.batch) >= SHARED:
            kernel = kernel.replace("dot(", "shared_dot({workers}, ")
        if self.group is not None:
            kernel = value.op.sums(value) or kernel
        text = _SLOT.sub(lambda match: self._fill(value, match.group(1)), kernel)
        if value.op.calls or (self.group is not None and value.op.sums(value)):
            name = f"c{value.index}"
            (self.calls if self.group is None else self.block_calls)[name] = text
            return (f"perform({name})  # {text}",)
        return tuple(text.split("\n"))

    def _fill(self, value: Value, slot: str) -> str:
        name, _, form = slot.partition(":")
        if name.startswith("="):
            return self.literal(float(name[1:]), (), _float(value))
        if name == "o":
            return self._output(value, form)
        if name in _INPUTS and len(name) == 1 and _INPUTS.index(name) < len(value.inputs):
            return self.operand(value.inputs[_INPUTS.index(name)], _float(value), form)
        if re.fullmatch(r"s\d?|more", name):
            return self._scratch(value, name, form)
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
                view = self._view(f"v{value.index}_{position}", place, part.shape, part.dtype, "", delta)
                lines.append(f"copyto({view}, {self.operand(part, part.dtype)})")
            delta += part.count.at(self.batch) * ITEM_BYTES[part.dtype]
        return tuple(lines)

    # Names

    def scalar(self, value: Value) -> str:
        """Return the Python expression of a scalar."""
        known = scalar_of(value)
        if known is not None:
            factor, powers = known
            if not powers:
                return repr(factor) if factor >= 0 else f"({factor!r})"
            self.factors[f"f{value.index}"] = known
            return f"f{value.index}"
        if given(value) is not None:
            return name_of(value)
        return self.scalar(value.inputs[0]) if value.op.alias else f"s{value.index}"

    def operand(self, value: Value, dtype: DType, form: str = "") -> str:
        """Return the expression of an input: an array, or a scalar as what a ufunc takes fastest."""
        if value.shape:
            return self.array(value, form)
        known = scalar_of(value)
        if known is not None:
            return self.literal(*known, dtype)
        return self.scalar(value)

    def literal(self, factor: float, powers: Powers, dtype: DType) -> str:
        """Return the name of a constant held as an array of no axes, which ufuncs take faster than a number."""
        known = {content: name for name, content in self.literals.items()}
        return known.get((factor, powers, dtype)) or self._new_literal(factor, powers, dtype)

    def _new_literal(self, factor: float, powers: Powers, dtype: DType) -> str:
        name = f"k{len(self.literals)}"
        self.literals[name] = (factor, powers, dtype)
        return name

    def array(self, value: Value, form: str = "") -> str:
        """Return the name of a value's array, as the view that is asked for."""
        place = self.placement.places[root(value).index]
        group = self.group
        if group is None:
            return self._view(f"v{value.index}", place, value.shape, value.dtype, form)
        if root(value).index in group.inner:
            return self._laid(str(value.index), place, value.shape, value.dtype)
        first = value.shape[0]
        by_rows = group.leading == BATCH and isinstance(first, Size)
        if by_rows or (first == group.leading and len(value.shape) == len(group.values[0].shape)):
            self.sliced[f"p{value.index}"] = self._view(
                f"v{value.index}", place, value.shape, value.dtype, ""
            )
            return f"p{value.index}"
        return self._view(f"v{value.index}", place, value.shape, value.dtype, form)

    def _output(self, value: Value, form: str) -> str:
        if not value.shape:
            return f"s{value.index}"
        if self.group is None or not value.op.sums(value):
            return self.array(value, form)
        name = f"u{value.index}"
        place = self.placement.partial.get(value.index)
        part = None if place is None else self._at(name, place, value.shape, value.dtype)
        self.sums[name] = (self.array(value), part)
        return name

    def _scratch(self, value: Value, name: str, form: str) -> str:
        if name == "more":
            return self._laid(
                f"{value.index}_more", self.placement.more[value.index], value.shape, value.dtype
            )
        number = int(name[1:] or 1) - 1
        place, shape, dtype = self.placement.scratch[value.index][number]
        return self._laid(f"{value.index}_s{number + 1}", place, shape, dtype, form)

    def _laid(self, name: str, place: Place, shape: Shape, dtype: DType, form: str = "") -> str:
        """Return the name of what passes within a group: of an array, or of a piece in a worker's room."""
        if self.group is None:
            return self._view(f"v{name}", place, shape, dtype, form)
        self.passing[f"t{name}"] = self._at(f"t{name}", place, piece(shape, self.group), dtype)
        return f"t{name}"

    def _view(self, name: str, place: Place, shape: Shape, dtype: DType, form: str, delta: int = 0) -> str:
        full = f"{name}_{form}" if form else name
        kind: Form = form or "plain"  # type: ignore[assignment]
        self.views[full] = self._at(full, place, shape, dtype, kind, delta)
        return full

    @staticmethod
    def _at(
        name: str, place: Place, shape: Shape, dtype: DType, form: Form = "plain", delta: int = 0
    ) -> View:
        return View(name, place.storage.memory, place.offset + delta, shape, dtype, form)


def _float(value: Value) -> DType:
    return value.dtype if value.dtype in ("float32", "float64") else value.graph.dtype


def _source(once: list[str], lines: list[str], numbers: tuple[str, ...]) -> str:
    body = [f"def step({', '.join(numbers)}):", *(f"    {line}" for line in lines)]
    return "\n".join([*once, *([""] if once else []), *body]) + "\n"
