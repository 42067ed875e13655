from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from specnet.graph.graph import Graph, Origin, Value
from specnet.graph.op import leaf
from specnet.runtime.shapes import DType


class Initial(Protocol):
    """Where a parameter starts: known to the vocabulary, and only carried by the graph."""

    def fault(self, shape: tuple[int, ...]) -> str | None:
        """Say why it cannot fill an array of this shape, or return None."""


class Penalty(Protocol):
    """What a regularizer adds to the loss for one parameter."""

    def penalty(self, parameter: Value) -> Value:
        """Return the scalar to add."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An array that training fits: its name, shape, and where it starts."""

    name: str
    shape: tuple[int, ...]
    initial: Initial
    origin: Origin
    field: str
    """The field of the layer that says where it starts, such as `kernel_init`."""

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        size = 1
        for dim in self.shape:
            size *= dim
        return size


@dataclass
class Builder:
    """What a layer lowers itself with: its parameters, its randomness, and whether it is being trained.

    One builder serves one graph; the compiler sets `scope`, the layer's name, before each layer.
    """

    graph: Graph
    training: bool
    scope: str = ""
    parameters: dict[str, Parameter] = field(default_factory=dict)
    leaves: dict[str, Value] = field(default_factory=dict)
    penalties: list[Value] = field(default_factory=list)

    @property
    def dtype(self) -> DType:
        """The type of parameters and activations."""
        return self.graph.dtype

    def parameter(
        self, name: str, shape: tuple[int, ...], initial: Initial, regularizer: Penalty | None = None
    ) -> Value:
        """Declare the parameter `scope.name` and return it; asked for again, it is the same one."""
        full = f"{self.scope}.{name}"
        if full not in self.leaves:
            before = next(reversed(self.parameters), None)
            self.parameters[full] = Parameter(full, shape, initial, self.graph.origin, f"{name}_init")
            self.leaves[full] = leaf(self.graph, full, "parameter", shape, after=before)
            if regularizer is not None:
                self.penalties.append(regularizer.penalty(self.leaves[full]))
        return self.leaves[full]

    def stream(self, use: str) -> str:
        """Return the name of a stream of randomness of the layer's own, such as `dropout_1/mask`."""
        return f"{self.scope}/{use}"


@dataclass
class UpdateBuilder:
    """What an optimizer lowers itself with: the slots that it keeps from step to step.

    All parameters lie in one vector (n,), and so do their gradients and each slot.
    """

    graph: Graph
    size: int
    slots: dict[str, tuple[tuple[int, ...], float]] = field(default_factory=dict)

    def slot(self, name: str, initial: float = 0.0, shape: tuple[int, ...] | None = None) -> Value:
        """Declare an array kept from step to step, of the parameters' length unless `shape` says otherwise."""
        shape = (self.size,) if shape is None else shape
        self.slots[name] = (shape, initial)
        return leaf(self.graph, f"slot/{name}", "slot", shape)

    def keep(self, slot: Value, value: Value) -> Value:
        """Have the slot hold this value after the step, and return the value."""
        self.graph.assign(slot, value)
        return value
