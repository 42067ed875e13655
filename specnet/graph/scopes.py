"""Where a layer is while it is lowered, and what is known of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from specnet.graph.graph import KeyPath, Value
from specnet.graph.parameter import Initial
from specnet.graph.sizes import Count, Shape


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


@dataclass(frozen=True, slots=True)
class Members:
    """The members of an ensemble, whose values are (members, batch, features), and what each has of its own."""

    count: int
    own: Literal["all", "vectors", "nothing"] = "all"
    """Which parameters each member has of its own: all; those that are vectors, of one number a feature; or none."""
    first: KeyPath | None = None
    """The layer whose inputs each member has scaled already."""
    head: KeyPath | None = None
    """The layer of which each member has all parameters of its own."""
    of: Callable[[Initial, int], Initial] | None = None
    """Returns where a parameter starts of which each member has its own, given where one member's does."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a builder is: in which layer, and what holds for it."""

    name: str = ""
    """The layer's own name, which its streams of randomness begin with."""
    parameters: str = ""
    """What the names of its parameters begin with: its name, or that of the layer that it shares them with."""
    path: KeyPath = ()
    trainable: bool = True
    rate: float = 1.0
    depth: int = 0
    members: Members | None = None
    """The members of the ensemble that the layer is in."""


class Following(NamedTuple):
    """A running statistic, what a training step observes of it, and from how many values."""

    statistic: Value
    observed: Value
    momentum: float
    values: Count


class ColumnFeatures(Protocol):
    """The features that a column of a table becomes."""

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def start(self) -> int:
        """The place of its first feature."""
        ...

    @property
    def width(self) -> int:
        """How many features it becomes."""
        ...

    @property
    def kind(self) -> str:
        """What they are: `number`, `date`, `boolean`, `onehot`, `index` or `tokens`."""
        ...

    @property
    def categories(self) -> int:
        """How many categories it has; 0 of a number."""
        ...


class ObservedValue(NamedTuple):
    """What the initial value of a parameter looks at, for rows of the training split: `value` times `factor`."""

    value: Value
    factor: float = 1.0
