"""What sweeps have left in their directories, read without Optuna."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from specnet.diagnostics import RunError
from specnet.runs.kept import find_below
from specnet.sweeps.directory import DESCRIPTION, PROCESSES, RESULT, TRIALS, SweepDirectory, read_sweep
from specnet.sweeps.result import Stopped, SweepResult


@dataclass(frozen=True, slots=True)
class KeptSweep:
    """One sweep's directory, as its files describe it."""

    path: Path
    name: str
    """The name of the sweep in its storage."""
    status: Literal["running", "unfinished"] | Stopped
    trials: int
    """How many trials have been begun."""
    result: SweepResult | None
    """What it has come to; None before it has ended or been interrupted for the first time."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, in the form that `runs --output json` prints."""
        result = self.result
        return {
            "sweep": str(self.path),
            "name": self.name,
            "status": self.status,
            "trials": self.trials,
            "objectives": [] if result is None else list(result.objectives),
            "seconds": None if result is None else result.seconds,
            "best": []
            if result is None
            else [
                {
                    "trial": trial.number,
                    "values": list(trial.values or ()),
                    "parameters": dict(trial.parameters),
                }
                for trial in result.best
            ],
        }


def read_kept(path: Path) -> KeptSweep:
    """Return what a sweep's directory holds; raises RunError where it is damaged."""
    directory = SweepDirectory(path)
    name = directory.study
    result = read_sweep(path) if (path / RESULT).is_file() else None
    folder = path / PROCESSES
    processes = [each.name for each in folder.iterdir()] if folder.is_dir() else []
    if any(not directory.is_dead(process) for process in processes):
        status: Literal["running", "unfinished"] | Stopped = "running"
    else:
        status = "unfinished" if result is None else result.stopped
    if result is not None and status != "running":
        trials = len(result.trials)
    else:
        trials = len(list((path / TRIALS).iterdir())) if (path / TRIALS).is_dir() else 0
    return KeptSweep(path, name, status, trials, result)


def find_sweeps(folder: Path) -> tuple[list[KeptSweep], list[str]]:
    """Return the sweeps in a folder and below it, and why others cannot be read."""
    found: list[KeptSweep] = []
    problems: list[str] = []
    for path in find_below(folder, DESCRIPTION, []):  # folders that cannot be read are told with the runs
        try:
            found.append(read_kept(path))
        except (RunError, OSError) as error:
            problems.append(str(error))
    return found, problems
