"""What is added to the loss for large parameters."""

from __future__ import annotations

from typing import Any

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


def __getattr__(name: str) -> Any:
    """Return a kind's class, imported when it is first asked for."""
    return REGULARIZERS.exported(name)
