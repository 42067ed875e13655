from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from specnet.vocabulary.kind import Kind

if TYPE_CHECKING:
    import numpy as np


class Initializer(Kind):
    """The initial value of a parameter."""

    def fault(self, shape: tuple[int, ...]) -> str | None:
        """Say why it cannot fill an array of this shape, or return None."""
        return None

    @abstractmethod
    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return the values, shaped `shape`, as float64; the parameter rounds them to its own dtype."""


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many inputs each output of a kernel sums, and how many outputs each input feeds.

    A kernel is (..., in, out) with its receptive field in front, as everywhere in specnet. A vector (n,) has
    n of both, as in Keras.
    """
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field = 1
    for dim in shape[:-2]:
        field *= dim
    return field * shape[-2], field * shape[-1]
