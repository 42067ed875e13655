"""The rows that a model predicts worst, as a reader recognises them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.data import Dataset
from specnet.data.streamed import taken_inputs
from specnet.reporting.cells import cells, columns, errors, raw_rows
from specnet.reporting.images import as_images, image_shape, png_address
from specnet.reporting.predictions import Predicted

Array = np.ndarray[Any, Any]

WORST = 12
"""Rows shown as those with the highest loss."""

SAMPLE = 500
"""Rows that show how large the values of a column are."""

MAXIMUM_COLUMNS = 14
"""Columns of a table that are shown of such a row."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a reader recognises it."""

    number: int
    """Its place in its split, from 1."""
    cost: float
    target: str
    prediction: str
    sure: float | None
    wrong: bool
    image: str | None
    """A PNG as a data address, where the input is an image."""
    made: str | None
    """What the model makes of the image, where it reproduces it."""
    cells: tuple[tuple[str, str], ...]
    """The name of each column, with what the row has there."""


def worst(given: Predicted, data: Dataset) -> list[Row]:
    """Return the rows with the highest loss, the worst first."""
    costs = given.costs[:: given.places]
    order = np.argsort(-np.nan_to_num(costs, nan=np.inf), kind="stable")[:WORST] * given.places
    encoding = data.encoding
    inputs = data.splits[given.split].inputs
    raw = raw_rows(encoding, taken_inputs(inputs, given.rows[order]))
    shape = image_shape(encoding)
    pictures = None if shape is None else as_images(raw, shape)
    names, exact = columns(encoding)[:MAXIMUM_COLUMNS], np.zeros(0)
    if pictures is None:
        some = given.rows[:: max(1, len(given.rows) // SAMPLE)]
        exact = errors(encoding, np.concatenate([raw, raw_rows(encoding, taken_inputs(inputs, some))]))
    rows = []
    for n, place in enumerate(order.tolist()):
        image = None if pictures is None else png_address(pictures[n])
        made = None
        if shape is not None and given.of_inputs and given.outputs.shape[1] == math.prod(shape):
            made = png_address(as_images(given.outputs[place][None], shape, like=given.targets[order])[0])
        own = () if pictures is not None else tuple(zip(names, cells(encoding, raw[n], exact), strict=False))
        target, prediction = _texts(given, place)
        sure = None if given.sure is None or given.places > 1 else float(given.sure[place])
        wrong = _wrong(given, place) > 0
        number = int(given.rows[place]) + 1
        rows.append(Row(number, float(given.costs[place]), target, prediction, sure, wrong, image, made, own))
    return rows


def _wrong(given: Predicted, place: int) -> int:
    """Return how many classes of a row are predicted wrongly."""
    if given.read is None:
        return 0
    own = slice(place, place + given.places)
    return int(np.count_nonzero((given.read[own] != given.targets[own]) & given.counted[own]))


def _texts(given: Predicted, place: int) -> tuple[str, str]:
    if given.places > 1:
        return f"{given.places} classes", f"{_wrong(given, place)} wrong"
    if given.read is not None:
        return given.names[int(given.targets[place])], given.names[int(given.read[place])]
    return _numbers(given.targets[place]), _numbers(given.outputs[place])


def _numbers(values: Array) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:6].tolist())
    return f"{shown}, ..." if len(values) > 6 else shown
