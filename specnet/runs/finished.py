"""The result of a finished run, read from its directory as it was returned when the run ended."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import RunError
from specnet.model.evaluation import Figures
from specnet.runs.directory import MODEL, RESULT
from specnet.runs.kept import BY_TARGET, read_run

if TYPE_CHECKING:
    from specnet.data import Dataset
    from specnet.model.compiled import CompiledModel
    from specnet.model.model import Model
    from specnet.runs.result import CompletedRun, Result
    from specnet.training.history import History


def read_plain(run: Path, stored: dict[str, Any], model: Model) -> Result:
    """Return the result of a finished run as it was when the run ended, with a model that has its parameters.

    Raises RunError where a file is damaged.
    """
    from specnet.runs.result import Result

    return Result(**_fields(run, stored), model=model)


def read_result(run: Path, stored: dict[str, Any], model: CompiledModel, data: Dataset) -> CompletedRun:
    """Return the result of a finished run as it was when the run ended, and put its parameters into `model`.

    `stored` is what `kept.final_result` returns, `model` and `data` those of the run's spec. The parameters of a
    run that diverged until they were not finite are all NaN, since nothing was saved of them. Raises RunError
    where a file is damaged.
    """
    from specnet.runs.loading import restore
    from specnet.runs.result import CompletedRun
    from specnet.storage.model_file import read_model

    if stored["stopped"] == "diverged" and not (run / MODEL).exists():
        model.parameters.flat[...] = math.nan
    else:
        restore(model, read_model(run / MODEL), run / MODEL)
    return CompletedRun(**_fields(run, stored), model=model, data=data)


def _fields(run: Path, stored: dict[str, Any]) -> dict[str, Any]:
    """Return what a result holds beside its model and data."""
    from specnet.analysis.verdict import Verdict

    try:
        return {
            "name": stored["name"],
            "run": run,
            "parameter_count": stored["parameters"],
            "epochs": stored["epochs"],
            "steps": stored["steps"],
            "seconds": stored["seconds"],
            "stopped": stored["stopped"],
            "why": stored["why"],
            "splits": {split: _figures(figures) for split, figures in stored["splits"].items()},
            "fit": Verdict(stored["fit"]["verdict"], stored["fit"]["why"]),
            "best_epoch": stored["best_epoch"],
            "history": _history(read_run(run).history()),
            "version": stored["specnet"],
            "engine": stored.get("engine", "numpy"),
            "ranks": stored.get("ranks", 1),
            "uncalibrated": {
                split: _figures(figures) for split, figures in stored.get("uncalibrated", {}).items()
            },
            "uncertainty": stored.get("uncertainty", {}),
        }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise RunError(f"{run} is damaged: its {RESULT} or its history lacks what every run has") from error


def _history(lines: Iterable[dict[str, Any]]) -> History:
    from specnet.training.events import EpochEnded
    from specnet.training.history import History, measured_figures

    history = History()
    for line in lines:
        figures = _figures(line["train"])
        loss, train = figures["loss"], measured_figures(figures)
        validation = _figures(line["validation"]) if "validation" in line else None
        rate, seconds = line["learning_rate"], line["seconds"]
        history.add(EpochEnded(line["epoch"], line["step"], loss, validation, rate, seconds, False, train))
    return history


def _figures(figures: dict[str, Any]) -> Figures:
    """Return figures with NaN where JSON has null, which it has for every number that is not finite."""
    made = Figures({name: _number(value) for name, value in figures.items() if name != BY_TARGET})
    for column, own in figures.get(BY_TARGET, {}).items():
        made.by_target[column] = {name: _number(value) for name, value in own.items()}
    return made


def _number(value: Any) -> Any:
    return math.nan if value is None else value
