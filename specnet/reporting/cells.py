"""Raw rows as a reader knows them: the cells of a table, categories by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.data import Encoding
from specnet.data.inputs import Encoded
from specnet.data.tables.plan import ColumnPlan

Array = np.ndarray[Any, Any]

UNKNOWN = "(unknown)"
"""A cell without a category that the model knows."""

NOT_USED = "(not used)"
"""A cell that the model does not take."""


def raw_rows(encoding: Encoding, inputs: Encoded) -> Array:
    """Return the raw rows (rows, ...) of which a model takes these inputs."""
    raw = encoding.raw_rows(inputs)
    return raw.reshape(len(raw), *encoding.raw_shape)


def columns(encoding: Encoding) -> list[str]:
    """Return the names of the columns of a row."""
    if encoding.columns is not None:
        return encoding.columns.names
    count = int(np.prod(encoding.raw_shape))
    names = encoding.signature.features
    return list(names) if names is not None and len(names) == count else [f"x{n}" for n in range(count)]


def errors(encoding: Encoding, rows: Array) -> Array:
    """Return by how much each element of a raw row may be off, as transforms there and back round it.

    `rows` are some raw rows, which show how large its values are.
    """
    largest = np.nanmax(np.abs(rows.reshape(len(rows), -1)), axis=0, initial=0.0)
    return np.asarray(largest * 2.0 * float(np.finfo(encoding.dtype).eps))


def cells(encoding: Encoding, row: Array, errors: Array) -> list[str]:
    """Return the cells of a raw row, in the order of `columns`; `errors` says how exact its elements are."""
    values = row.reshape(-1)
    if encoding.columns is None:
        return [number(value, error) for value, error in zip(values.tolist(), errors.tolist(), strict=True)]
    found, start = [], 0
    for column in encoding.columns.features:
        found.append(_cell(column, values[start : start + column.width], float(errors[start])))
        start += column.width
    return found


def _cell(column: ColumnPlan, values: Array, error: float) -> str:
    if np.isnan(values).any():
        return NOT_USED
    if column.type == "number":
        return number(float(values[0]), error)
    # What a transform has scaled, there and back, is near a whole number.
    code = int(values.argmax()) if column.one_hot else round(float(values[0]))
    if column.one_hot and values[code] < 0.5:
        return UNKNOWN
    return column.categories[code] if 0 <= code < len(column.categories) else UNKNOWN


def number(value: float, error: float) -> str:
    """Return the shortest number that is as near to a value as an error allows."""
    if value != value:  # noqa: PLR0124 (NaN)
        return NOT_USED
    if abs(value) <= error:
        return "0"
    texts = (f"{value:.{digits}g}" for digits in range(1, 17))
    shortest = next((text for text in texts if abs(float(text) - value) <= error), repr(value))
    return f"{float(shortest):.17g}" if abs(value) < 1e15 and float(shortest).is_integer() else shortest
