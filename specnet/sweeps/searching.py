"""The loop of a sweep: trials are asked for, handed out, followed and recorded, and what happens is yielded."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import RunError, SpecError
from specnet.diagnostics.text import counted
from specnet.sweeps.events import (
    SweepEnded,
    SweepEvent,
    SweepNoted,
    SweepStarted,
    TrialEnded,
    TrialReported,
    TrialStarted,
)
from specnet.sweeps.jobs import Executor, Job, Reported, TrialOutcome, TrialTraining
from specnet.sweeps.result import SweepResult, TrialRecord, front
from specnet.sweeps.storage import HEARTBEAT, StorageUrl
from specnet.sweeps.stored import OWN
from specnet.sweeps.study import Study
from specnet.sweeps.values import suggested

if TYPE_CHECKING:
    from specnet.language.spec import Spec
    from specnet.sweeps.directory import SweepDirectory
    from specnet.sweeps.result import Stopped

TICK = 0.1
"""Seconds between looks at the trials."""

REPORTS = 200
"""How many values of a trial are reported to the pruner at most, of trainings as long as the document's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """How a sweep is made, besides what its document says."""

    spec: Spec
    directions: tuple[str, ...]
    executor: Executor
    directory: SweepDirectory
    """Where the trials of this process are saved."""
    url: StorageUrl
    name: str
    """Its name in the storage."""
    stop: Callable[[], bool] | None = None
    threads: int | None = None
    engine: str | None = None


@dataclass(slots=True)
class _Running:
    """A trial of this process."""

    trial: Any
    parameters: Mapping[str, Any]
    beaten: float
    runs: tuple[Path, ...] = ()
    early: bool = False
    """Whether it was asked to end early."""


