from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specnet.graph.builder import Builder
from specnet.graph.graph import ShapeFault, Value
from specnet.runtime.shapes import show
from specnet.vocabulary.kind import Kind, Words

NAME = r"^[A-Za-z_][A-Za-z0-9_-]*$"
"""A layer's name, which the names of its parameters and of saved arrays are made of."""


class Layer(Kind):
    """One stage of the network: it takes the value of the layer before it and gives its own."""

    name: Annotated[str, Field(pattern=NAME), Words("a text of letters, digits, `_` and `-`")] | None = None
    """What the layer is called; its type and its place among its type, from 1, if left out."""

    def lower(self, build: Builder, x: Value) -> Value:
        """Append the layer's computation to the graph and return its result."""
        raise TypeError(f"{type(self).__name__} says nowhere what it makes of {x} with {build}")

    def features(self, x: Value) -> int:
        """Return how many features an input (batch, ..., features) has; raise ShapeFault where it has no such axis."""
        size = x.shape[-1] if x.rank > 1 else None
        if not isinstance(size, int):
            raise ShapeFault(
                f"{self.type} needs inputs with an axis of features, and gets {show(x.shape)}",
                x,
                help="one number a row has the shape (batch, 1)",
            )
        return size
