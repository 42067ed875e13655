"""Starts whose variance follows from a kernel's shape, so that signals keep their size from layer to layer.

fan_in is how many inputs each output sums, fan_out how many outputs each input feeds.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from specnet.vocabulary.initializers.initializer import Initializer, fans
from specnet.vocabulary.initializers.truncation import TRUNCATED_STDDEV, truncated

if TYPE_CHECKING:
    import numpy as np


class VarianceScaling(Initializer):
    """Base of initializers with mean 0 and a variance that depends on fan_in and fan_out."""

    @abstractmethod
    def variance(self, fan_in: int, fan_out: int) -> float:
        """Return the variance."""


class ScaledUniform(VarianceScaling):
    """Uniform in ±sqrt(3 * variance)."""

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        limit = math.sqrt(3.0 * self.variance(*fans(shape)))
        return generator.uniform(-limit, limit, shape)


class ScaledNormal(VarianceScaling):
    """Normal, truncated at two standard deviations and widened, so that the variance is right after truncation."""

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        stddev = math.sqrt(self.variance(*fans(shape))) / TRUNCATED_STDDEV
        return truncated(shape, generator) * stddev
