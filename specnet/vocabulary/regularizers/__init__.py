"""What is added to the loss for large parameters."""

from __future__ import annotations

from abc import abstractmethod

from specnet.graph.graph import Value
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind


class Regularizer(Kind):
    """A penalty on one parameter that is added to the loss."""

    @abstractmethod
    def penalty(self, parameter: Value) -> Value:
        """Return the scalar to add to the loss."""


REGULARIZERS: Family[Regularizer] = Family(
    "regularizer",
    Regularizer,
    __name__,
    {
        "l1": "norms.L1",
        "l2": "norms.L2",
        "l1_l2": "norms.L1L2",
    },
)

__getattr__ = REGULARIZERS.exported
