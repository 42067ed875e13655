"""What happens in a sweep, as a program learns of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from specnet.sweeps.jobs import TrialState

if TYPE_CHECKING:
    from specnet.sweeps.result import SweepResult


@dataclass(frozen=True, slots=True)
class SweepStarted:
    """The sweep begins, or is taken up."""

    name: str
    """The name of the sweep in its storage."""
    path: Path | None
    """The directory of the sweep; None if nothing is saved."""
    storage: str
    """The storage, without its password."""
    objectives: tuple[str, ...]
    """What is improved."""
    directions: tuple[str, ...]
    """For each objective `minimize` or `maximize`."""
    trials: int | None
    """How many trials there will be, in all processes; None if only time limits them."""
    done: int
    """How many have ended already."""


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """A trial begins."""

    number: int
    """The number of the trial, from 0."""
    parameters: Mapping[str, Any]
    """The values that it tries, by the keys that they set."""
    retry_of: int | None = None
    """The trial that it takes up again, if there is one."""


@dataclass(frozen=True, slots=True)
class TrialReported:
    """A trial has done an epoch; sent a few times per second at most, but for values that a pruner goes by."""

    number: int
    """The number of the trial."""
    epoch: float
    """The epoch of the current training, from 1."""
    epochs: float
    """How many it has."""
    value: float | None
    """The objective on the validation split, where a pruner goes by it."""


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial is over."""

    number: int
    """The number of the trial."""
    state: TrialState
    """How it ended."""
    parameters: Mapping[str, Any]
    """The values that it tried."""
    values: tuple[float, ...] | None
    """What the objectives came to, as means over its trainings; None unless it is complete."""
    seconds: float
    """How long it took."""
    why: str | None
    """Why it is not complete."""
    best: bool
    """Whether it is the best so far; with several objectives, whether no other is better in all of them."""
    runs: tuple[Path, ...] = ()
    """The directories of its trainings."""


@dataclass(frozen=True, slots=True)
class SweepNoted:
    """There is something to say, such as that trials of another process are waited for."""

    text: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class SweepEnded:
    """The sweep is over, or was interrupted."""

    result: SweepResult = field(repr=False)
    """All of its trials."""


SweepEvent: TypeAlias = SweepStarted | TrialStarted | TrialReported | TrialEnded | SweepNoted | SweepEnded
