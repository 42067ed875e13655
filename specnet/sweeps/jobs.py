"""What goes to those who train a trial, and what comes back. All of it can be sent to another process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from specnet.language.spec import Spec

Why = Literal["pruned", "interrupted"]
"""Why a trial is asked to end: it falls behind, or the sweep ends."""

Ending = Literal["complete", "pruned", "interrupted", "diverged", "failed", "lost"]
"""How a trial has ended; `lost` is one whose process ended before it."""


TrialState = Literal["waiting", "running"] | Ending
"""How a trial stands. One that was `interrupted`, or `lost` with its process, is taken up again as another trial."""


@dataclass(frozen=True, slots=True)
class TrialTraining:
    """One of the trainings of a trial."""

    spec: Spec
    place: str | None
    """The run's directory, absolute; None to save nothing."""


@dataclass(frozen=True, slots=True)
class Job:
    """A trial to be trained."""

    number: int
    trainings: tuple[TrialTraining, ...]
    objectives: tuple[str, ...]
    watched: str | None
    """The figure of the validation split that is reported during the first training."""
    every: int
    """The epochs from one report to the next."""
    threads: int | None = None
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """How far a trial is."""

    number: int
    training: int
    """Which of its trainings is under way, from 0."""
    epoch: float
    epochs: float
    step: int
    """The epoch; with `training.steps`, the step."""
    value: float | None
    """The objective that is watched; None where it was not measured, or nothing is watched."""


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """A trial is over."""

    number: int
    ending: Ending
    values: tuple[float, ...] | None = None
    """What the objectives came to, each a mean over the trainings; None where the trial was not completed."""
    each: tuple[tuple[float, ...], ...] = ()
    """The objectives of each training that was completed."""
    why: str | None = None
    """Why it failed, or was not completed."""
    parameters: int | None = None
    """The number of the network's parameters."""
    seconds: float = 0.0
    """How long its trainings took, together."""
    runs: tuple[str, ...] = ()
    """The directories of its trainings."""


Message = Reported | TrialOutcome


class Executor(Protocol):
    """What trains trials."""

    @property
    def free(self) -> int:
        """How many more trials it can train now."""

    def submit(self, job: Job) -> None:
        """Begin with a trial."""

    def messages(self, seconds: float) -> Iterator[Message]:
        """Yield what has been reported; wait for at most so long if there is nothing yet."""

    def stop(self, number: int, why: Why) -> None:
        """Ask a trial to end after its current step; its `TrialOutcome` follows."""

    def notes(self) -> list[str]:
        """Return what there is to say of the executor itself since the last call, in sentences."""

    def close(self) -> None:
        """End all trials at once, and release what they use."""
