"""Rows with their targets, from files, frames or arrays, as a trained model is evaluated on them."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from specnet.data import Encoding, Split
from specnet.data.collector import Collector
from specnet.data.inputs import Encoded
from specnet.data.labelled import labelled_rows
from specnet.data.new_rows import LabelledRows
from specnet.data.rows import StoredRows, TargetRows
from specnet.data.signature import ONLY
from specnet.data.streamed import by_name, extent
from specnet.data.tables.frames import is_frame
from specnet.data.weights import given_weights
from specnet.diagnostics import Diagnostic, SpecError
from specnet.diagnostics.text import clipped, listed
from specnet.model.arrays import as_targets
from specnet.model.network import Network

Array = np.ndarray[Any, Any]


def raw_labelled(
    encoding: Encoding, inputs: Any, targets: Any = None, weights: Any = None, name: str | None = None
) -> LabelledRows:
    """Return rows and their targets before all transforms, from what `Model.evaluate` takes.

    `name` is what messages call a file. Raises SpecError naming what is wrong with the rows, and TypeError where
    targets are missing, or given in addition to a file.
    """
    if isinstance(inputs, (str, PathLike)):
        if targets is not None or weights is not None:
            raise TypeError("a file contains its targets and weights: give no others")
        return labelled_rows(encoding, Path(inputs), name)
    if targets is not None:
        if encoding.format.reproduces:
            raise TypeError("the model's targets are its inputs: give no others")
        rows = encoding.rows(inputs, Collector(()))
        return LabelledRows(rows, _target_values(encoding, targets), weights)
    if is_frame(inputs):
        if weights is not None:
            raise TypeError("a frame contains its targets and weights: give no others")
        collector = Collector(())
        with collector.limited():
            return encoding.format.labelled_frame(inputs, encoding.known, collector)
    if encoding.format.reproduces:
        return LabelledRows(encoding.rows(inputs, Collector(())), None, weights)
    raise TypeError("targets are missing: only a file or a frame contains them")


def _target_values(encoding: Encoding, targets: Any) -> Array:
    """Return raw targets as numbers, names of classes as their indices."""
    names = encoding.signature.classes
    try:
        values = np.asarray(targets)
    except ValueError as error:  # lists of different lengths
        raise _fault("SN540", "the targets are not an array: they are ragged") from error
    if values.dtype.kind in "UO" and names is not None and values.ndim == 1:
        values = _indices(values.tolist(), names)
    if values.dtype.kind not in "buif":
        raise _fault("SN540", "the targets are not an array of numbers, nor names of the model's classes")
    if values.ndim == 0:
        raise _fault("SN540", "the targets are not one for each row, but a single value")
    return values


def _indices(values: list[Any], names: tuple[str, ...]) -> Array:
    index = {name: i for i, name in enumerate(names)}
    for row, value in enumerate(values):
        if str(value) not in index:
            is_none = f"row {row + 1}: the target `{clipped(str(value))}` is not a class"
            message = f"{is_none} that the model was trained on: these are {listed(names)}"
            raise _fault("SN514", message)
    return np.array([index[str(value)] for value in values], np.int64)


def labelled_split(network: Network, encoding: Encoding, rows: LabelledRows) -> Split:
    """Return rows and their targets as a network takes them; raise SpecError naming what is wrong with them."""
    collector = Collector(())
    if isinstance(rows.inputs, StoredRows):
        inputs: Any = encoding.streamed(rows.inputs, "the data", collector)
    else:
        inputs = encoding.run(rows.inputs, "the data", collector)
    collector.check()
    targets = rows.targets.take(slice(None)) if isinstance(rows.targets, StoredRows) else rows.targets
    split = _finish(network, encoding, inputs, targets, rows.weights)
    return split if rows.scales is None else replace(split, scales=rows.scales)


def _finish(
    network: Network, encoding: Encoding, inputs: Encoded, raw: Array | None, weights: Any = None
) -> Split:
    """Return rows with their targets as the model's loss takes them."""
    outputs = network.outputs.values()
    if raw is None:
        assert isinstance(inputs, np.ndarray)
        raw = inputs
    rows = len(next(iter(by_name(inputs).values())))
    if not 0 < rows == len(raw):
        raise _fault("SN542", f"there are {rows} rows of inputs, and {len(raw)} targets")
    targets = raw
    if not (encoding.signature.integers or encoding.format.reproduces):
        targets = _transformed(network, encoding, raw)
    elif any(output.target_dtype == "int64" for output in outputs):
        targets = _class_indices(raw)
    try:
        fitted = as_targets(network, targets, inputs)
    except ValueError as error:
        raise _fault("SN554", str(error)) from error
    for output in outputs:
        own = fitted[output.target]
        problem = output.loss.value_fault(*extent(own, output.loss.ignored))
        if problem is not None:
            raise _fault("SN413", problem)
    if weights is None:
        return Split(inputs, targets)
    try:
        return Split(inputs, targets, given_weights(weights, rows))
    except ValueError as error:
        raise _fault("SN590", str(error)) from error


def _class_indices(raw: Array) -> Array:
    """Return class indices, or what else was given for them, as int64."""
    raw = raw.reshape(-1) if raw.shape[1:] == (1,) else raw
    with np.errstate(invalid="ignore"):  # NaN and the like differ from whatever they become
        targets = raw.astype(np.int64)
    if raw.ndim == 1 and not np.array_equal(targets, raw):
        raise _fault("SN512", "the targets hold a number that is not a class index")
    return targets


def _transformed(network: Network, encoding: Encoding, raw: Array) -> Array:
    """Return targets after their transforms."""
    pipeline, masks = encoding.targets, network.fed_targets.array
    if raw.shape[1:] == (1,) and pipeline.shape((1,)) != encoding.signature.target:
        raw = raw.reshape(-1)  # class indices, before a transform of them
    given, collector = TargetRows(raw), Collector(())
    arrays = pipeline.only(given, encoding.dtype) if masks is None else (masks,)
    targets = pipeline.run(given, None, arrays, "the data", collector)[ONLY]
    collector.check()
    return targets


def _fault(code: str, message: str) -> SpecError:
    return SpecError([Diagnostic(code, message)])
