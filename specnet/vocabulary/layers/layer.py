from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, PositiveFloat

from specnet.graph.builder import Builder
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import show
from specnet.vocabulary.kind import Kind, Words

NAME = r"^[A-Za-z_][A-Za-z0-9_-]*$"
"""A layer's name, which the names of its parameters and of saved arrays are made of."""


class Layer(Kind):
    """One stage of the network: it takes the value of the layer before it and gives its own."""

    name: Annotated[str, Field(pattern=NAME), Words("a string of letters, digits, `_` and `-`")] | None = None
    """What the layer is called; its type and its place among its type, from 1, if left out."""
    inputs: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The names of the layers whose results it takes, `"input"` for what comes into the list of layers that it
    stands in; the result of the layer before it if left out."""
    share: str | None = None
    """The name of a layer of the same kind before it, whose parameters it uses as its own."""
    trainable: bool = True
    """Whether training fits its parameters; they are kept and used either way."""
    learning_rate_multiplier: PositiveFloat = 1.0
    """What the learning rate is multiplied by for its parameters."""

    takes: ClassVar[tuple[int, int | None]] = (1, 1)
    """The least and the most values that it takes at once."""
    is_parallel: ClassVar[bool] = False
    """Whether each layer in it takes what it takes itself, and not what the one before gives."""

    @property
    def sublayers(self) -> dict[str, tuple[Layer, ...]]:
        """The lists of layers that it holds, by their keys."""
        return {}

    def lower_all(self, build: Builder, xs: tuple[Value, ...]) -> Value:
        """Append the layer's computation over as many values as it takes, and return its result."""
        (x,) = xs
        return self.lower(build, x)

    def lower(self, build: Builder, x: Value) -> Value:
        """Append the layer's computation to the graph and return its result."""
        raise TypeError(f"{type(self).__name__} says nowhere what it makes of {x} with {build}")

    def features(self, x: Value) -> int:
        """Return how many features an input (batch, ..., features) has; raise ShapeFault where it has no such axis."""
        size = x.shape[-1] if x.rank > 1 else None
        if not isinstance(size, int):
            raise ShapeFault(
                f"{self.type} needs inputs with an axis of features, got {show(x.shape)}",
                x,
                help="one number a row has the shape (batch, 1)",
            )
        return size
