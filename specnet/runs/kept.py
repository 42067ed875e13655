"""What runs have kept, read without NumPy: how they stand, results, and where they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from specnet.diagnostics import RunError
from specnet.runs.directory import METRICS, RESOLVED, RESULT
from specnet.runs.lock import held
from specnet.storage.resolved import load, load_resolved

Status = Literal["running", "unfinished", "completed", "early_stopping", "interrupted", "diverged"]

DEPTH = 3
"""How many folders below another one runs are looked for."""

DAMAGED = "is damaged, so that the run counts as unfinished"

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
    def splits(self) -> dict[str, dict[str, Any]]:
        """Loss and metrics by split; none of a run that has not ended."""
        return {} if self.result is None else self.result["splits"]

    @property
    def judge(self) -> str | None:
        """The split that says most about new data, among those that the run was measured on."""
        return next((name for name in JUDGES if name in self.splits), None)

    @property
    def overrides(self) -> list[str]:
        """What was set when it was started, each as `training.epochs=5`."""
        return [_LEAD.sub("", str(text)) for text in self.made_of.get("overrides") or ()]

    @property
    def epochs(self) -> int:
        """The number of epochs that are done."""
        done = (self.result or {}).get("epochs")
        return len(self.history()) if done is None else int(done)

    def history(self) -> list[dict[str, Any]]:
        """Return the lines of `metrics.jsonl`; one that is being written, or was cut off, is left out."""
        path = self.path / METRICS
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise RunError(f"{path} cannot be read: {error}") from error
        try:
            return [json.loads(line) for line in lines[:-1]]
        except ValueError as error:
            raise RunError(f"{path} is damaged: one of its lines is not valid JSON") from error

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
            "splits": self.splits,
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
    if not isinstance(result, dict) or not isinstance(result.get("stopped"), str):
        return f"{path} {DAMAGED}: it does not say how the run ended"
    return None


def read_run(path: Path) -> KeptRun:
    """Return what a run's directory holds; raises RunError where it is damaged or no run."""
    made_of = load_resolved(path / RESOLVED)
    result = load(path / RESULT) if (path / RESULT).exists() and damage(path) is None else None
    if result is not None and not (isinstance(result, dict) and isinstance(result.get("splits"), dict)):
        raise RunError(f"{path / RESULT} is damaged, or was not saved by specnet")
    if held(path):
        return KeptRun(path, "running", made_of, None)
    return KeptRun(path, "unfinished" if result is None else result["stopped"], made_of, result)


def find_runs(folder: Path) -> list[Path]:
    """Return the runs in a folder and below it, by name and number; the folder itself where it is a run."""
    return sorted(_below(folder, DEPTH), key=lambda path: [_order(part) for part in path.parts])


def _below(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / RESOLVED).is_file():
        yield folder
    elif depth:
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.name.startswith("."):
                yield from _below(entry, depth - 1)


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
