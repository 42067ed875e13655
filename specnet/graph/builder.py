from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from specnet.graph.graph import Graph, Origin, ShapeFault, Value
from specnet.graph.op import leaf
from specnet.runtime.shapes import DType, show


class Initial(Protocol):
    """Where a parameter starts: known to the vocabulary, and only carried by the graph."""

    def fault(self, shape: tuple[int, ...]) -> str | None:
        """Say why it cannot fill an array of this shape, or return None."""


class Penalty(Protocol):
    """What a regularizer adds to the loss for one parameter."""

    def penalty(self, parameter: Value) -> Value:
        """Return the scalar to add."""


Role = Literal["parameter", "frozen", "statistic"]
"""What becomes of an array of the model in training: it is fitted, stays as it is, or follows what is seen."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An array that is kept with the model: its name, shape, where it starts, and what training makes of it."""

    name: str
    shape: tuple[int, ...]
    initial: Initial
    origin: Origin
    field: str
    """The field of the layer that says where it starts, such as `kernel_init`."""
    role: Role = "parameter"
    rate: float = 1.0
    """What the learning rate is multiplied by for it."""

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
    trainable: bool = True
    """Whether training fits the parameters that are declared now."""
    rate: float = 1.0
    """What the learning rate is multiplied by for them."""
    parameters: dict[str, Parameter] = field(default_factory=dict)
    """All that is kept with the model, in the order in which it was declared: statistics, too."""
    leaves: dict[str, Value] = field(default_factory=dict)
    penalties: list[Value] = field(default_factory=list)
    followed: list[tuple[Value, Value, float]] = field(default_factory=list)
    """Each statistic with what a batch shows of it, and the share of the old value that a step keeps."""

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
            self._declare(full, shape, initial, "parameter" if self.trainable else "frozen")
            if regularizer is not None and self.trainable:
                self.penalties.append(regularizer.penalty(self.leaves[full]))
        known = self.leaves[full]
        if known.shape != shape:
            raise ShapeFault(
                f"`{full}` has the shape {show(known.shape)}, and here it would be {show(shape)}"
            )
        return known

    def statistic(self, name: str, shape: tuple[int, ...], initial: Initial) -> Value:
        """Declare the array `scope.name`, which is kept with the model and follows what training sees."""
        full = f"{self.scope}.{name}"
        if full not in self.leaves:
            self._declare(full, shape, initial, "statistic")
        return self.leaves[full]

    def follow(self, statistic: Value, observed: Value, momentum: float) -> None:
        """Have a statistic become momentum * statistic + (1 - momentum) * observed at the end of a training step.

        In evaluation it stays as it is, and so it does in a step whose loss is not finite.
        """
        if self.training:
            self.followed.append((statistic, observed, momentum))

    def _declare(self, full: str, shape: tuple[int, ...], initial: Initial, role: Role) -> None:
        # Arrays of one role lie one after the other.
        alike = (p.name for p in reversed(self.parameters.values()) if p.role == role)
        rate = self.rate if role == "parameter" else 1.0
        self.leaves[full] = leaf(self.graph, full, role, shape, after=next(alike, None))
        field = f"{full.rpartition('.')[2]}_init"
        self.parameters[full] = Parameter(full, shape, initial, self.graph.origin, field, role, rate)

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
