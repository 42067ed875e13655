from __future__ import annotations

from specnet.graph.graph import Value
from specnet.vocabulary.kind import Kind


class Activation(Kind):
    """A function applied to a layer's sum, x (batch, ...) -> y of the same shape."""

    def lower(self, x: Value) -> Value:
        """Return f(x)."""
        raise TypeError(f"{type(self).__name__} says nowhere what it makes of {x}")
