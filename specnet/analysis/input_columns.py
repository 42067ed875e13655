"""The columns that a model's inputs consist of, before all transforms, and which elements of a row each holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from specnet.data import Encoding
from specnet.data.signature import ColumnSlice

Array = np.ndarray[Any, Any]


class UnexplainedError(ValueError):
    """Importance by column does not apply to a model, or not as it was asked for by `option`."""

    def __init__(self, message: str, option: str = "--importance") -> None:
        super().__init__(message)
        self.option = option


@dataclass(frozen=True, slots=True)
class InputColumn:
    """One column of a table, one number of an array, or what has a meaning only as a whole."""

    name: str
    elements: slice
    """Its elements in a row that is laid out flat."""
    kind: Literal["number", "onehot", "index", "boolean", "whole"] = "number"
    """As of a `ColumnSlice`; `whole` is a date, an array of several axes, or one channel of a sequence."""
    categories: tuple[str, ...] = ()

    def of(self, rows: Array) -> Array:
        """Return the column's elements of flat rows (rows, elements), as a view."""
        part: Array = rows[:, self.elements]
        return part

    def fill(self, rows: Array, value: float) -> None:
        """Set the column of all rows (rows, elements) to one number, or to one category by its index."""
        part = self.of(rows)
        if self.kind == "onehot":
            part[...] = 0
            part[:, int(value)] = 1
        else:
            part[...] = value


def _kind(column: ColumnSlice) -> Literal["number", "onehot", "index", "boolean", "whole"]:
    """Return how the elements of a table's column are dealt with."""
    match column.kind:
        case "date" | "tokens":
            return "whole"
        case kind:
            return kind


def input_columns(encoding: Encoding) -> tuple[InputColumn, ...]:
    """Return the columns of the inputs, in their order.

    They are a table's columns, the numbers of a vector, the channels of a sequence (steps, channels), and of several
    arrays the numbers of those that are vectors and the others as a whole. Raises UnexplainedError for images, whose
    pixels have no meaning of their own.
    """
    shape = encoding.raw_shape
    if encoding.columns is not None:
        plans = zip(encoding.columns.features, encoding.columns.column_slices, strict=True)
        return tuple(
            InputColumn(
                s.name,
                slice(s.start, s.start + s.width),
                _kind(s),
                tuple(plan.categories),
            )
            for plan, s in plans
        )
    if len(shape) == 1:
        parts = tuple(_parts(encoding))
        known = bool(parts) and parts[-1].elements.stop == shape[0]
        return parts if known else tuple(_vector("x", shape[0], 0, pattern="{}{}"))
    if len(shape) == 2 and len(encoding.signature.inputs) == 2:
        return tuple(InputColumn(f"channel {i}", slice(i, None, shape[1]), "whole") for i in range(shape[1]))
    raise UnexplainedError(
        f"importance is measured by column, and the inputs are arrays of shape {list(shape)}, such as images, which "
        "have no columns"
    )


def _parts(encoding: Encoding) -> Iterator[InputColumn]:
    """Yield the columns of inputs that have names, and those of several arrays."""
    start = 0
    for part in encoding.signature.column_slices or ():
        size = prod(part.shape)
        if size == 1:
            yield InputColumn(part.name, slice(start, start + 1))
        elif len(part.shape) == 1:
            yield from _vector(part.name, size, start)
        else:
            yield InputColumn(part.name, slice(start, start + size), "whole")
        start += size


def _vector(name: str, size: int, start: int, pattern: str = "{}[{}]") -> Iterator[InputColumn]:
    for i in range(size):
        yield InputColumn(pattern.format(name, i), slice(start + i, start + i + 1))
