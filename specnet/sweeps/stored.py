"""What the storage has of trials, as Optuna returns it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.sweeps.result import TrialRecord
from specnet.sweeps.storage import quiet
from specnet.sweeps.values import values_of

if TYPE_CHECKING:
    from specnet.language.sweep import Sweep
    from specnet.sweeps.jobs import TrialState

OWN = "specnet"
"""The attribute of a study, and of a trial, that holds what specnet records of it."""

MIN_IMPORTANCE = 10
"""How many complete trials importances need: fewer say nothing."""

STATES: dict[str, TrialState] = {
    "WAITING": "waiting",
    "RUNNING": "running",
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "FAIL": "lost",
}
"""What Optuna's states are called, unless it is recorded how a trial ended."""


def record(trial: Any, sweep: Sweep) -> TrialRecord:
    """Return what is stored of a trial."""
    own = trial.user_attrs.get(OWN, {})
    outcome = own.get("ended") or {}
    seconds = outcome.get("seconds")
    if seconds is None and trial.duration is not None:
        seconds = trial.duration.total_seconds()
    state = STATES[trial.state.name]
    if state in ("lost", "pruned"):
        state = outcome.get("state", state)
    return TrialRecord(
        number=trial.number,
        state=state,
        parameters=values_of(trial.params, sweep),
        values=tuple(trial.values) if trial.state.name == "COMPLETE" else None,
        each=tuple(tuple(values) for values in outcome.get("each") or ()),
        curve=tuple(sorted(trial.intermediate_values.items())),
        seconds=seconds,
        runs=tuple(map(Path, own.get("runs") or ())),
        host=own.get("host"),
        why=outcome.get("why") or own.get("why"),
        retry_of=own.get("retry_of"),
    )


def importances(study: Any, sweep: Sweep) -> dict[str, float]:
    """Return how much each parameter matters, by PED-ANOVA (Watanabe et al., 2023), from the most.

    Nothing for several objectives, or where too few trials are complete, or do not differ.
    """
    done = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    if len(study.directions) > 1 or len(done) < MIN_IMPORTANCE or len({t.values[0] for t in done}) == 1:
        return {}
    common = [n for n in sweep.parameters if len({repr(t.params.get(n)) for t in done}) > 1]
    common = [name for name in common if all(name in trial.params for trial in done)]
    if not common:
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    with quiet():
        found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(), params=common)
    return {name: float(share) for name, share in found.items()}


def is_retry(trial: Any) -> bool:
    """Return whether a trial takes up another one again."""
    return "retry_of" in trial.user_attrs.get(OWN, {})


def counted(trials: list[Any]) -> list[Any]:
    """Return the trials that count: not those begun in excess, nor those that were taken up again as others."""
    again: dict[int, int] = {}
    for trial in trials:
        first = trial.user_attrs.get(OWN, {}).get("retry_of")
        if first is not None:
            again[first] = max(again.get(first, -1), trial.number)
    found = []
    for trial in trials:
        own = trial.user_attrs.get(OWN, {})
        first = own.get("retry_of", trial.number)
        if not own.get("surplus") and again.get(first, trial.number) == trial.number:
            found.append(trial)
    return found
