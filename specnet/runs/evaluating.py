"""The loss and the metrics of a trained model: on the run's own splits, or on other data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from specnet.data import Dataset, Encoding, Split, load_data
from specnet.data.collector import Collector
from specnet.data.inputs import Encoded
from specnet.data.labelled import labelled_rows
from specnet.data.new_rows import LabelledRows
from specnet.data.rows import TargetRows
from specnet.data.signature import ONLY
from specnet.data.streamed import by_name
from specnet.data.tables.frames import is_frame
from specnet.diagnostics import Diagnostic, RunError, SpecError
from specnet.diagnostics.text import clipped
from specnet.model.arrays import as_targets
from specnet.model.model import Model
from specnet.model.network import Network
from specnet.model.programs import evaluation_graph
from specnet.model.settings import evaluation_rows
from specnet.passes.pipeline import plan
from specnet.runs.directory import RESOLVED, load_run
from specnet.runs.origin import data_folder
from specnet.runs.resolved import load_resolved
from specnet.training.evaluation import Evaluator, data_units

Array = np.ndarray[Any, Any]

GIVEN = "data"
"""What rows are called that belong to no split."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The loss and metrics of a trained model on some rows."""

    splits: Mapping[str, Mapping[str, Any]]
    """Loss and metrics by split; rows that belong to no split are `data`."""
    rows: Mapping[str, int]
    """The number of rows by split."""
    classes: tuple[str, ...] | None
    """The names of the classes, in the order of a confusion matrix."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, in the form that `evaluate --output json` prints."""
        return {
            "splits": {name: dict(figures) for name, figures in self.splits.items()},
            "rows": dict(self.rows),
        }


def evaluate(
    run: str | PathLike[str], data: Any = None, *, name: str | None = None, threads: int | None = None
) -> Evaluation:
    """Return the figures of a saved run; see `specnet.evaluate`. `name` is what messages call a file of data."""
    model = load_run(run, threads)
    if data is None:
        return _measured(model, _own_splits(Path(run), model))
    if isinstance(data, (str, PathLike)):
        split = _split(model, labelled_rows(_encoding(model), Path(data), name))
    elif is_frame(data):
        encoding, collector = _encoding(model), Collector(())
        with collector.limited():
            rows = encoding.format.labelled_frame(data, encoding.known, collector)
        split = _split(model, rows)
    else:
        split = _of_arrays(model, data)
    return _measured(model, {GIVEN: split})


def _measured(model: Model, splits: Mapping[str, Split]) -> Evaluation:
    units = data_units(model)
    maximum = evaluation_rows(model.network, max(len(split) for split in splits.values()))
    graph = evaluation_graph(model.network, units=bool(units))
    evaluator = Evaluator(model, plan(graph, maximum, threads=model.network.threads), units)
    figures = {name: evaluator.prepare(split).evaluate() for name, split in splits.items()}
    rows = {name: len(split) for name, split in splits.items()}
    return Evaluation(figures, rows, model.network.signature.classes)


def _own_splits(run: Path, model: Model) -> Mapping[str, Split]:
    """Return the splits that a run was trained and measured on, drawn again from the same data."""
    if not (run / RESOLVED).exists():
        raise RunError(f"{run} does not record its training data: name the data to evaluate it on")
    return own_data(run, model.network).splits


def own_data(run: Path, network: Network) -> Dataset:
    """Return the data that a run was trained on, read again; raise RunError if they cannot be read or have changed."""
    return located_data(run, network)[0]


def located_data(run: Path, network: Network) -> tuple[Dataset, Path]:
    """Return what `own_data` does, and the folder that relative paths in the document start from."""
    made_of = load_resolved(run / RESOLVED)
    if any(name.startswith(("frame:", "arrays:")) for name in made_of.get("data", {})):
        message = f"{run} was trained on data that a program passed, which were not saved"
        raise RunError(f"{message}: name the data to evaluate it on")
    base = data_folder(run, made_of)
    try:
        spec, arrays = network.spec, network.inputs
        data = load_data(spec.data, base, seed=spec.seed, dtype=spec.dtype, arrays=arrays)
    except SpecError as error:
        why = "; ".join(diagnostic.message for diagnostic in error.diagnostics)
        raise RunError(f"the training data of {run} cannot be read again: {why}") from error
    stored, now = made_of.get("data", {}), dict(data.sources)
    for name in sorted({*stored, *now}):
        if not isinstance(stored.get(name), dict) or stored[name].get("sha256") != now.get(name):
            raise RunError(
                f"the data have changed since {run} was trained on them: `{name}` in {base} has another SHA-256; "
                "name the data to evaluate it on"
            )
    return data, base


def _of_arrays(model: Model, data: Any) -> Split:
    if _encoding(model).format.reproduces:
        return _finish(model, _encoding(model).encode(data), None)
    try:
        inputs, targets = data
    except (TypeError, ValueError):
        raise TypeError("data are a path, or a pair of inputs and targets") from None
    encoding = _encoding(model)
    encoded = encoding.encode(inputs)
    names = encoding.signature.classes
    values = np.asarray(targets)
    if values.dtype.kind in "UO" and names is not None and values.ndim == 1:
        values = _indices(values.tolist(), names)
    if values.dtype.kind not in "buif":
        raise _fault("SN540", "the targets are not an array of numbers, nor names of the model's classes")
    return _finish(model, encoded, values)


def _indices(values: list[Any], names: tuple[str, ...]) -> Array:
    index = {name: i for i, name in enumerate(names)}
    for row, value in enumerate(values):
        if str(value) not in index:
            message = f"row {row + 1}: `{clipped(str(value))}` is not a class that the model was trained on"
            raise _fault("SN514", message)
    return np.array([index[str(value)] for value in values], np.int64)


def _split(model: Model, rows: LabelledRows) -> Split:
    collector = Collector(())
    inputs = _encoding(model).run(rows.inputs, "the data", collector)
    collector.check()
    return _finish(model, inputs, rows.targets)


def _finish(model: Model, inputs: Encoded, raw: Array | None) -> Split:
    """Return rows with their targets as the model's loss takes them."""
    encoding, outputs = _encoding(model), model.network.outputs.values()
    if raw is None:
        assert isinstance(inputs, np.ndarray)
        raw = inputs
    rows = len(next(iter(by_name(inputs).values())))
    if not 0 < rows == len(raw):
        raise _fault("SN542", f"there are {rows} rows of inputs, and {len(raw)} targets")
    if encoding.signature.integers or encoding.format.reproduces:
        targets = raw
        if any(output.target_dtype == "int64" for output in outputs):
            targets = raw.astype(np.int64)
            if raw.ndim == 1 and not np.array_equal(targets, raw):
                raise _fault("SN512", "the targets hold a number that is not a class index")
    else:
        collector = Collector(())
        given, pipeline = TargetRows(raw), encoding.targets
        only = pipeline.only(given, encoding.dtype)
        targets = pipeline.run(given, None, only, "the data", collector)[ONLY]
        collector.check()
    try:
        fitted = as_targets(model.network, targets, inputs)
    except ValueError as error:
        raise _fault("SN554", str(error)) from error
    for output in outputs:
        own = fitted[output.target]
        problem = output.loss.value_fault(float(own.min()), float(own.max()))
        if problem is not None:
            raise _fault("SN413", problem)
    return Split(inputs, targets)


def _encoding(model: Model) -> Encoding:
    assert model.encoding is not None
    return model.encoding


def _fault(code: str, message: str) -> SpecError:
    return SpecError([Diagnostic(code, message)])
