"""Python's operators on values: which op each appends is said by the ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

OPERATORS: dict[str, Callable[..., Any]] = {}
"""What makes a value of values, by name; the ops enter themselves."""


class Operators:
    """Arithmetic on values and numbers, each operation a new value."""

    __slots__ = ()

    def __add__(self, other: Self | float) -> Self:
        value: Self = OPERATORS["add"](self, other)
        return value

    def __radd__(self, other: float) -> Self:
        value: Self = OPERATORS["add"](other, self)
        return value

    def __sub__(self, other: Self | float) -> Self:
        value: Self = OPERATORS["subtract"](self, other)
        return value

    def __rsub__(self, other: float) -> Self:
        value: Self = OPERATORS["subtract"](other, self)
        return value

    def __mul__(self, other: Self | float) -> Self:
        value: Self = OPERATORS["multiply"](self, other)
        return value

    def __rmul__(self, other: float) -> Self:
        value: Self = OPERATORS["multiply"](other, self)
        return value

    def __truediv__(self, other: Self | float) -> Self:
        value: Self = OPERATORS["divide"](self, other)
        return value

    def __rtruediv__(self, other: float) -> Self:
        value: Self = OPERATORS["divide"](other, self)
        return value

    def __neg__(self) -> Self:
        value: Self = OPERATORS["negative"](self)
        return value

    def __matmul__(self, other: Self) -> Self:
        value: Self = OPERATORS["matmul"](self, other)
        return value
