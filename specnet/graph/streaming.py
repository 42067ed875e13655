"""Graphs that take new steps of a sequence after those that they have seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from specnet.graph.graph import KeyPath, Value
from specnet.graph.leaves import leaf

POSITION = "position"
"""The name of the leaf (1,) with the number of steps before the new ones."""

NEVER = -1e9
"""The position in a ring that no step has been written to."""


class CannotStream(Exception):  # noqa: N818 (it says what a network is, and is no error of a program)
    """A layer cannot take new steps after those that it has seen."""

    def __init__(self, name: str, kind: str, why: str, path: KeyPath) -> None:
        super().__init__(f"{name} ({kind}) {why}" if name != kind else f"{name} {why}")
        self.name = name
        self.why = why
        self.path = path


@dataclass(frozen=True, slots=True)
class Past:
    """What a layer keeps of each of the last steps, in a ring: that of step t is at index t mod length."""

    before: Value
    """What is in the ring when a call begins."""
    positions: Value
    """(length,): the step that each index of the ring belongs to, or `NEVER`."""
    new: Value
    """What is kept of the new steps; the caller of the plan writes it into the ring."""
    axis: int
    """The axis of the steps."""
    length: int


@dataclass(slots=True)
class Streaming:
    """The state of a builder whose graph takes new steps of a sequence after those that it has seen.

    Other inputs, such as the source of a translation, are read by the first call only, whose graph is `opening`. What
    later calls need of them is `held`.
    """

    steps: int
    """The number of steps of an example in training."""
    new: int
    """The number of steps that a call takes."""
    position: Value
    """(1,): the number of steps before the new ones."""
    opening: bool = True
    """Whether it is the graph of the first call."""
    streamed: set[int] = field(default_factory=set)
    """The values that come from the new steps, by index."""
    pasts: dict[str, Past] = field(default_factory=dict)
    places: dict[int, Value] = field(default_factory=dict)
    """The leaves with the positions in rings, by the length of these."""
    bounded: str | None = None
    """The first layer that has no positions beyond the steps of an example."""
    _nodes: int = 0
    """The number of nodes of the graph that `covers` has visited."""

    @classmethod
    def over(cls, x: Value, steps: int, *, opening: bool = True) -> Self:
        """Return the state for new steps x (batch, new, ...) of examples with `steps` steps."""
        new = x.shape[1]
        assert isinstance(new, int)
        position = leaf(x.graph, POSITION, "state", (1,))
        return cls(steps, new, position, opening=opening, streamed={x.index})

    def covers(self, value: Value) -> bool:
        """Return whether a value depends on the new steps."""
        nodes = value.graph.nodes
        for node in nodes[self._nodes :]:
            if any(source.index in self.streamed for source in node.inputs):
                self.streamed.update(result.index for result in node.results)
        self._nodes = len(nodes)
        return value.index in self.streamed
