from __future__ import annotations

from abc import abstractmethod

from specnet.graph.graph import Value
from specnet.vocabulary.kind import Kind


class Regularizer(Kind):
    """A penalty on one parameter that is added to the loss."""

    @abstractmethod
    def penalty(self, parameter: Value) -> Value:
        """Return the scalar to add to the loss."""
