"""Starts that are drawn from a distribution of the document's choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import PositiveFloat
from pydantic_core import PydanticCustomError

from specnet.vocabulary.initializers import DrawnValues, Initializer, fill_in_pieces, truncated, written
from specnet.vocabulary.kind import fault, table_check

if TYPE_CHECKING:
    import numpy as np


class Uniform(Initializer):
    """Draw from the uniform distribution in [low, high)."""

    type: Literal["uniform"] = "uniform"
    low: float = -0.05
    """The minimum."""
    high: float = 0.05
    """The upper bound, which is excluded."""

    @table_check()
    def _ordered(self) -> Iterator[PydanticCustomError]:
        if self.low >= self.high:
            key = "high" if "high" in self.model_fields_set else "low"
            yield fault(f"`low` must be below `high`, and they are {self.low} and {self.high}", key=key)

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        return generator.uniform(self.low, self.high, shape)

    def fill(self, array: np.ndarray[Any, Any], generator: np.random.Generator) -> None:
        fill_in_pieces(array, lambda shape: self.draw(shape, generator))

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues:
        return DrawnValues(f"rng.uniform({self.low!r}, {self.high!r}, {written(shape)})")


class Normal(Initializer):
    """Draw from a normal distribution."""

    type: Literal["normal"] = "normal"
    mean: float = 0.0
    """The mean of the distribution."""
    stddev: PositiveFloat = 0.05
    """The standard deviation."""

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        return generator.normal(self.mean, self.stddev, shape)

    def fill(self, array: np.ndarray[Any, Any], generator: np.random.Generator) -> None:
        fill_in_pieces(array, lambda shape: self.draw(shape, generator))

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues:
        return DrawnValues(f"rng.normal({self.mean!r}, {self.stddev!r}, {written(shape)})")


class TruncatedNormal(Initializer):
    """Draw from a normal distribution, and redraw values beyond two standard deviations from the mean, as in Keras.

    The result has 0.88 of the given standard deviation. PyTorch's `trunc_normal_` truncates at -2 and 2 instead,
    whatever the standard deviation.
    """

    type: Literal["truncated_normal"] = "truncated_normal"
    mean: float = 0.0
    """The mean of the distribution."""
    stddev: PositiveFloat = 0.05
    """The standard deviation before truncation."""

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        return self.mean + self.stddev * truncated(shape, generator)

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues:
        mean = f"{self.mean!r} + " if self.mean else ""
        return DrawnValues(f"{mean}{self.stddev!r} * truncated({written(shape)}, rng)", uses=(truncated,))


class RandomSigns(Initializer):
    """Draw 1 or -1, each with a probability of 1/2, as for the scales that set apart the members of an ensemble."""

    type: Literal["random_signs"] = "random_signs"

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        return generator.integers(0, 2, shape) * 2.0 - 1.0

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues:
        return DrawnValues(f"rng.integers(0, 2, {written(shape)}) * 2.0 - 1.0")
