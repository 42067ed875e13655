"""Starts that are written down."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import WithJsonSchema, field_validator

from specnet.graph.sizes import show
from specnet.vocabulary.initializers import DrawnValues, Initializer, written
from specnet.vocabulary.kind import fault

if TYPE_CHECKING:
    import numpy as np


class Zeros(Initializer):
    """All zeros."""

    type: Literal["zeros"] = "zeros"

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        import numpy as np

        return np.zeros(shape)

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues:
        return DrawnValues(f"np.zeros({written(shape)})")


class Ones(Initializer):
    """All ones."""

    type: Literal["ones"] = "ones"

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        import numpy as np

        return np.ones(shape)

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues:
        return DrawnValues(f"np.ones({written(shape)})")


class ConstantInitializer(Initializer):
    """One number for all elements, or an array of the parameter's shape."""

    type: Literal["constant"] = "constant"
    value: Annotated[Any, WithJsonSchema({"type": ["number", "array"]})]
    """A number, or arrays nested to the parameter's shape: a kernel (2, 3) is two arrays of three numbers."""

    @field_validator("value")
    @classmethod
    def _rectangular(cls, value: Any) -> Any:
        return _frozen(value, ())

    def fault(self, shape: tuple[int, ...]) -> str | None:
        given = _shape(self.value)
        if given in ((), shape):
            return None
        return f"`value` has the shape {show(given)}, and the parameter has {show(shape)}"

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        import numpy as np

        return np.full(shape, self.value, "float64")


def _frozen(value: Any, path: tuple[str | int, ...]) -> Any:
    """Return nested arrays as tuples of numbers.

    Raises the fault of the first entry that is no finite number, or is not shaped as the one before it.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | list | tuple):
        raise fault("expected a number, or an array of numbers", key=path)
    if isinstance(value, int | float):
        # NaN is not at most that, and neither are whole numbers beyond all floats.
        if not abs(value) <= sys.float_info.max:
            raise fault("expected a finite number", key=path)
        return float(value)
    if not value:
        raise fault("an array of a constant needs at least one number", key=path)
    parts = tuple(_frozen(part, (*path, index)) for index, part in enumerate(value))
    first = _shape(parts[0])
    for index, part in enumerate(parts):
        if _shape(part) != first:
            message = f"this is {_form(_shape(part))}, and the entry before it {_form(first)}"
            raise fault(message, key=(*path, index), help="all rows of a constant have the same length")
    return parts


def _shape(value: Any) -> tuple[int, ...]:
    """Return the shape of nested tuples that are known to be rectangular."""
    shape = []
    while isinstance(value, tuple):
        shape.append(len(value))
        value = value[0]
    return tuple(shape)


def _form(shape: tuple[int, ...]) -> str:
    return f"an array of {' x '.join(map(str, shape))}" if shape else "a number"
