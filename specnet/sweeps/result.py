"""What a sweep has come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from specnet._version import __version__
from specnet.sweeps.jobs import TrialState

FORMAT = 1

Stopped = Literal["completed", "max_seconds", "interrupted"]


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial of a sweep."""

    number: int
    """Its number, from 0."""
    state: TrialState
    """How it ended, or stands."""
    parameters: Mapping[str, Any]
    """The values that it tried, by the keys that they set."""
    values: tuple[float, ...] | None
    """What the objectives came to; None unless it is complete."""
    each: tuple[tuple[float, ...], ...] = ()
    """The objectives of each of its trainings, if there are several seeds or folds."""
    curve: tuple[tuple[int, float], ...] = ()
    """The objective by epoch as it was reported to the pruner."""
    seconds: float | None = None
    """How long it took."""
    runs: tuple[Path, ...] = ()
    """The directories of its trainings, on the machine that trained it."""
    host: str | None = None
    """The machine that trained it."""
    why: str | None = None
    """Why it is not complete."""
    retry_of: int | None = None
    """The trial that it takes up again."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "number": self.number,
            "state": self.state,
            "parameters": dict(self.parameters),
            "values": None if self.values is None else list(self.values),
            "each": [list(own) for own in self.each],
            "curve": [list(point) for point in self.curve],
            "seconds": self.seconds,
            "runs": [str(run) for run in self.runs],
            "host": self.host,
            "why": self.why,
            "retry_of": self.retry_of,
        }

    @classmethod
    def of_dict(cls, plain: Mapping[str, Any]) -> TrialRecord:
        """Return the record of plain data; raises KeyError, TypeError or ValueError for others."""
        return cls(
            number=int(plain["number"]),
            state=plain["state"],
            parameters=dict(plain["parameters"]),
            values=None if plain["values"] is None else tuple(map(float, plain["values"])),
            each=tuple(tuple(map(float, own)) for own in plain["each"]),
            curve=tuple((int(step), float(value)) for step, value in plain["curve"] if value is not None),
            seconds=plain["seconds"],
            runs=tuple(map(Path, plain["runs"])),
            host=plain["host"],
            why=plain["why"],
            retry_of=plain["retry_of"],
        )


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The result of a sweep, as `SweepEnded` has it."""

    name: str
    """The name of the sweep in its storage."""
    path: Path | None
    """The directory of the sweep; None if nothing was saved."""
    storage: str
    """The storage, without its password."""
    objectives: tuple[str, ...]
    """What is improved."""
    directions: tuple[str, ...]
    """For each objective `minimize` or `maximize`."""
    trials: tuple[TrialRecord, ...] = field(repr=False)
    """All trials by number, those of other processes too."""
    stopped: Stopped
    """How it ended: `completed`, `max_seconds` or `interrupted`."""
    seconds: float
    """How long this process has taken."""
    importances: Mapping[str, float] = field(default_factory=dict)
    """How much of the differences between trials each parameter explains, from the most; the shares add up to 1. Empty
    with fewer than `MIN_IMPORTANCE` complete trials, or several objectives."""
    version: str = __version__
    """The version of specnet."""

    @property
    def complete(self) -> tuple[TrialRecord, ...]:
        """The trials that have been completed, the best first; with several objectives by the first one."""
        sign = -1.0 if self.directions[0] == "maximize" else 1.0
        done = [trial for trial in self.trials if trial.state == "complete" and trial.values is not None]
        return tuple(sorted(done, key=lambda trial: (sign * (trial.values or (0.0,))[0], trial.number)))

    @property
    def best(self) -> tuple[TrialRecord, ...]:
        """The best trial, or with several objectives those of the Pareto front; none if none is complete."""
        done = self.complete
        return done[:1] if len(self.objectives) == 1 else tuple(front(done, self.directions))

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, in the form that `sweep --output json` prints."""
        counts: dict[str, int] = {}
        for trial in self.trials:
            counts[trial.state] = counts.get(trial.state, 0) + 1
        return {
            "format": FORMAT,
            "specnet": self.version,
            "name": self.name,
            "sweep": None if self.path is None else str(self.path),
            "storage": self.storage,
            "objectives": [
                {"name": name, "direction": direction}
                for name, direction in zip(self.objectives, self.directions, strict=True)
            ],
            "stopped": self.stopped,
            "seconds": self.seconds,
            "counts": counts,
            "best": [trial.as_dict() for trial in self.best],
            "importances": dict(self.importances),
            "trials": [trial.as_dict() for trial in self.trials],
        }

    @classmethod
    def of_dict(cls, plain: Mapping[str, Any], path: Path) -> SweepResult:
        """Return the result of plain data; raises KeyError, TypeError or ValueError for others."""
        if plain["format"] != FORMAT:
            raise ValueError(f"it has format {plain['format']!r}, and this specnet reads format {FORMAT}")
        return cls(
            name=plain["name"],
            path=path,
            storage=plain["storage"],
            objectives=tuple(each["name"] for each in plain["objectives"]),
            directions=tuple(each["direction"] for each in plain["objectives"]),
            trials=tuple(map(TrialRecord.of_dict, plain["trials"])),
            stopped=plain["stopped"],
            seconds=float(plain["seconds"]),
            importances={str(name): float(share) for name, share in plain["importances"].items()},
            version=plain["specnet"],
        )


def front(trials: Sequence[TrialRecord], directions: Sequence[str]) -> list[TrialRecord]:
    """Return the trials than which no other is better in one objective and as good in all others."""
    signs = [-1.0 if direction == "maximize" else 1.0 for direction in directions]
    costs = [[s * v for s, v in zip(signs, trial.values or (), strict=True)] for trial in trials]
    return [
        trial
        for trial, own in zip(trials, costs, strict=True)
        if not any(other != own and all(a <= b for a, b in zip(other, own, strict=True)) for other in costs)
    ]
