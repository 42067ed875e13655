"""What a page says of the folds of a run."""

from __future__ import annotations

from typing import Any

from specnet.diagnostics import RunError
from specnet.model.averaged import AveragedModel
from specnet.reporting.predictions import Predicted, read_out_of_fold
from specnet.runs.averaging import load_any_model
from specnet.runs.directory import PREDICTIONS, RESOLVED
from specnet.runs.fold_paths import fold_path
from specnet.runs.kept import KeptRun, read_run
from specnet.runs.out_of_fold import OutOfFold
from specnet.storage.resolved import UnimportedPluginsError, read_resolved


def fold_facts(kept: KeptRun, missing: list[str]) -> dict[str, Any]:
    """Return a row for each fold that there is: its number, how it stands, and the figures of its test."""
    rows = []
    for fold in range(1, kept.fold_count + 1):
        place = fold_path(kept.path, fold)
        if not (place / RESOLVED).exists():
            continue
        own = read_run(place)
        rows.append(
            {"fold": fold, "status": own.status, "path": str(place), "test": own.splits.get("test", {})}
        )
    if len(rows) < kept.fold_count:
        missing.append(f"{len(rows)} of {kept.fold_count} folds have begun: the run can be resumed.")
    return {"folds": rows}


def out_of_fold(kept: KeptRun, missing: list[str]) -> list[Predicted]:
    """Return the predictions for the rows of all folds, each by the model that was not trained on it."""
    if kept.result is None or kept.status == "interrupted":
        return []
    try:
        given = OutOfFold.read(kept.path / PREDICTIONS)
        model = load_any_model(kept.path)
        assert isinstance(model, AveragedModel), "a run with folds has the models of its folds"
        return read_out_of_fold(read_resolved(kept.path / RESOLVED), given, model)
    except UnimportedPluginsError:
        raise
    except RunError as error:
        missing.append(f"Predictions are left out: {error}.")
        return []
