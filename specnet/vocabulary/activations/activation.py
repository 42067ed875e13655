from __future__ import annotations

from abc import abstractmethod

from specnet.graph.graph import Value
from specnet.vocabulary.kind import Kind


class Activation(Kind):
    """A function applied to a layer's sum, x (batch, ...) -> y of the same shape."""

    @abstractmethod
    def lower(self, x: Value) -> Value:
        """Return f(x)."""
