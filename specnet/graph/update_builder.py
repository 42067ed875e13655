from __future__ import annotations

from dataclasses import dataclass, field

from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import leaf, number


@dataclass
class UpdateBuilder:
    """What an optimizer lowers itself with: the slots that it keeps from step to step.

    All parameters lie in one vector (n,), and so do their gradients and each slot.
    """

    graph: Graph
    size: int
    decays_differ: bool = False
    """Whether parameters have weight decays of their own, which are then an array that the graph is given."""
    decay_share: Value | None = None
    """What all weight decays are multiplied by in this step, where they change over the training."""
    slots: dict[str, tuple[tuple[int, ...], float]] = field(default_factory=dict)
    origins: dict[str, tuple[str, float]] = field(default_factory=dict)
    """For each slot of a textbook form, the slot of the run's own form, and what that one is multiplied by."""
    options: dict[str, float] = field(default_factory=dict)
    """The options that the graph takes as numbers, by their names."""
    named: dict[str, Value] = field(default_factory=dict)
    """The values that a reader calls by a name, such as `m_hat`."""

    def slot(
        self,
        name: str,
        initial: float = 0.0,
        shape: tuple[int, ...] | None = None,
        *,
        origin: str | None = None,
        scale: float = 1.0,
    ) -> Value:
        """Declare an array kept from step to step, of the parameters' length unless `shape` says otherwise.

        In a textbook form `origin` is the slot of the run's own form, and this one holds `scale` times what that holds.
        """
        shape = (self.size,) if shape is None else shape
        self.slots[name] = (shape, initial)
        self.origins[name] = (name if origin is None else origin, scale)
        return leaf(self.graph, f"slot/{name}", "slot", shape)

    def option(self, name: str, value: float) -> Value:
        """Return an option as a number that the graph is given, so that formulas show its name."""
        self.options[name] = value
        return number(self.graph, name)

    def weight_decay(self, value: float, *, named: bool = False) -> Value | float:
        """Return the weight decay: a number, named for readers if wanted, or the array (n,) of each element's own."""
        decay: Value | float
        if self.decays_differ:
            decay = leaf(self.graph, "weight_decays", "constant", (self.size,))
        else:
            decay = self.option("weight_decay", value) if named and value else value
        return decay if self.decay_share is None else self.decay_share * decay

    def name(self, name: str, value: Value) -> Value:
        """Give a value a name for readers, and return it."""
        self.named[name] = value
        return value

    def keep(self, slot: Value, value: Value) -> Value:
        """Have the slot hold this value after the step, and return the value."""
        self.graph.assign(slot, value)
        return value
