"""What runs have kept, read without NumPy: how they stand, results, and where they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from specnet.data.opening import open_regular
from specnet.diagnostics import RunError
from specnet.runs.directory import METRICS, RESOLVED, RESULT
from specnet.runs.fold_paths import fold_count
from specnet.runs.lock import held
from specnet.storage.recorded import RecordedEpoch, RecordedResult, misfit, parsed
from specnet.storage.resolved import environments, load, load_resolved

Status = Literal["running", "unfinished", "completed", "early_stopping", "interrupted", "diverged"]

DEPTH = 3
"""How many folders below another one runs are looked for."""

DAMAGED = "is damaged, so that the run counts as unfinished"

MAX_METRICS = 2**30
"""Bytes of `metrics.jsonl`; a larger file is refused, as a million epochs take a tenth of it."""

BY_TARGET = "by_target"
"""The key of the figures of each target column, among those of a split."""

JUDGES = ("test", "validation", "train")
"""The splits, the one that says most about new data first."""


_LEAD = re.compile(r"^(?:--set|override) ")
"""How an override begins where it is recorded: as a flag, or as an argument in Python."""


@dataclass(frozen=True, slots=True)
class KeptRun:
    """One run's directory, as its files describe it."""

    path: Path
    status: Status
    made_of: dict[str, Any]
    """What `resolved.json` holds."""
    result: dict[str, Any] | None
    """What `result.json` holds; None for a run that has not ended."""

    @property
    def name(self) -> str:
        """What the experiment is called."""
        return str(self.made_of["spec"].get("name", ""))

    @property
    def engines(self) -> tuple[str, ...]:
        """The engine that it began with, and each other one that it was resumed with."""
        found = [str(each.get("engine", "numpy")) for each in environments(self.made_of)]
        return tuple(dict.fromkeys(found)) or ("numpy",)

    @property
    def processes(self) -> tuple[int, ...]:
        """How many processes it began with, and each other number that it was resumed with."""
        found = [each.get("ranks", 1) for each in environments(self.made_of)]
        return tuple(dict.fromkeys(count for count in found if type(count) is int)) or (1,)

    @property
    def splits(self) -> dict[str, dict[str, Any]]:
        """Loss and metrics by split, of folds their means; none of a run that has not ended."""
        splits = {} if self.result is None else self.result["splits"]
        return {
            split: {name: value for name, value in figures.items() if not isinstance(value, dict)}
            for split, figures in splits.items()
        }

    @property
    def std(self) -> dict[str, dict[str, float | None]]:
        """The standard deviations of loss and metrics over the folds, by split; none of a run without folds."""
        splits = {} if self.result is None else self.result["splits"]
        return {split: figures["std"] for split, figures in splits.items() if "std" in figures}

    @property
    def by_target(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """The metrics of each of several target columns, by split and column."""
        splits = {} if self.result is None else self.result["splits"]
        return {split: figures[BY_TARGET] for split, figures in splits.items() if BY_TARGET in figures}

    @property
    def fold_count(self) -> int:
        """How many folds it trains; 0 where it is one training."""
        return fold_count(self.made_of["spec"])

    @property
    def judge(self) -> str | None:
        """The split that says most about new data, among those that the run was measured on."""
        return next((name for name in JUDGES if name in self.splits), None)

    @property
    def overrides(self) -> list[str]:
        """What was set when it was started, each as `training.epochs=5`."""
        return [_LEAD.sub("", str(text)) for text in self.made_of.get("overrides") or ()]

    @property
    def epochs(self) -> float:
        """The number of epochs that are done; a fraction, as a float, in a training that is counted in steps."""
        done: float | None = (self.result or {}).get("epochs")
        if done is not None:
            return done
        history = self.history()
        return history[-1]["epoch"] if history else 0

    def history(self) -> list[dict[str, Any]]:
        """Return the lines of `metrics.jsonl`; one that is being written, or was cut off, is left out."""
        path = self.path / METRICS
        try:
            with open_regular(path) as file:
                data = file.read(MAX_METRICS + 1)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
        if len(data) > MAX_METRICS:
            raise RunError(f"{path} is larger than anything that specnet saves")
        return [_epoch(path, number, line) for number, line in enumerate(data.split(b"\n")[:-1], 1)]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, in the form that `runs --output json` prints."""
        result = self.result or {}
        return {
            "run": str(self.path),
            "name": self.name,
            "status": self.status,
            "created": self.made_of.get("created"),
            "document": self.made_of.get("document"),
            "overrides": self.overrides,
            "epochs": self.epochs,
            "seconds": result.get("seconds"),
            "parameters": result.get("parameters"),
            "splits": result.get("splits", {}),
            "fit": result.get("fit"),
        }


def final_result(run: Path) -> dict[str, Any] | None:
    """Return what `result.json` holds of a run that is finished.

    None where the run has no result, or was interrupted, or its result is damaged: then it can be resumed.
    Raises RunError where the file cannot be read.
    """
    if not (run / RESULT).exists() or damage(run) is not None:
        return None
    result: dict[str, Any] = load(run / RESULT)
    return None if result["stopped"] == "interrupted" else result


def damage(run: Path) -> str | None:
    """Return why a run's `result.json` is none; None where it is sound, or is not there."""
    path = run / RESULT
    if not path.exists():
        return None
    try:
        result = load(path)
    except RunError as error:
        if isinstance(error.__cause__, OSError):
            raise
        return f"{path} {DAMAGED}: it is not valid JSON"
    fault = misfit(RecordedResult, result)
    return None if fault is None else f"{path} {DAMAGED}: {fault}"


def read_run(path: Path) -> KeptRun:
    """Return what a run's directory holds; raises RunError where it is damaged or no run."""
    made_of = load_resolved(path / RESOLVED)
    result = load(path / RESULT) if (path / RESULT).exists() and damage(path) is None else None
    if held(path):
        return KeptRun(path, "running", made_of, None)
    return KeptRun(path, "unfinished" if result is None else result["stopped"], made_of, result)


def read_runs(paths: Iterable[Path]) -> tuple[list[KeptRun], list[str]]:
    """Return the runs in directories, and why others cannot be read."""
    found: list[KeptRun] = []
    problems: list[str] = []
    for path in paths:
        try:
            run = read_run(path)
            if run.result is None:
                run.history()  # of which lists show the length
            found.append(run)
        except RunError as error:
            problems.append(str(error))
    return found, problems


def find_runs(folder: Path, problems: list[str] | None = None) -> list[Path]:
    """Return the runs in a folder and below it, by name and number; the folder itself where it is a run.

    Folders that cannot be read are added to `problems`; without it, they raise RunError.
    """
    return find_below(folder, RESOLVED, problems)


def find_below(folder: Path, mark: str, problems: list[str] | None = None) -> list[Path]:
    """Return the folders that hold a file of some name, as `find_runs` does."""
    found = _below(folder, mark, DEPTH, problems)
    return sorted(found, key=lambda path: [_order(part) for part in path.parts])


def _below(folder: Path, mark: str, depth: int, problems: list[str] | None) -> Iterator[Path]:
    try:
        entries = None if (folder / mark).is_file() else list(folder.iterdir()) if depth else []
        inner = [e for e in entries or [] if e.is_dir() and not e.name.startswith(".")]
    except OSError as error:
        message = f"{folder} cannot be read: {error.strerror}"
        if problems is None:
            raise RunError(message) from error
        problems.append(message)
        return
    if entries is None:
        yield folder
    for entry in inner:
        yield from _below(entry, mark, depth - 1, problems)


def _epoch(path: Path, number: int, line: bytes) -> dict[str, Any]:
    """Return a line of `metrics.jsonl`; raises RunError where it is damaged."""
    try:
        row: dict[str, Any] = parsed(line)
        fault = misfit(RecordedEpoch, row)
    except ValueError:
        fault = "it is not valid JSON"
    if fault is not None:
        raise RunError(f"{path} is damaged in line {number}: {fault}")
    return row


def _order(part: str) -> tuple[bool, int, str]:
    return (False, int(part), part) if part.isdecimal() else (True, 0, part)


def short_names(paths: Sequence[Path]) -> list[str]:
    """Return names that distinguish runs, without the folders that all of them lie in."""
    parts = [path.parts for path in paths]
    shared = 0
    while all(len(each) > shared + 1 for each in parts) and len({each[shared] for each in parts}) == 1:
        shared += 1
    if len(paths) == 1:
        shared = max(0, len(parts[0]) - 2)
    return ["/".join(each[shared:]) for each in parts]
