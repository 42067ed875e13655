"""What a model predicts for the rows that judge it: right and wrong, sure and unsure, and where it is worst."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from specnet.analysis.evidence import row_costs
from specnet.data import Dataset
from specnet.data.streamed import taken, taken_inputs
from specnet.model.model import Model
from specnet.model.predicting import PREDICTION_ROWS
from specnet.runs.extras import needed
from specnet.vocabulary.losses import Loss

Array = np.ndarray[Any, Any]

WORST = 12
"""Rows shown as those that cost most."""

MAXIMUM_FEATURES = 8
"""Columns of a table that are shown of such a row."""

BINS = 10
"""Parts of equal width that the range of probabilities is cut into, to see how often they come true."""

SMALLEST_IMAGE = 4
"""Pixels on a side, below which an array is no image."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """What one output of a model predicts for rows of one split."""

    output: str
    """Its name; that of the only one is empty."""
    split: str
    rows: Array
    """The places of the rows in their split."""
    kind: Literal["classes", "numbers"]
    targets: Array
    """(rows,) class indices, or (rows, outputs) in the units of the data."""
    outputs: Array
    """(rows, classes) probabilities or scores, or (rows, outputs) in the units of the data."""
    read: Array | None
    """(rows,) the class that each row is read as."""
    sure: Array | None
    """(rows,) the probability that the model gives to what it predicts."""
    costs: Array
    names: tuple[str, ...]


def predicted(model: Model, data: Dataset, split: str) -> list[Predicted]:
    """Return the predictions of each output for a split's rows, all or enough of them."""
    part = data.splits[split]
    rows, costs = row_costs(model, part)
    cuts = [
        model.predictions(taken_inputs(part.inputs, rows[start : start + PREDICTION_ROWS]))
        for start in range(0, len(rows), PREDICTION_ROWS)
    ]
    network, signature = model.network, data.signature
    raw = taken(part.targets, rows)
    own = raw if signature.integers else data.encoding.decode(raw)
    names = signature.classes or ()
    found = []
    for name, output in network.outputs.items():
        made, loss, targets = np.concatenate([cut[name] for cut in cuts]), output.loss, own
        if output.of_inputs:
            inputs, way = taken_inputs(part.inputs, rows), model.way_back(output)
            assert isinstance(inputs, np.ndarray)
            targets = inputs
            targets = targets if way is None else way.invert(targets)
        flat = targets.reshape(len(rows), -1)
        found.append(_read(name, split, loss, rows, costs, made.reshape(len(rows), -1), flat, names))
    return found


def _read(
    output: str,
    split: str,
    loss: Loss,
    rows: Array,
    costs: Array,
    outputs: Array,
    targets: Array,
    names: tuple[str, ...],
) -> Predicted:
    """Return predictions as they are read: as classes where the loss speaks of such."""
    if loss.targets == "classes" and outputs.shape[1] > 1:
        true = targets[:, 0] if targets.shape[1] == 1 else targets.argmax(axis=1)
        read = outputs.argmax(axis=1)
        sure = outputs.max(axis=1)
        names = names if len(names) == outputs.shape[1] else tuple(map(str, range(outputs.shape[1])))
        return Predicted(
            output, split, rows, "classes", true.astype(np.intp), outputs, read, sure, costs, names
        )
    if loss.targets == "binary" and outputs.shape[1] == targets.shape[1] == 1:
        true = (targets[:, 0] > 0).astype(np.intp)
        read = (outputs[:, 0] >= loss.threshold).astype(np.intp)
        likely = outputs[:, 0].astype(np.float64)
        sure = np.where(read == 1, likely, 1.0 - likely) if loss.output_activation == "sigmoid" else None
        names = names if len(names) == 2 else ("0", "1")
        return Predicted(output, split, rows, "classes", true, outputs, read, sure, costs, names)
    return Predicted(output, split, rows, "numbers", targets, outputs, None, None, costs, ())


