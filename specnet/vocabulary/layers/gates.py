"""Products with kernels (in, gates * units), whose columns belong to the gates of a recurrent layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.vocabulary.initializers import INITIALIZERS

Groups = Sequence[tuple[int, int]]
"""Gates whose products are normalised together: the first of each group, and one past its last."""

ONES, ZEROS = (INITIALIZERS.validate(name) for name in ("ones", "zeros"))


def columns(x: Value, gates: int, first: int, stop: int) -> Value:
    """Return the part of x (..., gates * units) that belongs to some gates."""
    size = x.shape[-1]
    assert isinstance(size, int)
    if stop - first == gates:
        return x
    units = size // gates
    margins = (first * units, (gates - stop) * units)
    return ops.crop(x, margins=(*((0, 0),) * (x.rank - 1), margins))


def apart(x: Value, units: int, gates: Sequence[int]) -> Value:
    """Return the parts of x (rows, gates * units) that belong to each gate, in this order: (gates, rows, units)."""
    count = len(gates)
    shape = (1, x.shape[0], units)
    parts = (ops.reshape(columns(x, count, gate, gate + 1), shape=shape) for gate in gates)
    return ops.concat(*parts, axis=0)


def gate(x: Value, number: int) -> Value:
    """Return what belongs to one gate of x (gates, rows, units): (rows, units)."""
    return ops.reshape(ops.part(x, start=number, stop=number + 1), shape=x.shape[1:])


@dataclass(frozen=True, slots=True)
class Norm:
    """A normalisation over the last axis: gamma * (x - mean) / sqrt(variance + epsilon) + beta."""

    epsilon: float
    gamma: Value
    beta: Value | None = None

    def of(self, x: Value) -> Value:
        """Return x (..., features) normalised."""
        y = ops.reshape(ops.layer_norm(ops.rows(x), center=True, epsilon=self.epsilon), shape=x.shape)
        return y * self.gamma if self.beta is None else y * self.gamma + self.beta


@dataclass(frozen=True, slots=True)
class NormalisedPart:
    """The columns of a kernel that belong to some gates, and how products with them are normalised."""

    first: int
    stop: int
    kernel: Value
    norm: Norm


@dataclass(frozen=True, slots=True)
class Product:
    """The products with a kernel that belong to each gate, plus biases.

    Gates lie one after the other, in the order in which they are computed: one product serves them all, and neighbours
    are activated together.
    """

    units: int
    order: Sequence[int]
    """The position of each gate among the kernel's columns."""
    kernel: Value | None = None
    """(gates, in, units), where products are not normalised."""
    parts: tuple[NormalisedPart, ...] = ()
    bias: Value | None = None
    """(gates, 1, units)."""

    def of(self, x: Value, first: int, stop: int) -> Value:
        """Return the products of x (rows, in) that belong to some gates, from the first on: (gates, rows, units)."""
        if self.kernel is not None:
            y = ops.MATMUL(x, self._part(self.kernel, first, stop))
        else:
            parts = (part for part in self.parts if first <= part.first and part.stop <= stop)
            y = ops.concat(*(self._normalised(x, part) for part in parts), axis=0)
        return y if self.bias is None else y + self._part(self.bias, first, stop)

    def _part(self, x: Value, first: int, stop: int) -> Value:
        return x if (first, stop) == (0, len(self.order)) else ops.part(x, start=first, stop=stop)

    def _normalised(self, x: Value, part: NormalisedPart) -> Value:
        places = [place - part.first for place in self.order[part.first : part.stop]]
        return apart(part.norm.of(x @ part.kernel), self.units, places)


def normalised_parts(
    build: Builder, name: str, kernel: Value, gates: int, groups: Groups, epsilon: float
) -> tuple[NormalisedPart, ...]:
    """Return the parts of a kernel (in, gates * units) whose products are normalised, multiplied by `name.gamma`."""
    size = kernel.shape[-1]
    assert isinstance(size, int)
    gamma = build.parameter(f"{name}.gamma", (size,), ONES)
    return tuple(
        NormalisedPart(
            first,
            stop,
            columns(kernel, gates, first, stop),
            Norm(epsilon, columns(gamma, gates, first, stop)),
        )
        for first, stop in groups
    )
