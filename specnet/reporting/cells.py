"""Raw rows as a reader knows them: the cells of a table, categories by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from math import floor
from typing import Any

import numpy as np

from specnet.data import Encoding
from specnet.data.inputs import Encoded
from specnet.data.tables.date_cells import EPOCH, DatePart
from specnet.data.tables.plan import ColumnPlan

Array = np.ndarray[Any, Any]

UNKNOWN = "(unknown)"
"""A cell without a category that the model knows."""

MINUTES = 24 * 60
"""The minutes of a day."""

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
        end = start + column.width
        found.append(_cell(column, values[start:end], float(errors[start:end].max())))
        start = end
    return found


def _cell(column: ColumnPlan, values: Array, error: float) -> str:
    if np.isnan(values).any():
        return NOT_USED
    if column.texts is not None:
        return column.texts.text(np.rint(values))
    if column.type == "number":
        return number(float(values[0]), error)
    if column.parts:
        return _date(dict(zip(column.parts, values.tolist(), strict=True)), error)
    # What a transform has scaled, there and back, is near a whole number.
    code = int(values.argmax()) if column.one_hot else round(float(values[0]))
    if column.one_hot and values[code] < 0.5:
        return UNKNOWN
    return column.categories[code] if 0 <= code < len(column.categories) else UNKNOWN


def _date(parts: Mapping[DatePart, float], error: float) -> str:
    """Return the date that parts are of, with its time if an error allows it; the parts, where they leave it open."""
    if "days" in parts:
        days = parts["days"] if error * MINUTES < 1 else floor(parts["days"] + error)
        moment = EPOCH + timedelta(minutes=round(days * MINUTES))
        return moment.isoformat(" ").removesuffix(" 00:00:00")
    whole = {name: round(value) for name, value in parts.items()}
    if {"year", "month", "day"} <= whole.keys():
        return date(whole["year"], whole["month"], whole["day"]).isoformat()
    return ", ".join(f"{name} {value}" for name, value in whole.items())


def number(value: float, error: float) -> str:
    """Return the shortest number that is as near to a value as an error allows."""
    if value != value:  # noqa: PLR0124 (NaN)
        return NOT_USED
    if abs(value) <= error:
        return "0"
    texts = (f"{value:.{digits}g}" for digits in range(1, 17))
    shortest = next((text for text in texts if abs(float(text) - value) <= error), repr(value))
    return f"{float(shortest):.17g}" if abs(value) < 1e15 and float(shortest).is_integer() else shortest