def confusion(given: Predicted) -> Array:
    """Return how many rows of each class (rows) are read as each (columns)."""
    assert given.read is not None
    count = len(given.names)
    return np.bincount(given.targets * count + given.read, minlength=count * count).reshape(count, count)


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often predictions come true, by how sure they are."""

    rows: tuple[int, ...]
    confidence: Array
    share: Array
    error: float
    """The expected calibration error: mean distance of the two, weighted by rows (Naeini et al., 2015)."""


def calibration(given: Predicted) -> Calibration | None:
    """Return the calibration in bins of equal width, empty ones left out; None without probabilities."""
    if given.sure is None or given.read is None:
        return None
    right = (given.read == given.targets).astype(np.float64)
    bins = np.minimum((given.sure * BINS).astype(np.intp), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    there = counts > 0
    confidence = np.bincount(bins, given.sure, BINS)[there] / counts[there]
    share = np.bincount(bins, right, BINS)[there] / counts[there]
    error = float(np.sum(counts[there] * np.abs(confidence - share)) / len(right))
    return Calibration(tuple(counts[there].tolist()), confidence, share, error)


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
    features: tuple[tuple[str, str], ...]


def worst(given: Predicted, data: Dataset) -> list[Row]:
    """Return the rows that cost most, the worst first."""
    order = np.argsort(-np.nan_to_num(given.costs, nan=np.inf), kind="stable")[:WORST]
    part = taken_inputs(data.splits[given.split].inputs, given.rows[order])
    raw = data.encoding.raw_rows(part).reshape(len(order), *data.encoding.raw_shape)
    pictures = _pictures(_unrolled(raw, data.signature.features))
    rows = []
    for n, place in enumerate(order.tolist()):
        image = None if pictures is None else _png(pictures[n])
        features = () if pictures is not None else _features(raw[n], data.signature.features)
        target, prediction = _texts(given, place)
        sure = None if given.sure is None else float(given.sure[place])
        wrong = given.read is not None and bool(given.read[place] != given.targets[place])
        number = int(given.rows[place]) + 1
        rows.append(Row(number, float(given.costs[place]), target, prediction, sure, wrong, image, features))
    return rows


def _texts(given: Predicted, place: int) -> tuple[str, str]:
    if given.read is not None:
        return given.names[int(given.targets[place])], given.names[int(given.read[place])]
    return _numbers(given.targets[place]), _numbers(given.outputs[place])


def _numbers(values: Array) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:6].tolist())
    return f"{shown}, ..." if len(values) > 6 else shown


def _features(row: Array, names: Sequence[str] | None) -> tuple[tuple[str, str], ...]:
    values = row.reshape(-1)[:MAXIMUM_FEATURES].tolist()
    heads = names if names is not None and len(names) == row.size else [f"x{n}" for n in range(len(values))]
    return tuple((head, f"{value:.4g}") for head, value in zip(heads, values, strict=False))


def _unrolled(raw: Array, names: Sequence[str] | None) -> Array:
    """Return rows of pixels as images where the columns' names, `pixel_ROW_COLUMN`, say that they are such."""
    places = [re.fullmatch(r"pixel_(\d+)_(\d+)", name) for name in names or ()]
    found = [(int(place[1]), int(place[2])) for place in places if place is not None]
    if raw.ndim != 2 or not found or len(found) != raw.shape[1]:
        return raw
    height, width = (max(ends) + 1 for ends in zip(*found, strict=True))
    whole = found == [(y, x) for y in range(height) for x in range(width)]
    return raw.reshape(len(raw), height, width) if whole else raw


def _pictures(raw: Array) -> Array | None:
    """Return inputs as grey or coloured images with values from 0 to 1; None where they are none."""
    shape = raw.shape[1:]
    grey = len(shape) == 2 or (len(shape) == 3 and shape[2] == 1)
    if not (grey or (len(shape) == 3 and shape[2] == 3)) or min(shape[:2]) < SMALLEST_IMAGE:
        return None
    low, high = float(raw.min()), float(raw.max())
    scaled = (raw - low) / (high - low) if high > low else np.zeros_like(raw)
    return scaled.reshape(len(raw), *shape[:2]) if grey else scaled


def _png(picture: Array) -> str:
    image = needed("matplotlib.image", "report", "a report")
    pixels = np.round(picture * 255).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    file = io.BytesIO()
    image.imsave(file, pixels, format="png", metadata={"Software": None})
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
