"""What is added to the loss for large parameters."""

from __future__ import annotations

from specnet.vocabulary.kind import Family
from specnet.vocabulary.regularizers.regularizer import Regularizer

REGULARIZERS: Family[Regularizer] = Family(
    "regularizer",
    __name__,
    {
        "l1": "norms.L1",
        "l2": "norms.L2",
        "l1_l2": "norms.L1L2",
    },
)

__all__ = [
    "REGULARIZERS",
    "Regularizer",
]

__getattr__ = REGULARIZERS.exported
