from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

DType = Literal["float32", "float64", "int64", "bool"]

ITEM_BYTES: dict[DType, int] = {"float32": 4, "float64": 8, "int64": 8, "bool": 1}


@dataclass(frozen=True, slots=True)
class Batch:
    """A dimension that grows with the batch: `times` elements for each row of it."""

    times: int = 1

    def __str__(self) -> str:
        return "batch" if self.times == 1 else f"{self.times}*batch"


Dim = int | Batch
Shape = tuple[Dim, ...]

BATCH = Batch()


@dataclass(frozen=True, slots=True)
class Count:
    """A number of elements, `each * batch**power`, exact for every batch size."""

    each: int
    power: int = 0

    def at(self, batch: int) -> int:
        """Return the number for a batch of that many rows."""
        return int(self.each * batch**self.power)

    def __mul__(self, other: Count) -> Count:
        return Count(self.each * other.each, self.power + other.power)


def count(shape: Iterable[Dim]) -> Count:
    """Return how many elements a shape holds."""
    each, power = 1, 0
    for dim in shape:
        if isinstance(dim, Batch):
            each, power = each * dim.times, power + 1
        else:
            each *= dim
    return Count(each, power)


def at(shape: Shape, batch: int) -> tuple[int, ...]:
    """Return the shape with a batch of that many rows put in."""
    return tuple(dim.times * batch if isinstance(dim, Batch) else dim for dim in shape)


def show(shape: Shape) -> str:
    """Write a shape as a reader of the plan sees it: `(batch, 28, 28, 1)`."""
    inner = ", ".join(map(str, shape))
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def broadcast(a: Shape, b: Shape) -> Shape | None:
    """Return the shape that two operands give element by element, or None where they do not fit.

    The rule is NumPy's: axes are matched from the last, and 1 stretches.
    """
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    padded = (1,) * (len(longer) - len(shorter)) + shorter
    out: list[Dim] = []
    for x, y in zip(longer, padded, strict=True):
        if y in (x, 1):
            out.append(x)
        elif x == 1:
            out.append(y)
        else:
            return None
    return tuple(out)
