"""What a model predicts for the rows of a split: right and wrong, sure and unsure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal

import numpy as np

from specnet.analysis.evidence import row_costs
from specnet.analysis.padded import padded_rows
from specnet.data import Dataset
from specnet.data.streamed import taken, taken_inputs
from specnet.language.spec import Spec
from specnet.model.averaged import AveragedModel
from specnet.model.compiled import CompiledModel
from specnet.model.predicting import PREDICTION_ROWS
from specnet.runs.out_of_fold import OutOfFold
from specnet.vocabulary.losses import Loss

Array = np.ndarray[Any, Any]

MOST = 1 << 26
"""Numbers that are predicted in all: of a model that gives many for each row, fewer rows are looked at."""

BINS = 10
"""Parts of equal width that the range of probabilities is cut into, to see how often they come true."""


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
    of_inputs: bool = False
    """Whether its targets are the inputs."""
    ignored: int | None = None
    """The class index of targets that have no class."""
    places: int = 1
    """The number of classes of each row, one after the other: that of the pixels of an image whose classes are
    predicted. All arrays have as many entries for a row."""
    exist: Array | None = None
    """Which entries are steps of a sequence, and not padding; None where there is none."""

    @property
    def counted(self) -> Array:
        """Which entries have a class, where classes are predicted."""
        there = np.ones(len(self.targets), bool) if self.exist is None else self.exist
        return there if self.ignored is None else there & (self.targets != self.ignored)


def predicted(model: CompiledModel, data: Dataset, split: str, *, calibrated: bool = True) -> list[Predicted]:
    """Return the predictions of each output for a split's rows, all or enough of them.

    Outputs whose targets are sequences of another length than theirs have none that could be set beside these.
    Unless `calibrated`, they are those of the network itself, in which targets may be transformed.
    """
    part = data.splits[split]
    rows, costs = _enough(model, *row_costs(model, part))
    predict = model.predictions if calibrated else model.uncalibrated
    cuts = [
        predict(taken_inputs(part.inputs, rows[start : start + PREDICTION_ROWS]))
        for start in range(0, len(rows), PREDICTION_ROWS)
    ]
    network, signature = model.network, data.signature
    raw = taken(part.targets, rows)
    own = raw if signature.integers else data.encoding.decode(raw)
    names = signature.classes or ()
    padded = padded_rows(model, part, rows)
    found = []
    for name, output in network.outputs.items():
        if not output.loss.by_step:
            continue
        threshold = model.cutoffs.get(name, output.loss.threshold)
        made, loss, targets = np.concatenate([cut[name] for cut in cuts]), output.loss, own
        if output.of_inputs:
            inputs, way = taken_inputs(part.inputs, rows), model.way_back(output)
            assert isinstance(inputs, np.ndarray)
            targets = inputs
            targets = targets if way is None else way.invert(targets)
        if part.scales is not None and output.in_units:
            made, targets = (_scaled_back(values, part.scales[rows]) for values in (made, targets))
        places = prod(output.shape[:-1]) if loss.targets == "classes" else 1
        exist, mean = None, costs
        if places > 1 and name in padded:
            steps = padded[name]
            exist = np.repeat(steps.exist, places // steps.exist.shape[1], axis=1)
            mean = steps.costs if len(network.outputs) == 1 else costs
        each, cost = np.repeat(rows, places), np.repeat(mean, places)
        flat = targets.reshape(len(each), -1)
        own_names = () if output.of_inputs else names
        read = _read(name, split, loss, threshold, each, cost, made.reshape(len(each), -1), flat, own_names)
        of_inputs = output.of_inputs or data.encoding.format.reproduces
        read = replace(read, of_inputs=of_inputs, places=places, ignored=loss.ignored)
        found.append(read if exist is None else replace(read, exist=exist.reshape(-1)))
    return found


def _enough(model: CompiledModel, rows: Array, costs: Array) -> tuple[Array, Array]:
    """Return rows and what they cost, evenly spread ones if there are too many for what is predicted of each."""
    most = max(1, MOST // max(prod(output.shape) for output in model.network.outputs.values()))
    if len(rows) <= most:
        return rows, costs
    chosen = np.arange(most) * len(rows) // most
    return rows[chosen], costs[chosen]


def _scaled_back(values: Array, scales: Array) -> Array:
    """Return predictions or targets (rows, horizon, ...) of series in the units that each series has."""
    center, span = (scales[:, i].reshape(len(scales), 1, *values.shape[2:]) for i in range(2))
    return np.asarray(values * span + center)


def read_out_of_fold(spec: Spec, given: OutOfFold, model: AveragedModel) -> list[Predicted]:
    """Return the predictions for the rows of all folds of each output that predicts the data's whole target.

    `model` has the models of the folds, by whose thresholds labels are read.
    What each row costs is not known. There are none where the targets are the inputs, or groups of rows.
    """
    if spec.data.reproduces or spec.loss.targets == "groups":
        return []
    losses = {"": spec.loss} if spec.outputs is None else {n: out.loss for n, out in spec.outputs.items()}
    count = len(given.rows)
    flat, unknown = given.targets.reshape(count, -1), np.full(count, np.nan)
    return [
        _read(
            name,
            "test",
            losses[name],
            np.stack([own.cutoffs[name] for own in model.compiled])[given.folds - 1]
            if name in model.cutoffs
            else losses[name].threshold,
            given.rows,
            unknown,
            made.reshape(count, -1),
            flat,
            model.classes or (),
        )
        for name, made in given.outputs.items()
        if spec.outputs is None or spec.outputs[name].target is None
    ]


def _read(
    output: str,
    split: str,
    loss: Loss,
    threshold: Array | float,
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
        read = (outputs >= threshold)[:, 0].astype(np.intp)
        likely = outputs[:, 0].astype(np.float64)
        sure = np.where(read == 1, likely, 1.0 - likely) if loss.output_activation == "sigmoid" else None
        names = names if len(names) == 2 else ("0", "1")
        return Predicted(output, split, rows, "classes", true, outputs, read, sure, costs, names)
    return Predicted(output, split, rows, "numbers", targets, outputs, None, None, costs, ())


def confusions(given: Predicted) -> tuple[Array, Array, Array]:
    """Return the classes that there are in pairs, what each is read as, and how many rows of each pair there are."""
    assert given.read is not None
    count, there = len(given.names), given.counted
    pairs, counts = np.unique(given.targets[there] * count + given.read[there], return_counts=True)
    return pairs // count, pairs % count, counts


def confusion(given: Predicted) -> Array:
    """Return how many rows of each class (rows) are read as each (columns)."""
    matrix = np.zeros((len(given.names), len(given.names)), np.intp)
    true, read, counts = confusions(given)
    matrix[true, read] = counts
    return matrix


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often predictions come true, by how sure they are."""

    rows: tuple[int, ...]
    confidence: Array
    share: Array
    error: float
    """The expected calibration error: mean distance of the two, weighted by rows (Naeini et al., 2015)."""


def calibration(given: Predicted) -> Calibration | None:
    """Return the calibration in bins of equal width, empty ones left out; None without (finite) probabilities."""
    if given.sure is None or given.read is None or not np.isfinite(given.sure[given.counted]).all():
        return None
    right = (given.read == given.targets)[given.counted].astype(np.float64)
    sure = given.sure[given.counted]
    bins = np.minimum((sure * BINS).astype(np.intp), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    there = counts > 0
    confidence = np.bincount(bins, sure, BINS)[there] / counts[there]
    share = np.bincount(bins, right, BINS)[there] / counts[there]
    error = float(np.sum(counts[there] * np.abs(confidence - share)) / len(right))
    return Calibration(tuple(counts[there].tolist()), confidence, share, error)
