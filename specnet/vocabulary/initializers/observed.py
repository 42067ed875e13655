"""Starts that depend on what rows of the training split make of the layers before."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from specnet.vocabulary.initializers import RowInitializer, fans

if TYPE_CHECKING:
    import numpy as np

POINTS = 5
"""How many values a bias of `within_data` is a mean of."""


class UnitVariance(RowInitializer):
    """Normal, then scaled so that what each unit sums up has variance 1 over rows of the training split.

    It is for kernels of `dense` layers, and looks at up to 2,048 rows. RealMLP starts from it, with a
    `neural_tangent` parametrization (Holzmüller et al., 2024). A unit that sums up the same for all rows keeps a
    variance of 1 / fan_in for each weight.
    """

    type: Literal["unit_variance"] = "unit_variance"
    field: ClassVar[str] = "kernel_init"

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        return generator.standard_normal(shape) / math.sqrt(fans(shape)[0])

    def fit(
        self,
        shape: tuple[int, ...],
        generator: np.random.Generator,
        seen: np.ndarray[Any, Any],
        targets: np.ndarray[Any, Any],
    ) -> np.ndarray[Any, Any]:
        import numpy as np

        kernel = generator.standard_normal(shape)
        spread = (seen @ kernel).std(axis=-2, keepdims=True)
        # What rounding alone may make of equal rows.
        small = np.finfo(np.float64).eps * np.abs(seen).max(initial=0.0) * np.abs(kernel).max() * shape[-2]
        return kernel / np.where(spread > small, spread, math.sqrt(shape[-2]))


class WithinData(RowInitializer):
    """Minus a point among what a unit sums up for rows of the training split, so that its 0 lies within the data.

    The point is a mean of the sums of 5 rows with random weights, which are uniformly distributed among those that
    add up to 1: the bias `he+5` of RealMLP (Holzmüller et al., 2024). It is for biases of `dense` layers, and looks at
    up to 2,048 rows.
    """

    type: Literal["within_data"] = "within_data"
    field: ClassVar[str] = "bias_init"

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        return generator.standard_normal(shape)

    def fit(
        self,
        shape: tuple[int, ...],
        generator: np.random.Generator,
        seen: np.ndarray[Any, Any],
        targets: np.ndarray[Any, Any],
    ) -> np.ndarray[Any, Any]:
        import numpy as np

        rows = generator.integers(0, seen.shape[-2], (*seen.shape[:-2], POINTS, seen.shape[-1]))
        weights = generator.exponential(size=rows.shape)
        points = np.take_along_axis(seen, rows, axis=-2)
        mean: np.ndarray[Any, Any] = (points * weights).sum(axis=-2) / weights.sum(axis=-2)
        return -mean.reshape(shape)
