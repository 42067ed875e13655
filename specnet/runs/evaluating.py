"""The loss and the metrics of a trained model: on the run's own splits, or on other data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from specnet.data import Dataset, Encoding, Split, load_data
from specnet.data.collector import Collector
from specnet.data.files import DataContext, FilePlace
from specnet.data.inputs import Encoded
from specnet.data.rows import ArrayRows, Rows, TargetRows
from specnet.data.signature import ONLY
from specnet.data.streamed import by_name
from specnet.data.tables.typed import is_frame
from specnet.diagnostics import Diagnostic, RunError, SpecError
from specnet.diagnostics.text import clipped
from specnet.model.arrays import as_targets
from specnet.model.model import Model
from specnet.model.network import Network
from specnet.model.programs import evaluation_graph
from specnet.model.settings import evaluation_rows
from specnet.passes.pipeline import plan
from specnet.runs.directory import RESOLVED, load_run
from specnet.runs.resolved import load_resolved
from specnet.training.evaluation import Evaluator, data_units

if TYPE_CHECKING:
    from specnet.data.formats.images import Images
    from specnet.data.formats.npz import Npz

Array = np.ndarray[Any, Any]

GIVEN = "data"
"""What rows are called that belong to no split."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The loss and metrics of a trained model on some rows."""

    splits: Mapping[str, Mapping[str, Any]]
    """Loss and metrics by split; rows that belong to no split are `data`."""
    rows: Mapping[str, int]
    classes: tuple[str, ...] | None
    """The names of the classes, in the order of a confusion matrix."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, in the form that `evaluate --output json` prints."""
        return {
            "splits": {name: dict(figures) for name, figures in self.splits.items()},
            "rows": dict(self.rows),
        }


def evaluate(run: str | PathLike[str], data: Any = None) -> Evaluation:
    """Return the figures of a saved run; see `specnet.evaluate`."""
    model = load_run(run)
    if data is None:
        return _measured(model, _own_splits(Path(run), model))
    if isinstance(data, (str, PathLike)):
        return _measured(model, {GIVEN: _of_file(model, Path(data))})
    taken = _of_frame if is_frame(data) else _of_arrays
    return _measured(model, {GIVEN: taken(model, data)})


def _measured(model: Model, splits: Mapping[str, Split]) -> Evaluation:
    units = data_units(model)
    maximum = evaluation_rows(model.network, max(len(split) for split in splits.values()))
    evaluator = Evaluator(model, plan(evaluation_graph(model.network, units=bool(units)), maximum), units)
    figures = {name: evaluator.prepare(split).evaluate() for name, split in splits.items()}
    rows = {name: len(split) for name, split in splits.items()}
    return Evaluation(figures, rows, model.network.signature.classes)


def _own_splits(run: Path, model: Model) -> Mapping[str, Split]:
    """Return the splits that a run was trained and measured on, drawn again from the same data."""
    if not (run / RESOLVED).exists():
        raise RunError(f"{run} does not record its training data: name the data to evaluate it on")
    return own_data(run, model.network).splits


def data_folder(run: Path) -> Path:
    """Return the folder that relative paths in a run's document start from, as they did when it was made."""
    document = load_resolved(run / RESOLVED).get("document")
    return Path(document).parent if isinstance(document, str) else Path()


def own_data(run: Path, network: Network) -> Dataset:
    """Return the data that a run was trained on, read again; raise RunError if they cannot be read or have changed."""
    made_of, base = load_resolved(run / RESOLVED), data_folder(run)
    of_frames = any(name.startswith("frame:") for name in made_of.get("data", {}))
    if of_frames:
        raise RunError(f"{run} was trained on a frame, which was not saved: name the data to evaluate it on")
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
                f"the data have changed since {run} was trained on them: `{name}` has another SHA-256; "
                "name the data to evaluate it on"
            )
    return data


def _of_file(model: Model, path: Path) -> Split:
    encoding = _encoding(model)
    collector = Collector(())
    context = DataContext(Path(), collector)
    images = encoding.format.type == "images"
    found = context.find(str(path), what="either" if images else "file")
    collector.check()
    assert found is not None
    place = FilePlace(found, str(path), (), context)
    if images and found.suffix.lower() != ".npz":
        pair = _images(encoding, place)
    else:
        pair = _table(encoding, place) if encoding.columns is not None else _arrays(encoding, place)
    collector.check()
    assert pair is not None
    return _split(model, *pair)


def _table(encoding: Encoding, place: FilePlace) -> tuple[Rows, Array | None] | None:
    from specnet.data.formats.table import Tabular
    from specnet.data.tables.labelled import labelled_rows

    assert encoding.columns is not None
    data_format = cast("Tabular", encoding.format)
    return labelled_rows(encoding.columns, data_format, data_format.dialect_of(place.path), place)


def _images(encoding: Encoding, place: FilePlace) -> tuple[Rows, Array | None] | None:
    from specnet.data.images.folder import labelled_images, unlabelled_images
    from specnet.data.images.rows import decoded
    from specnet.data.images.source import pillow_is_there

    if not pillow_is_there(place.context):
        return None
    frame, collector = cast("Images", encoding.format).frame, place.context.collector
    if encoding.format.reproduces:
        return ArrayRows(decoded(unlabelled_images(place), frame, collector, ())), None
    if not place.path.is_dir():
        message = f"`{place.name}` is a single image without a class"
        collector.add("SN583", message, help="name a folder that holds a folder for each class")
        return None
    found = labelled_images(place, encoding.signature.classes)
    if found is None:
        return None
    return ArrayRows(decoded(found.files, frame, collector, ())), np.array(found.labels, np.int64)


def _arrays(encoding: Encoding, place: FilePlace) -> tuple[Rows, Array | None] | None:
    from specnet.data.arrays.npz import read_inputs
    from specnet.data.arrays.npz_file import open_arrays

    data_format = encoding.format
    # Only an npz format names arrays; the `inputs` of others are rows or files.
    own = cast("Npz", data_format) if data_format.type == "npz" else None
    wanted = [] if own is not None else [("inputs", ())]
    if not data_format.reproduces:
        wanted.append(("targets" if own is None else own.targets, ()))
    arrays = open_arrays(place, wanted)
    if arrays is None:
        return None
    read = [array.read(place.context) for array in arrays]
    inputs = read.pop(0) if own is None else read_inputs(own, place)
    targets = None if data_format.reproduces else read[0]
    if inputs is None or (targets is None and not data_format.reproduces):
        return None
    return ArrayRows(inputs), targets


def _of_frame(model: Model, frame: Any) -> Split:
    """Return the rows of a frame that has the features and the targets, found by name."""
    from specnet.data.formats.table import Tabular
    from specnet.data.tables.labelled import labelled_rows
    from specnet.data.tables.typed import frame_dialect

    encoding = _encoding(model)
    if encoding.columns is None:
        raise _fault(
            "SN571", f"a frame has the columns of a table, and `{encoding.format.type}` data are not"
        )
    collector = Collector(())
    data_format = cast("Tabular", encoding.format)
    place = FilePlace(Path(), "the frame", (), DataContext(Path(), collector))
    pair = labelled_rows(encoding.columns, data_format, frame_dialect(data_format, frame), place)
    collector.check()
    assert pair is not None
    return _split(model, *pair)


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


def _split(model: Model, rows: Rows, targets: Array | None) -> Split:
    collector = Collector(())
    inputs = _encoding(model).run(rows, "the data", collector)
    collector.check()
    return _finish(model, inputs, targets)


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
