"""Layers as a builder sees them: what it must know of one, and what it reports of one that it has lowered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from specnet.graph.graph import KeyPath, Value
from specnet.graph.sizes import Shape

if TYPE_CHECKING:
    from specnet.graph.builder import Builder

INPUT = "input"
"""What `inputs` calls the value that the list of layers around a layer gets."""


class Stage(Protocol):
    """A layer: its place among the others, and its meaning."""

    type: str

    @property
    def name(self) -> str | None:
        """What it is called, where the document says so."""
        ...

    @property
    def inputs(self) -> tuple[str, ...] | None:
        """The names of what it takes, where it is not what the layer before gives."""
        ...

    @property
    def share(self) -> str | None:
        """The name of the layer whose parameters it uses."""
        ...

    @property
    def trainable(self) -> bool:
        """Whether training fits its parameters."""
        ...

    @property
    def learning_rate_multiplier(self) -> float:
        """What the learning rate is multiplied by for its parameters."""
        ...

    def lower_all(self, build: Builder, xs: tuple[Value, ...]) -> Value:
        """Append its computation over what it takes, and return its result."""
        ...


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """One layer as it was lowered."""

    name: str
    """Its own name behind those of the containers that it lies in: `residual_1.conv2d_2`."""
    type: str
    path: KeyPath
    inputs: tuple[Shape, ...]
    """The shapes of what it takes."""
    output: Shape
    parameters: tuple[str, ...]
    """The arrays that it declared itself; those of a container are its layers'."""
    scope: str
    """What the names of its parameters begin with: its name, or that of the layer that it shares them with."""
    depth: int = 0
    """How many containers it lies in."""


def stage_names(stages: Iterable[Stage]) -> list[str]:
    """Return what each layer of a list is called: its own name, or its type and its place among its type, from 1."""
    counts: dict[str, int] = {}
    names = []
    for stage in stages:
        counts[stage.type] = counts.get(stage.type, 0) + 1
        names.append(stage.name or f"{stage.type}_{counts[stage.type]}")
    return names
