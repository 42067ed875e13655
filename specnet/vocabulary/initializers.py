"""Where parameters start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from specnet.vocabulary.kind import Family, Kind

if TYPE_CHECKING:
    import numpy as np


class Initializer(Kind):
    """Where a parameter starts."""

    def fault(self, shape: tuple[int, ...]) -> str | None:  # noqa: ARG002 (most fill any shape)
        """Say why it cannot fill an array of this shape, or return None."""
        return None

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return the values, shaped `shape`, as float64; the parameter rounds them to its own dtype."""
        raise TypeError(f"{type(self).__name__} says nowhere how it fills {shape}, {generator}")


INITIALIZERS: Family[Initializer] = Family("initializer")


class Zeros(Initializer):
    """All zeros."""

    type: Literal["zeros"] = "zeros"

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:  # noqa: ARG002
        import numpy as np

        return np.zeros(shape)


class GlorotUniform(Initializer):
    """Uniform in ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""

    type: Literal["glorot_uniform"] = "glorot_uniform"

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        fan_in, fan_out = fans(shape)
        limit = (6.0 / (fan_in + fan_out)) ** 0.5
        return generator.uniform(-limit, limit, shape)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many inputs each output of a kernel sums, and how many outputs each input feeds.

    A kernel is (..., in, out) with its receptive field in front, as everywhere in specnet.
    """
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field = 1
    for dim in shape[:-2]:
        field *= dim
    return field * shape[-2], field * shape[-1]


INITIALIZERS.add(Zeros, GlorotUniform)
