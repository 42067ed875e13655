"""The training of one trial, in whichever process or thread."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import RunError, SpecError
from specnet.model.sweep_objective import PARAMETERS
from specnet.sweeps.jobs import Ending, Job, Message, Reported, TrialOutcome, Why

if TYPE_CHECKING:
    from specnet.runs.result import Result
    from specnet.sweeps.jobs import TrialTraining

PATIENCE = 15.0
"""Seconds to wait for a process that is about to leave a run's directory."""


def train(
    job: Job, tell: Callable[[Message], None], stopped: Callable[[], Why | None], data: Any = None
) -> TrialOutcome:
    """Train a trial to its end, and return how it ended; nothing that goes wrong in it is raised.

    `stopped` is asked after every step, and says why the trial is to end early, if it is. A run that is in a directory
    already, unfinished, is resumed, and a finished one is taken as it is.
    """
    began = time.perf_counter()
    done: list[Result] = []
    ending: Ending
    try:
        ending, why = _all_trained(job, done, tell, stopped, data)
    except Exception as error:  # noqa: BLE001  of a plugin, or a bug: no other trial is to suffer from it
        ending, why = "failed", _said(error)
    each = tuple(_objectives(job, result) for result in done)
    values = None
    if ending == "complete":
        values = tuple(sum(own) / len(each) for own in zip(*each, strict=True))
        for name, value in zip(job.objectives, values, strict=True):
            if not math.isfinite(value):
                ending, why, values = "failed", f"{name} is {value}", None
                break
    return TrialOutcome(
        number=job.number,
        ending=ending,
        values=values,
        each=each,
        why=why,
        parameters=done[0].parameter_count if done else None,
        seconds=time.perf_counter() - began,
        runs=tuple(training.place for training in job.trainings if training.place is not None),
    )


def _all_trained(
    job: Job,
    done: list[Result],
    tell: Callable[[Message], None],
    stopped: Callable[[], Why | None],
    data: Any,
) -> tuple[Ending, str | None]:
    """Train one after the other, put the results of those that completed into `done`, and return how it ended."""
    for index, training in enumerate(job.trainings):
        result = _trained(job, index, training, tell, stopped, data)
        if result.stopped == "interrupted":
            why = stopped() or "interrupted"
            if why == "pruned":
                _forget_checkpoints(training)
                return why, result.why.replace("interrupted", "ended early", 1)
            return why, result.why
        if result.stopped == "diverged":
            return "diverged", result.why
        done.append(result)
    return "complete", None


def _said(error: Exception) -> str:
    """Return what is said of an error."""
    if isinstance(error, SpecError):
        return "; ".join(each.message for each in error.diagnostics[:3])
    if isinstance(error, RunError):
        return str(error)
    if isinstance(error, OSError):
        where = "" if error.filename is None else f"{error.filename}: "
        return f"{where}{error.strerror or error}"
    if isinstance(error, MemoryError):
        return f"this machine has too little memory: {error}".removesuffix(": ")
    return f"{type(error).__name__}: {error}"


def _trained(
    job: Job,
    index: int,
    training: TrialTraining,
    tell: Callable[[Message], None],
    stopped: Callable[[], Why | None],
    data: Any,
) -> Result:
    from specnet.runs.directory import RESOLVED
    from specnet.runs.experiments import run_experiment
    from specnet.runs.request import RunRequest

    place = None if training.place is None else Path(training.place)
    if place is not None:
        _wait_for(place)
    known = place is not None and (place / RESOLVED).exists()
    request = RunRequest(
        out=None if known else place,
        resume=place if known else None,
        stop=lambda: stopped() is not None,
        listener=_Listener(job, index, tell),
        threads=job.threads,
        engine=job.engine,
    )
    return run_experiment(training.spec, data, request)


class _Listener:
    """Passes on how far a training is."""

    def __init__(self, job: Job, index: int, tell: Callable[[Message], None]) -> None:
        self._job, self._index, self._tell = job, index, tell
        self._epochs: float = 0
        self._counts_steps = False
        self._next = 0.0

    def __call__(self, event: Any) -> None:
        from specnet.training.events import EpochEnded, FoldStarted, Started

        if isinstance(event, Started):
            self._epochs, self._counts_steps = event.epochs, event.steps is not None
        elif isinstance(event, FoldStarted) and event.fold > 1:
            self._index = max(self._index, 1)  # what falls behind is found out in the first
        elif isinstance(event, EpochEnded):
            self._epoch(event)

    def _epoch(self, event: Any) -> None:
        job, now = self._job, time.monotonic()
        value = None
        if self._index == 0 and job.watched is not None and event.validation is not None:
            due = self._counts_steps or event.epoch % job.every == 0
            value = float(event.validation[job.watched]) if due else None
        if value is None and now < self._next and event.epoch < self._epochs:
            return
        self._next = now + 0.2
        step = event.step if self._counts_steps else int(event.epoch)
        self._tell(Reported(job.number, self._index, event.epoch, self._epochs, step, value))


def _objectives(job: Job, result: Result) -> tuple[float, ...]:
    found = []
    for name in job.objectives:
        split, _, figure = name.partition(".")
        own: Any = result.parameter_count if name == PARAMETERS else result.splits[split][figure]
        found.append(float(own))
    return tuple(found)


def _wait_for(place: Path) -> None:
    """Wait a little for another process that is about to save what it has, and to end."""
    from specnet.runs.lock import held

    until = time.monotonic() + PATIENCE
    while held(place) and time.monotonic() < until:
        time.sleep(0.1)


def _forget_checkpoints(training: TrialTraining) -> None:
    """Remove what a trial could be resumed with, which it will not be."""
    from specnet.runs.directory import RunDirectory

    if training.place is not None:
        RunDirectory(Path(training.place)).forget_checkpoints()
