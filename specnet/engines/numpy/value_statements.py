"""The statements of one value: its kernel's text, with the names of arrays, attributes and streams filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from specnet.engines.numpy.kernels import kernel_of
from specnet.engines.operands import Operands
from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.record import LETTERS
from specnet.graph.sizes import ITEM_BYTES, DType, Sizes
from specnet.passes.aliases import starts_of_parts
from specnet.passes.allocations import Allocations
from specnet.passes.arena import ONCE

_SLOT = re.compile(r"\{([^{}]+)\}")


@dataclass(slots=True)
class WrittenStatements:
    """What has been written of a plan so far, of the graph and of all regions."""

    code: list[tuple[str, ...]] = field(default_factory=list)
    """The statements of each step of the plan."""
    prologue: list[str] = field(default_factory=list)
    """Statements that run when the plan is bound."""
    bodies: int = 0
    """Of loops, and those that workers run each on its rows."""


class ValueStatements:
    """The statements of each value of one graph. `workers` share the batch where there are any."""

    def __init__(self, operands: Operands, sizes: Sizes, workers: int, written: WrittenStatements) -> None:
        self.operands, self.sizes, self.workers = operands, sizes, workers
        self.allocations: Allocations = operands.allocations
        self.written = written
        self.calls: dict[str, str] = {}
        self.block_calls: dict[str, str] = {}
        """Calls of the block that is being written."""

    def _code(self, value: Value) -> tuple[str, ...]:
        operands = self.operands
        if value.op is ops.pack:
            return self._pack(value)
        if value.op is ops.CONCAT and ops.CONCAT.of(value).axis == 0:
            return self._concat(value)
        if (value.index, 0) in self.allocations.packed and value.op is ops.append_ones_row:
            ones = f"{operands.array(value)}[-1] = 1.0"
            if self.allocations.places[value.index].storage.memory != ONCE:
                return (ones,)
            self.written.prologue.append(ones)
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

    def copied(self, to: str, value: Value) -> str:
        """Return the statement that copies a value to an array."""
        return f"copyto({to}, {self.operands.operand(value, value.dtype)})"

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


def _float(value: Value) -> DType:
    return value.dtype if value.dtype in ("float32", "float64") else value.graph.dtype
