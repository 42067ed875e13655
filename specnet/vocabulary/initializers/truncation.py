from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

TRUNCATED_STDDEV = 0.87962566103423978
"""The standard deviation of a standard normal variable cut at ±2: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1))."""


def truncated(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return standard normal numbers between -2 and 2, each drawn again until it is there."""
    import numpy as np

    drawn = generator.standard_normal(shape)
    outside = np.abs(drawn) > 2.0
    while outside.any():
        drawn[outside] = generator.standard_normal(int(outside.sum()))
        outside = np.abs(drawn) > 2.0
    return drawn
