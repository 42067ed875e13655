from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from specnet.runtime.shapes import Count, DType, Shape, count, show

if TYPE_CHECKING:
    from specnet.graph.op import Op

Origin = tuple[str | int, ...]
"""The key path of what asked for a value, such as `("layers", 0)`."""

Phase = Literal["forward", "backward", "update"]


class ShapeFault(Exception):  # noqa: N818 (a fault is what a document has; an error is what a program raises)
    """Values do not fit an op; `blame` is the one whose shape is at odds with the others."""

    def __init__(
        self,
        message: str,
        blame: Value | None = None,
        help: str | None = None,  # noqa: A002 (the diagnostic's own word)
    ) -> None:
        super().__init__(message)
        self.blame = blame
        self.help = help


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """The one result of applying an op to values; arithmetic on it appends to its graph.

    `shape` is () for scalars, which a plan keeps as plain Python numbers, and holds `BATCH` where the size
    is the batch's.
    """

    graph: Graph = field(repr=False)
    index: int
    op: Op
    inputs: tuple[Value, ...] = field(repr=False)
    attributes: dict[str, Any]
    shape: Shape
    dtype: DType
    origin: Origin = ()
    phase: Phase = "forward"

    @property
    def count(self) -> Count:
        """How many elements it has."""
        return count(self.shape)

    @property
    def rank(self) -> int:
        """How many axes it has, the batch's included."""
        return len(self.shape)

    def __add__(self, other: Value | float) -> Value:
        return _apply("add", self, other)

    def __radd__(self, other: float) -> Value:
        return _apply("add", other, self)

    def __sub__(self, other: Value | float) -> Value:
        return _apply("subtract", self, other)

    def __rsub__(self, other: float) -> Value:
        return _apply("subtract", other, self)

    def __mul__(self, other: Value | float) -> Value:
        return _apply("multiply", self, other)

    def __rmul__(self, other: float) -> Value:
        return _apply("multiply", other, self)

    def __truediv__(self, other: Value | float) -> Value:
        return _apply("divide", self, other)

    def __rtruediv__(self, other: float) -> Value:
        return _apply("divide", other, self)

    def __neg__(self) -> Value:
        return _apply("negative", self)

    def __matmul__(self, other: Value) -> Value:
        return _apply("matmul", self, other)


def _apply(name: str, *operands: Value | float) -> Value:
    from specnet.graph import ops  # the ops need this module first

    result: Value = getattr(ops, name)(*operands)
    return result


class Graph:
    """A computation as a list of op applications in single-assignment form.

    `outputs` names the values that are wanted; `assignments` says which leaves (parameters, slots of an
    optimizer, running statistics) take a new value once a step is done. Nothing else has an effect.
    """

    def __init__(self, dtype: DType) -> None:
        self.dtype: DType = dtype
        self.values: list[Value] = []
        self.outputs: dict[str, Value] = {}
        self.assignments: list[tuple[Value, Value]] = []
        self.origin: Origin = ()
        self.phase: Phase = "forward"

    def __iter__(self) -> Iterator[Value]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def apply(self, op: Op, inputs: Sequence[Value], attributes: dict[str, Any] | None = None) -> Value:
        """Append one application of an op, infer its shape, and return its result.

        Raises ShapeFault where the inputs do not fit the op.
        """
        attributes = attributes or {}
        shape, dtype = op.infer(tuple(inputs), attributes)
        index = len(self.values)
        value = Value(self, index, op, tuple(inputs), attributes, shape, dtype, self.origin, self.phase)
        self.values.append(value)
        return value

    def assign(self, leaf: Value, value: Value) -> None:
        """Have a leaf take this value at the end of the step."""
        assert leaf.shape == value.shape, f"{show(leaf.shape)} cannot take {show(value.shape)}"
        self.assignments.append((leaf, value))

    def leaves(self) -> dict[str, Value]:
        """Return the leaves by name: inputs, targets, parameters and other state."""
        return {v.attributes["name"]: v for v in self.values if v.op.leaf}

    def __str__(self) -> str:
        lines = []
        for v in self.values:
            operands = ", ".join(f"%{i.index}" for i in v.inputs)
            options = ", ".join(f"{k}={_brief(a)}" for k, a in v.attributes.items())
            arguments = ", ".join(filter(None, (operands, options)))
            lines.append(f"%{v.index}: {v.dtype}{show(v.shape)} = {v.op.name}({arguments})")
        lines += [f"return {name} = %{v.index}" for name, v in self.outputs.items()]
        lines += [f"assign {leaf.attributes['name']} = %{v.index}" for leaf, v in self.assignments]
        return "\n".join(lines)


def _brief(attribute: Any) -> str:
    return show(attribute) if isinstance(attribute, tuple) else repr(attribute)
