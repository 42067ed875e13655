"""The functions that a compiled plan's statements may name."""

from __future__ import annotations

from typing import Any

from specnet.engines.numba.kernels import FUNCTIONS
from specnet.engines.numpy import functions


def resolve(name: str) -> Any:
    """Return the function that a statement names: a compiled one where there is one, else NumPy's."""
    return FUNCTIONS.get(name) or functions.resolve(name)
