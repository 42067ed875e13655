"""The trials of a sweep in their storage, which several processes may share."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import RunError
from specnet.runs.extras import needed
from specnet.sweeps.result import TrialRecord
from specnet.sweeps.storage import StorageUrl, asked, open_storage, quiet
from specnet.sweeps.stored import OWN, counted, importances, is_retry, record
from specnet.sweeps.values import grid, made_pruner, made_sampler

if TYPE_CHECKING:
    from pathlib import Path

    from specnet.language.spec import Spec
    from specnet.language.sweep import Sweep
    from specnet.sweeps.jobs import TrialOutcome

RETRIES = 3
"""How often a trial is taken up again whose process was lost: it may be what ends the process."""

UNKNOWN = 90.0
"""Seconds after which a trial counts as lost that nobody has said to train."""

READY = 30.0
"""Seconds to wait for the process that creates a sweep."""

UNFINISHED = frozenset({"interrupted", "lost"})


def digest(spec: Spec, directions: tuple[str, ...]) -> str:
    """Return a number for all that makes trials comparable: the document, what is varied, and what is measured."""
    sweep = spec.sweep
    assert sweep is not None
    same = sweep.model_dump(mode="json", include={"parameters", "seeds", "folds"})
    document = spec.model_dump(mode="json", exclude={"name", "lint", "plugins"})
    text = json.dumps([document, same, sweep.objectives, directions], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Study:
    """One sweep in its storage."""

    def __init__(
        self, url: StorageUrl, name: str, spec: Spec, directions: tuple[str, ...], process: str
    ) -> None:
        assert spec.sweep is not None
        self.url, self.name, self.process = url, name, process
        self.sweep: Sweep = spec.sweep
        self.directions = directions
        self._optuna = needed("optuna", "sweep", "a sweep")
        self._storage = open_storage(
            url, lambda _, trial: self._retry(trial, "its process gave no sign of life")
        )
        self._digest = digest(spec, directions)
        with quiet():
            self._study, created = self._opened()
            if created:
                self._prepare(spec.seed)
            else:
                self._check()
            salt = 0 if created else int.from_bytes(os.urandom(4), "big")
            self._study.sampler = made_sampler(self.sweep, spec.seed, salt)

    def _opened(self) -> tuple[Any, bool]:
        optuna = self._optuna
        pruner = made_pruner(self.sweep.pruner)

        def create() -> tuple[Any, bool]:
            try:
                made = optuna.create_study(
                    storage=self._storage,
                    study_name=self.name,
                    directions=list(self.directions),
                    pruner=pruner,
                )
            except optuna.exceptions.DuplicatedStudyError:
                return optuna.load_study(storage=self._storage, study_name=self.name, pruner=pruner), False
            return made, True

        return asked(self.url, create)

    def _prepare(self, seed: int) -> None:
        if self.sweep.sampler.type == "grid":
            for row in grid(self.sweep, seed):
                self._asked(lambda row=row: self._study.enqueue_trial(row))  # type: ignore[misc]
        own = {"digest": self._digest}
        self._asked(lambda: self._study.set_user_attr(OWN, own))

    def _check(self) -> None:
        until = time.monotonic() + READY
        while (own := self._asked(lambda: self._study.user_attrs).get(OWN)) is None:
            if time.monotonic() > until:
                raise RunError(
                    f"{self.url} has a study `{self.name}` that specnet has not made, or not completely"
                )
            time.sleep(0.2)
        if own.get("digest") != self._digest:
            raise RunError(
                f"the sweep `{self.name}` in {self.url} is of another document, or of other parameters, objectives, "
                "seeds or folds; only its length, sampler and pruner may change"
            )

    def close(self) -> None:
        """Close the connections to the database."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _asked(self, question: Callable[[], Any]) -> Any:
        return asked(self.url, question)

    def ask(self) -> Any | None:
        """Return a new trial of Optuna's, or one that was lost and is taken up again; None where there are enough.

        Processes that ask at the same time may begin more trials than wanted: those with the highest numbers are
        dropped.
        """
        trials = self.frozen()
        waiting = any(trial.state.name == "WAITING" for trial in trials)
        budget = self.sweep.budget
        enough = budget is not None and len(counted(trials)) >= budget
        if not waiting and (enough or self.sweep.sampler.type == "grid"):
            return None
        trial = self._asked(self._ask)
        if trial is None:
            return None
        before = [other for other in counted(self.frozen()) if other.number < trial.number]
        if budget is not None and len(before) >= budget and not is_retry(trial):
            self.mark(trial, surplus=True)
            self._tell(trial, "FAIL")
            return None
        return trial

    def _ask(self) -> Any:
        with quiet():
            return self._study.ask()

    def begin(self, trial: Any, runs: tuple[Path, ...]) -> None:
        """Record who trains a trial, and where."""
        self.mark(
            trial,
            process=self.process,
            host=socket.gethostname(),
            runs=[str(run) for run in runs],
            ended=None,
        )
        self.beat(trial)

    def beat(self, trial: Any) -> None:
        """Give a sign of life of a trial."""
        self._asked(lambda: self._storage.record_heartbeat(trial._trial_id))  # noqa: SLF001  it has no public name

    def report(self, trial: Any, value: float, step: int) -> bool:
        """Record a value of a trial, and return whether it is to be ended early."""

        def reported() -> bool:
            with quiet():
                trial.report(value, step)
                return bool(trial.should_prune())

        return bool(self._asked(reported))

    def end(self, trial: Any, ended: TrialOutcome) -> str:
        """Record how a trial has ended, and return the state that it has now.

        One that was interrupted, or lost with its process, is taken up again by whoever asks next.
        """
        outcome = {
            "state": ended.ending,
            "why": ended.why,
            "each": [list(own) for own in ended.each],
            "seconds": ended.seconds,
        }
        self.mark(trial, ended=outcome)
        if ended.ending == "complete":
            assert ended.values is not None
            self._tell(trial, "COMPLETE", list(ended.values))
        elif ended.ending in ("pruned", "diverged") and len(self.directions) == 1:
            self._tell(trial, "PRUNED")  # by which samplers learn to avoid such values
        else:
            self._tell(trial, "FAIL")
            if ended.ending in UNFINISHED:
                frozen = next(other for other in self.frozen() if other.number == trial.number)
                self._retry(frozen, ended.why, interrupted=ended.ending == "interrupted")
        return ended.ending

    def _tell(self, trial: Any, state: str, values: list[float] | None = None) -> None:
        states = self._optuna.trial.TrialState

        def tell() -> None:
            with quiet():
                # Another process may have taken it for lost meanwhile: what it came to is then that one's.
                self._study.tell(trial.number, values, state=states[state], skip_if_finished=True)

        self._asked(tell)

    def mark(self, trial: Any, **facts: Any) -> None:
        """Record facts about a trial."""
        own = {**trial.user_attrs.get(OWN, {}), **facts}
        self._asked(lambda: trial.set_user_attr(OWN, own))

    def take_up_lost(self, is_dead: Callable[[str], bool]) -> None:
        """Let trials be taken up again whose process has died, or gives no sign of life, or never gave one."""
        for trial in self.frozen():
            if trial.state.name == "RUNNING" and self._is_lost(trial, is_dead) and self._failed(trial):
                self._retry(trial, "its process has died")
        with quiet():
            self._asked(lambda: self._optuna.storages.fail_stale_trials(self._study))

    def _is_lost(self, trial: Any, is_dead: Callable[[str], bool]) -> bool:
        process = trial.user_attrs.get(OWN, {}).get("process")
        if isinstance(process, str):
            return is_dead(process)
        # It was asked for, and its process could not say so any more; clocks of machines may differ a little.
        age = datetime.now() - trial.datetime_start  # noqa: DTZ005  as Optuna records it
        return bool(age.total_seconds() > UNKNOWN)

    def _failed(self, trial: Any) -> bool:
        """Record that a trial is lost; return whether nobody else has."""
        states, finished = self._optuna.trial.TrialState, self._optuna.exceptions.UpdateFinishedTrialError
        number = trial._trial_id  # noqa: SLF001  it has no public name

        def fail() -> bool:
            try:
                return bool(self._storage.set_trial_state_values(number, states.FAIL))
            except finished:
                return False

        return bool(self._asked(fail))

    def _retry(self, trial: Any, why: str | None, *, interrupted: bool = False) -> None:
        """Put a trial that was not finished into the queue again, to be resumed in the same directory."""
        own = trial.user_attrs.get(OWN, {})
        lost = own.get("lost", 0) + (0 if interrupted else 1)
        if lost > RETRIES:
            return
        first = own.get("retry_of", trial.number)
        facts = {
            "retry_of": first,
            "lost": lost,
            "why": why,
            "runs": own.get("runs"),
            "host": own.get("host"),
        }
        states = self._optuna.trial.TrialState
        with quiet():
            again = self._optuna.trial.create_trial(
                state=states.WAITING,
                params=trial.params,
                distributions=trial.distributions,
                user_attrs={OWN: facts},
                system_attrs={
                    key: value
                    for key, value in trial.system_attrs.items()
                    if key == "fixed_params" or key.startswith("nsga")
                },
            )
            self._asked(lambda: self._study.add_trial(again))

    def frozen(self) -> list[Any]:
        """Return all trials as they are stored."""
        return list(self._asked(lambda: self._study.get_trials(deepcopy=False)))

    def records(self) -> list[TrialRecord]:
        """Return all trials, without those that were begun in excess, or taken up again as others."""
        return [record(trial, self.sweep) for trial in counted(self.frozen())]

    def others_running(self) -> list[int]:
        """Return the numbers of the trials that other processes train, or will take up, while this one trains none."""
        return [trial.number for trial in self.frozen() if trial.state.name in ("RUNNING", "WAITING")]

    def importances(self) -> dict[str, float]:
        """Return how much each parameter matters; see `stored.importances`."""
        return dict(self._asked(lambda: importances(self._study, self.sweep)))
