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


def split(x: Value, gates: int) -> list[Value]:
    """Return the parts of x (..., gates * units) that belong to each gate."""
    return [columns(x, gates, gate, gate + 1) for gate in range(gates)]


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
class Part:
    """The columns of a kernel that belong to some gates, and how products with them are normalised."""

    first: int
    stop: int
    kernel: Value
    norm: Norm | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """The products with the parts of a kernel, plus biases."""

    parts: tuple[Part, ...]
    biases: Sequence[Value] = ()
    """What is added for each gate, if anything."""

    def of(self, x: Value, first: int, stop: int) -> list[Value]:
        """Return the products of x that belong to some gates, from the first on."""
        found: list[Value] = []
        for part in self.parts:
            if first <= part.first and part.stop <= stop:
                y = x @ part.kernel
                found += split(y if part.norm is None else part.norm.of(y), part.stop - part.first)
        return [y + self.biases[first + n] for n, y in enumerate(found)] if self.biases else found


def plain(kernel: Value, gates: int, biases: Sequence[Value] = ()) -> Product:
    """Return the products with a kernel, a gate at a time."""
    parts = (Part(gate, gate + 1, each) for gate, each in enumerate(split(kernel, gates)))
    return Product(tuple(parts), biases)


def normalised(
    build: Builder,
    name: str,
    kernel: Value,
    gates: int,
    groups: Groups,
    epsilon: float,
    biases: Sequence[Value] = (),
) -> Product:
    """Return the products with a kernel, normalised in groups of gates and multiplied by `name.gamma`."""
    size = kernel.shape[-1]
    assert isinstance(size, int)
    gamma = build.parameter(f"{name}.gamma", (size,), ONES)
    parts = []
    for first, stop in groups:
        norm = Norm(epsilon, columns(gamma, gates, first, stop))
        parts.append(Part(first, stop, columns(kernel, gates, first, stop), norm))
    return Product(tuple(parts), biases)
