from __future__ import annotations

from dataclasses import dataclass, field

from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import leaf


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
