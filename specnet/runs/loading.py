from __future__ import annotations

from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from specnet.data import Encoding
from specnet.diagnostics import RunError, SpecError
from specnet.language.spec import Spec
from specnet.model.compiled import CompiledModel
from specnet.model.cutoffs import restore_cutoffs
from specnet.model.network import Network
from specnet.model.uncertainty import Uncertainty
from specnet.passes.cores import requested
from specnet.passes.engine import requested_engine
from specnet.runs.directory import MODEL, RESOLVED, why_no_run
from specnet.runs.fold_paths import several_folds
from specnet.storage.model_archive import StoredArchive, read_archives
from specnet.storage.model_file import StoredModel, read_model
from specnet.storage.resolved import load, record_of, spec_of

LARGEST = 1 << 28
"""Numbers in one input, above which a file that claims so many is not believed."""

_MISFITS = (
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    MemoryError,
    SpecError,
)


def load_model(
    path: str | PathLike[str], threads: int | None = None, engine: str | None = None
) -> CompiledModel:
    """Return the model of a finished run, or of a file that a model was saved in; see `specnet.load_model`.

    Every size is compared with the file's before memory is taken for it.
    """
    models = load_models(path, threads, engine)
    if len(models) > 1:
        raise RunError(
            f"{path} contains {len(models)} models, and one is needed: name the run of one of them"
        )
    return models[0]


def load_models(
    path: str | PathLike[str], threads: int | None = None, engine: str | None = None
) -> list[CompiledModel]:
    """Return what `load_model` does, of a file that several models were saved in all of them."""
    threads, own = requested(threads), requested_engine(engine)
    models = _read(Path(path))
    for model in models:
        model.network.threads, model.network.engine = threads, own  # nothing is planned before it is needed
    return models


def _read(place: Path) -> list[CompiledModel]:
    try:
        is_file, exists = place.is_file(), place.exists()
        is_run = not is_file and (place / RESOLVED).exists()
    except OSError as error:
        raise RunError(f"{place} cannot be read: {error.strerror or error}") from error
    if not exists:
        raise RunError(f"{place}: there is no such file or directory")
    if is_file:
        return [_of_archive(archive) for archive in read_archives(place)]
    described, stored = place / RESOLVED, place / MODEL
    if not is_run:
        raise RunError(f"{place}: {why_no_run(place)}")
    return [_with_record(load(described), described, None, stored)]


def _of_archive(archive: StoredArchive) -> CompiledModel:
    return _with_record(archive.record, archive.described, archive.model, archive.path)


def _with_record(data: Any, described: Path, stored: StoredModel | None, path: Path) -> CompiledModel:
    spec = spec_of(data, described)
    if stored is None and spec.data.split is not None and spec.data.split.is_whole:
        raise several_folds(described.parent, spec.data.split.fold_count)
    model = assemble(spec, described, read_model(path) if stored is None else stored, path)
    model.record = record_of(data, described)
    return model


def assemble(spec: Spec, resolved: Path, stored: StoredModel, path: Path) -> CompiledModel:
    """Return the model of a spec and what was stored of it, each with its name for messages."""
    if stored.encoding is None:
        raise RunError(f"{path} is damaged: it does not say how data are encoded")
    try:
        encoding = Encoding.from_state(stored.encoding, spec.data)
        _check_encoding(encoding, stored)
        network = Network(spec, encoding.signature)
    except _MISFITS as error:
        raise RunError(f"{path} is damaged, or of another run than {resolved}: {_reason(error)}") from error
    _check_parameters(network, stored, path)
    model = CompiledModel(network, encoding)
    _put(stored, model, path)
    return model


def restore(model: CompiledModel, stored: StoredModel, path: Path) -> None:
    """Put the stored parameters into a model; raise RunError where they are damaged, or do not fit it."""
    _check_parameters(model.network, stored, path)
    _put(stored, model, path)


def _put(stored: StoredModel, model: CompiledModel, path: Path) -> None:
    """Put what is stored into a model; raise RunError where thresholds, calibration or intervals are damaged."""
    for name, array in stored.parameters.items():
        model.parameters[name][...] = array
    try:
        restore_cutoffs(model.cutoffs, stored.thresholds)
    except (ValueError, TypeError) as error:
        raise RunError(f"{path} is damaged, or of another run: {error}") from error
    if stored.uncertainty is None:
        return
    try:
        fitted = Uncertainty.model_validate(stored.uncertainty)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RunError(
            f"{path} is damaged: `{where}` of its calibration and intervals: {first['msg']}"
        ) from error
    for problem in fitted.faults(model.network):
        raise RunError(
            f"{path} is damaged, or of another run: its calibration and intervals do not fit: {problem}"
        )
    model.uncertainty = fitted


def _check_parameters(network: Network, stored: StoredModel, path: Path) -> None:
    declared = {p.name: p.shape for p in network.arrays}
    found = {name: array.shape for name, array in stored.parameters.items()}
    for name in [*declared, *found]:
        mine, theirs = declared.get(name), found.get(name)
        if mine != theirs:
            has = "lacks it" if theirs is None else f"has {theirs}"
            wants = "the run's spec has no such parameter" if mine is None else f"the run's spec wants {mine}"
            raise RunError(f"{path} does not fit its run: {wants} for `{name}`, and the file {has}")
    for name, array in stored.parameters.items():
        if array.dtype != network.spec.dtype:
            raise RunError(
                f"{path} is damaged: `{name}` is {array.dtype}, and its run is in {network.spec.dtype}"
            )
        if not np.isfinite(array).all():
            raise RunError(f"{path} is damaged: `{name}` holds NaN or infinite numbers")


def _check_encoding(encoding: Encoding, stored: StoredModel) -> None:
    """Raise ValueError where what the encoding has learnt does not fit the shapes that it claims."""
    for name, array in (stored.encoding or {}).items():
        if isinstance(array, np.ndarray) and not np.isfinite(array).all():
            raise ValueError(f"`{name}` holds NaN or infinite numbers")
    if encoding.dtype not in ("float32", "float64"):
        raise ValueError(f"its inputs are to become {encoding.dtype!r}")
    shape, inputs = encoding.raw_shape, encoding.signature.inputs
    if not _is_shape(shape) or not _is_shape(inputs) or prod(shape) > LARGEST:
        raise ValueError("its inputs have no shape that data could have")
    if encoding.inputs.transforms:
        # No example is tried: there may be no number that all transforms of all elements can take.
        if encoding.inputs.lower(shape).shape != inputs:
            raise ValueError("its transforms do not lead from the data's shape to the model's")
    elif shape != inputs:
        raise ValueError("the data's inputs have another shape than the model's")


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple) and all(type(n) is int and n > 0 for n in shape)


def _reason(error: BaseException) -> str:
    if isinstance(error, SpecError):
        return "; ".join(d.message for d in error.diagnostics)
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
