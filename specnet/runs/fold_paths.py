"""Where the folds of a run lie, and which one a message may name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from specnet.diagnostics import RunError
from specnet.diagnostics.text import counted
from specnet.runs.directory import FOLDS


def fold_path(run: Path, fold: int) -> Path:
    """Return the directory of a fold, from 1."""
    return run / FOLDS / str(fold)


def fold_count(spec: Any) -> int:
    """Return how many folds a resolved spec, as plain data, trains; 0 where it is one training."""
    data = spec.get("data") if isinstance(spec, dict) else None
    split = data.get("split") if isinstance(data, dict) else None
    if not isinstance(split, dict) or not split.get("folds") or split.get("fold"):
        return 0
    return int(split["folds"]) * int(split.get("repeats") or 1)


def several_folds(run: Path, count: int) -> RunError:
    """Return what to raise where one model or one training is needed."""
    return RunError(
        f"{run} is a run of {counted(count, 'fold')}: name one of them, such as {fold_path(run, 1)}"
    )
