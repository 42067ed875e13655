"""The model of any finished run: its own, or the mean of those of its folds."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from specnet.diagnostics import RunError
from specnet.model.averaged import AveragedModel
from specnet.model.compiled import CompiledModel
from specnet.runs.directory import MODEL, RESOLVED
from specnet.runs.fold_paths import fold_path
from specnet.runs.loading import load_model
from specnet.storage.resolved import read_resolved


def load_any_model(
    path: str | PathLike[str], threads: int | None = None, engine: str | None = None
) -> CompiledModel | AveragedModel:
    """Return the model of a finished run or of a file, or of a run with folds the mean of their models.

    Raises RunError as `load_model`, and where a fold has no model.
    """
    run = Path(path)
    try:
        described = (run / RESOLVED).is_file()
    except OSError:
        described = False  # `load_model` says why
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
