"""Starts whose variance follows from a kernel's shape, so that signals keep their size from layer to layer.

fan_in is how many inputs each output sums, fan_out how many outputs each input feeds.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from specnet.vocabulary.initializers import (
    TRUNCATED_STDDEV,
    DrawnValues,
    Initializer,
    fans,
    fill_in_pieces,
    truncated,
    written,
)

if TYPE_CHECKING:
    import numpy as np


class VarianceScaling(Initializer):
    """Base of initializers with mean 0 and a variance that depends on fan_in and fan_out."""

    @abstractmethod
    def variance(self, fan_in: int, fan_out: int) -> float:
        """Return the variance."""


class ScaledUniform(VarianceScaling):
    """Uniform in ±sqrt(3 * variance)."""

    formula: ClassVar[str]
    """Three times the variance, as a program writes it."""

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        limit = self._limit(shape)
        return generator.uniform(-limit, limit, shape)

    def fill(self, array: np.ndarray[Any, Any], generator: np.random.Generator) -> None:
        limit = self._limit(array.shape)
        fill_in_pieces(array, lambda shape: generator.uniform(-limit, limit, shape))

    def _limit(self, shape: tuple[int, ...]) -> float:
        return math.sqrt(3.0 * self.variance(*fans(shape)))

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues:
        before = (*_fans_of(shape), f"limit = np.sqrt({self.formula})")
        return DrawnValues(f"rng.uniform(-limit, limit, {written(shape)})", before)


class ScaledNormal(VarianceScaling):
    """Normal, truncated at two standard deviations and widened, so that the variance is right after truncation."""

    formula: ClassVar[str]
    """The variance, as a program writes it."""

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        stddev = math.sqrt(self.variance(*fans(shape))) / TRUNCATED_STDDEV
        return truncated(shape, generator) * stddev

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues:
        stddev = f"stddev = np.sqrt({self.formula}) / {TRUNCATED_STDDEV!r}  # of the normal before it is cut"
        value = f"truncated({written(shape)}, rng) * stddev"
        return DrawnValues(value, (*_fans_of(shape), stddev), uses=(truncated,))


def _fans_of(shape: tuple[int, ...]) -> tuple[str]:
    fan_in, fan_out = fans(shape)
    return (f"fan_in, fan_out = {fan_in}, {fan_out}",)


class GlorotUniform(ScaledUniform):
    """Uniform in ±sqrt(6 / (fan_in + fan_out)): for tanh and sigmoid (Glorot and Bengio, 2010)."""

    formula: ClassVar[str] = "6 / (fan_in + fan_out)"
    type: Literal["glorot_uniform"] = "glorot_uniform"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / (fan_in + fan_out)


class GlorotNormal(ScaledNormal):
    """Normal with variance 2 / (fan_in + fan_out), truncated at two standard deviations (Glorot and Bengio, 2010).

    The normal distribution is widened so that this is the variance after truncation, as in Keras;
    PyTorch's `xavier_normal_` does not truncate.
    """

    formula: ClassVar[str] = "2 / (fan_in + fan_out)"
    type: Literal["glorot_normal"] = "glorot_normal"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / (fan_in + fan_out)


class HeUniform(ScaledUniform):
    """Uniform in ±sqrt(6 / fan_in): for relu and its variants (He et al., 2015)."""

    formula: ClassVar[str] = "6 / fan_in"
    type: Literal["he_uniform"] = "he_uniform"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / fan_in


class HeNormal(ScaledNormal):
    """Normal with variance 2 / fan_in, truncated at two standard deviations (He et al., 2015).

    The normal distribution is widened so that this is the variance after truncation, as in Keras;
    PyTorch's `kaiming_normal_` does not truncate.
    """

    formula: ClassVar[str] = "2 / fan_in"
    type: Literal["he_normal"] = "he_normal"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / fan_in


class LecunUniform(ScaledUniform):
    """Uniform in ±sqrt(3 / fan_in) (LeCun et al., 1998)."""

    formula: ClassVar[str] = "3 / fan_in"
    type: Literal["lecun_uniform"] = "lecun_uniform"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 1.0 / fan_in


class LecunNormal(ScaledNormal):
    """Normal with variance 1 / fan_in, truncated at two standard deviations: for selu (LeCun et al., 1998).

    The normal distribution is widened so that this is the variance after truncation, as in Keras.
    """

    formula: ClassVar[str] = "1 / fan_in"
    type: Literal["lecun_normal"] = "lecun_normal"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 1.0 / fan_in
