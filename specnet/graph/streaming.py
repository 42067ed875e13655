"""Graphs that take new steps of a sequence behind those that they have seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from specnet.graph.graph import KeyPath, Value
from specnet.graph.leaves import leaf

POSITION = "position"
"""The name of the leaf (1,) that holds how many steps came before the new ones."""

NEVER = -1e9
"""The position of a place in a past that no step has been written to."""


class CannotStream(Exception):  # noqa: N818 (it says what a network is, and is no error of a program)
    """A layer cannot take new steps behind those that it has seen."""

    def __init__(self, name: str, kind: str, why: str, path: KeyPath) -> None:
        super().__init__(f"{name} ({kind}) {why}" if name != kind else f"{name} {why}")
        self.name = name
        self.why = why
        self.path = path


@dataclass(frozen=True, slots=True)
class Past:
    """What a layer keeps of each of the last steps that were seen, in a ring: the step at t lies at t mod length."""

    before: Value
    """What was kept of them when a call begins."""
    positions: Value
    """(length,): the position of the step that lies at each place, or `NEVER`."""
    new: Value
    """What is kept of the new steps; whoever runs the graph writes it into the ring."""
    axis: int
    """The axis of the steps."""
    length: int


@dataclass(slots=True)
class Streaming:
    """What a builder keeps for a graph that takes new steps of a sequence behind those that it has seen.

    Other inputs, such as the source that is translated, are read by the first call alone, whose graph is `opening`:
    what later calls need of them is `held`.
    """

    steps: int
    """How many steps an example has in training."""
    new: int
    """How many steps a call takes."""
    position: Value
    """(1,): how many steps came before the new ones."""
    opening: bool = True
    """Whether it is the graph of the first call."""
    streamed: set[int] = field(default_factory=set)
    """The values that come from the new steps, by index."""
    pasts: dict[str, Past] = field(default_factory=dict)
    places: dict[int, Value] = field(default_factory=dict)
    """The leaves with the positions in rings, by their length."""
    bounded: str | None = None
    """The first layer that knows no positions beyond the steps of an example."""
    _nodes: int = 0
    """How many of the graph's nodes `covers` has seen."""

    @classmethod
    def over(cls, x: Value, steps: int, *, opening: bool = True) -> Self:
        """Return what a graph needs whose new steps are x (batch, new, ...), of examples with `steps` steps."""
        new = x.shape[1]
        assert isinstance(new, int)
        position = leaf(x.graph, POSITION, "state", (1,))
        return cls(steps, new, position, opening=opening, streamed={x.index})

    def covers(self, value: Value) -> bool:
        """Say whether a value comes from the new steps."""
        nodes = value.graph.nodes
        for node in nodes[self._nodes :]:
            if any(source.index in self.streamed for source in node.inputs):
                self.streamed.update(result.index for result in node.results)
        self._nodes = len(nodes)
        return value.index in self.streamed
