from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import Value
from specnet.graph.windows import Strided
from specnet.vocabulary.layers import Layer


class LocalResponseNorm(Layer):
    """y_c = x_c / (k + alpha / size * s_c)^beta, where s_c sums the squares of `size` neighbouring features.

    x (batch, ..., features) -> y of the same shape. The neighbours of feature c at the same place are those from
    c - size // 2 to c + (size - 1) // 2; there are zeros beyond both ends. It has no parameters. Alpha is divided by
    `size`, as in PyTorch; Krizhevsky et al. (2012) do not divide, and their alpha = 1e-4 with size = 5 and k = 2 is
    alpha = 5e-4 here.
    """

    type: Literal["local_response_norm"] = "local_response_norm"
    size: PositiveInt = Field(default=5, lt=2**31)
    """The number of neighbouring features to sum over, the feature itself included."""
    alpha: PositiveFloat = 1e-4
    """The factor of the mean square."""
    beta: PositiveFloat = 0.75
    """The exponent of the denominator."""
    k: PositiveFloat = 1.0
    """Added to the mean square, so that small values are not enlarged."""

    masking: ClassVar[MaskUse] = "each"

    def lower(self, build: Builder, x: Value) -> Value:
        features = self.features(x)
        windows = Strided(-(self.size // 2), self.size, 1, features)
        squares = ops.square(x)
        if self.size > 1:
            squares = ops.window_sum(squares, axis=x.rank - 1, windows=windows)
        return x * ops.power(squares * (self.alpha / self.size) + self.k, -self.beta)
