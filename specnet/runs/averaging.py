"""The model of any finished run, or of several: its own, or the mean of those of its folds, or of all runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from os import PathLike, fspath
from pathlib import Path

from specnet.diagnostics import RunError
from specnet.model.averaged import AveragedModel
from specnet.model.compiled import CompiledModel
from specnet.runs.agreement import disagreement
from specnet.runs.directory import MODEL, RESOLVED
from specnet.runs.fold_paths import fold_path
from specnet.runs.loading import load_model, load_models
from specnet.storage.resolved import read_resolved


def paths_of(run: str | PathLike[str] | Sequence[str | PathLike[str]]) -> list[str | PathLike[str]]:
    """Return the paths of one run or of several; raise RunError where there is none."""
    paths = [run] if isinstance(run, (str, PathLike)) else list(run)
    if not paths:
        raise RunError("no run is named")
    return paths


def load_together(
    paths: Sequence[str | PathLike[str]], threads: int | None = None, engine: str | None = None
) -> CompiledModel | AveragedModel:
    """Return the model of one finished run or file, or the mean of the models of several.

    Of a run with folds, each fold's model counts as much as that of another run. Raises RunError as `load_any_model`,
    where one run is named twice, and where two differ in the rows that they take or in what they predict.
    """
    if len(paths_of(paths)) == 1:
        return load_any_model(paths[0], threads, engine)
    known: dict[Path, str | PathLike[str]] = {}
    for path in paths:
        if known.setdefault(Path(path).resolve(), path) is not path:
            raise RunError(f"{path} is named twice, and would count twice in the mean")
    loaded = [(fspath(path), load_any_model(path, threads, engine)) for path in paths]
    first_path, first = loaded[0][0], _compiled(loaded[0][1])[0]
    for path, model in loaded:
        own = _compiled(model)[0]
        if own.encoding is not None and own.encoding.series is not None:
            raise RunError(f"{path} forecasts series, which one run does alone: there is no mean of several")
        differing = disagreement(first, own)
        if differing is not None:
            raise RunError(f"{first_path} and {path} cannot be averaged: {differing}")
    models = list(chain.from_iterable(_compiled(model) for _, model in loaded))
    return AveragedModel(first.spec, models)


def load_any_model(
    path: str | PathLike[str], threads: int | None = None, engine: str | None = None
) -> CompiledModel | AveragedModel:
    """Return the model of a finished run or of a file; the mean of its models, if it has folds or several.

    Raises RunError as `load_model`, and where a fold has no model.
    """
    run = Path(path)
    try:
        described, is_file = (run / RESOLVED).is_file(), run.is_file()
    except OSError:
        described = is_file = False  # `load_model` says why
    if is_file:
        models = load_models(path, threads, engine)
        return models[0] if len(models) == 1 else AveragedModel(models[0].spec, models)
    spec = read_resolved(run / RESOLVED) if described else None
    count = (
        0
        if spec is None or spec.data.split is None or not spec.data.split.is_whole
        else spec.data.split.fold_count
    )
    if spec is None or not count:
        return load_model(path, threads, engine)
    lacking = [fold for fold in range(1, count + 1) if not (fold_path(run, fold) / MODEL).exists()]
    if lacking:
        raise RunError(
            f"{run} has no model of fold {lacking[0]}: it is not finished, or its training has diverged"
        )
    models = [load_model(fold_path(run, fold), threads, engine) for fold in range(1, count + 1)]
    return AveragedModel(spec, models)


def _compiled(model: CompiledModel | AveragedModel) -> tuple[CompiledModel, ...]:
    return model.compiled if isinstance(model, AveragedModel) else (model,)