class Search:
    """One process's part in a sweep."""

    def __init__(self, request: SweepRequest) -> None:
        assert request.spec.sweep is not None
        self.request, self.spec, self.sweep = request, request.spec, request.spec.sweep
        self.running: dict[int, _Running] = {}
        self.seen: list[TrialRecord] = []
        """The complete trials that this process knows of."""
        self._study: Study | None = None
        self.began = time.monotonic()
        self._looked = float("-inf")
        self._asked_to_end = False
        self._waits = False

    def events(self) -> Generator[SweepEvent, None, None]:
        """Make trials until there are enough, and yield what happens; closing it ends the trials that run."""
        request, directory = self.request, self.request.directory
        with ExitStack() as stack:
            stack.callback(directory.forget_unused)
            process = stack.enter_context(directory.process())
            try:
                self._study = Study(request.url, request.name, self.spec, request.directions, process)
                records = self.study.records()
                self.seen = [each for each in records if each.state == "complete"]
                done = sum(each.state not in ("waiting", "running") for each in records)
                yield SweepStarted(
                    request.name,
                    directory.path,
                    str(request.url),
                    self.sweep.objectives,
                    request.directions,
                    self.sweep.budget,
                    done,
                )
                yield from self._search()
                result = self._result()
                try:
                    directory.save(result)
                except RunError as error:  # as on a full disk: the storage has all of it
                    yield SweepNoted(f"{error}; `specnet sweep --resume` writes it again")
                yield SweepEnded(result)
            except RunError:
                self.running.clear()  # of a storage that does not answer: others see that nobody trains them
                raise
            finally:
                request.executor.close()
                self._let_go()
                if self._study is not None:
                    self._study.close()

    @property
    def study(self) -> Study:
        """The trials in their storage."""
        assert self._study is not None
        return self._study

    def _search(self) -> Iterator[SweepEvent]:
        executor = self.request.executor
        while True:
            self._keep_alive()
            if self._stopped:
                self._end_all()
            else:
                yield from self._begin_some()
            for note in executor.notes():
                yield SweepNoted(note)
            if not self.running:
                if self._stopped or self._late or not (others := self.study.others_running()):
                    return
                if not self._waits:
                    self._waits = True
                    yield SweepNoted(f"waiting for {counted(len(others), 'trial')} of other processes")
            for message in executor.messages(TICK if self.running else 5 * TICK):
                if isinstance(message, Reported):
                    yield self._reported(message)
                elif message.number in self.running:
                    yield self._ended(message)

    def _begin_some(self) -> Iterator[SweepEvent]:
        """Begin as many trials as can be trained now."""
        while not self._stopped and not self._late and self.request.executor.free > 0:
            event = self._begin()
            if event is None:
                return
            yield event

    def _end_all(self) -> None:
        """Ask the trials that run to end after their current steps, once."""
        if not self._asked_to_end:
            self._asked_to_end = True
            for number in self.running:
                self.request.executor.stop(number, "interrupted")

    @property
    def _stopped(self) -> bool:
        return self.request.stop is not None and self.request.stop()

    @property
    def _late(self) -> bool:
        limit = self.sweep.max_seconds
        return limit is not None and time.monotonic() - self.began >= limit

    def _keep_alive(self) -> None:
        """Give signs of life of all trials, and look for those of processes that have died."""
        now = time.monotonic()
        for each in self.running.values():
            if now - each.beaten >= HEARTBEAT:
                self.study.beat(each.trial)
                each.beaten = now
        if now - self._looked >= HEARTBEAT:
            self._looked = now
            self.study.take_up_lost(self.request.directory.is_dead)

    def _begin(self) -> SweepEvent | None:
        """Begin a trial, and return its event: it may have failed at once. None where there is no more to try."""
        trial = self.study.ask()
        if trial is None:
            return None
        try:
            parameters = suggested(trial, self.sweep)
            job = self._job(trial, parameters)
        except (SpecError, RunError) as error:
            why = (
                "; ".join(each.message for each in error.diagnostics[:3])
                if isinstance(error, SpecError)
                else str(error)
            )
            self.study.end(trial, TrialOutcome(trial.number, "failed", why=why))
            return TrialEnded(trial.number, "failed", trial.params, None, 0.0, why, best=False)
        runs = tuple(Path(each.place) for each in job.trainings if each.place is not None)
        self.study.begin(trial, runs)
        self.running[trial.number] = _Running(trial, parameters, time.monotonic(), runs)
        self.request.executor.submit(job)
        return TrialStarted(trial.number, parameters, trial.user_attrs.get(OWN, {}).get("retry_of"))

    def _job(self, trial: Any, parameters: Mapping[str, Any]) -> Job:
        spec = self.spec.replace(parameters)
        first = trial.user_attrs.get(OWN, {}).get("retry_of", trial.number)
        directory, sweep = self.request.directory, self.sweep
        seeds = sweep.seeds_from(spec.seed)
        folds = range(1, sweep.folds + 1) if sweep.folds is not None else (None,)
        trainings = []
        for seed in seeds:
            for fold in folds:
                changes: dict[str, Any] = {} if seed == spec.seed else {"seed": seed}
                changes |= {} if fold is None else {"data.split.fold": fold}
                names = [f"seed-{seed}"] if len(seeds) > 1 else []
                names += [] if fold is None else [f"fold-{fold}"]
                made = spec.replace(changes) if changes else spec
                trainings.append(TrialTraining(made, str(directory.trial(first, "-".join(names)))))
        objective = sweep.objectives[0]
        watched = objective.partition(".")[2] if sweep.pruner.type != "none" else None
        return Job(
            trial.number,
            tuple(trainings),
            sweep.objectives,
            watched,
            max(1, -(-(self.spec.training.epochs or 1) // REPORTS)),
            self.request.threads,
            self.request.engine,
        )

    def _reported(self, message: Reported) -> SweepEvent:
        each = self.running.get(message.number)
        if each is not None and message.value is not None:
            self._watch(each, message.number, message.step, message.value)
        return TrialReported(message.number, message.epoch, message.epochs, message.value)

    def _watch(self, each: _Running, number: int, step: int, value: float) -> None:
        """Record the value of a trial, and end it if it falls behind."""
        if not each.early and self.study.report(each.trial, value, step):
            each.early = True
            self.request.executor.stop(number, "pruned")

    def _ended(self, message: TrialOutcome) -> SweepEvent:
        each = self.running.pop(message.number)
        runs = tuple(map(Path, message.runs)) or each.runs
        state = self.study.end(each.trial, message)
        record = TrialRecord(message.number, message.ending, each.parameters, message.values)
        best = False
        if state == "complete":
            self.seen.append(record)
            best = self._is_best(record)
        return TrialEnded(
            message.number,
            message.ending,
            each.parameters,
            message.values,
            message.seconds,
            message.why,
            best,
            runs,
        )

    def _is_best(self, record: TrialRecord) -> bool:
        if len(self.request.directions) > 1:
            return record in front(self.seen, self.request.directions)
        sign = -1.0 if self.request.directions[0] == "maximize" else 1.0
        values = [sign * each.values[0] for each in self.seen if each.values]
        return record.values is not None and sign * record.values[0] <= min(values)

    def _let_go(self) -> None:
        """Let the trials be taken up again that were running when this process was told to end at once."""
        for number, each in self.running.items():
            self.study.end(each.trial, TrialOutcome(number, "interrupted", why="the sweep was ended"))
        self.running.clear()

    def _result(self) -> SweepResult:
        stopped: Stopped = "interrupted" if self._stopped else "max_seconds" if self._late else "completed"
        budget = self.sweep.budget
        records = self.study.records()
        ended = sum(each.state not in ("waiting", "running") for each in records)
        if stopped == "max_seconds" and budget is not None and ended >= budget:
            stopped = "completed"
        return SweepResult(
            name=self.request.name,
            path=self.request.directory.path,
            storage=str(self.request.url),
            objectives=self.sweep.objectives,
            directions=self.request.directions,
            trials=tuple(records),
            stopped=stopped,
            seconds=time.monotonic() - self.began,
            importances=self.study.importances(),
        )
