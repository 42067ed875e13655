"""Going on with a run that has ended before its time: which one, whether it may be, and from where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.data import Dataset
from specnet.diagnostics import RunError
from specnet.diagnostics.text import clipped
from specnet.language.spec import Spec
from specnet.language.training import Training
from specnet.model.balancing import BALANCED
from specnet.model.run_length import run_length
from specnet.model.units import AUTO
from specnet.runs.checkpoints import Checkpoints, Stored, latest
from specnet.runs.directory import CHECKPOINTS, DOCUMENTS, RESOLVED, RESULT, RunDirectory, why_no_run
from specnet.runs.environment import differences, environment
from specnet.runs.finished import read_result
from specnet.runs.kept import damage, final_result
from specnet.storage.files import write_json, writing
from specnet.storage.resolved import COMPUTED_WITH, environments, load, read_resolved
from specnet.training.events import Resumed
from specnet.training.history import History
from specnet.training.loop import Trainer
from specnet.training.rates import Rates

if TYPE_CHECKING:
    from specnet.model.compiled import CompiledModel
    from specnet.runs.result import CompletedRun

FREE = {"training.checkpoint", "output.show", "lint", "plugins"}
"""What another spec may have otherwise: it has no say in what is learnt."""

MAY_GROW = {"training.epochs", "training.steps", "training.max_seconds"}

PROBES = 1000
"""Steps at which the rates of a longer training are compared with those that the run has had."""


def newest(folder: str | PathLike[str], name: str) -> Path:
    """Return the latest unfinished run of a name below a folder, or the latest one where all are finished.

    Raises RunError where there is none.
    """
    above = Path(folder) / name
    found: list[Path] = []
    if above.is_dir():
        found = [entry for entry in above.iterdir() if entry.name.isdecimal() and (entry / RESOLVED).exists()]
    if not found:
        raise RunError(f"there is no run in {above} to resume")
    latest_first = sorted(found, key=lambda entry: int(entry.name), reverse=True)
    return next((path for path in latest_first if unfinished(path)), latest_first[0])


def unfinished(run: Path) -> bool:
    """Return whether a run was killed or interrupted, is still going on, or has a damaged result."""
    return final_result(run) is None


def check_resumable(run: Path, spec: Spec) -> None:
    """Raise RunError where there is no run, where it is another experiment's, or where it can learn no more.

    The specs may differ as `check_same_experiment` says, and the length of the training may have grown only if
    the schedule's rates so far are the same. A finished run whose spec asks for nothing more is no error: its result
    is there.
    """
    before = check_same_experiment(run, spec)
    result = final_result(run)
    if result is None or not asks_for_more(before, spec):
        return
    stopped, why = result["stopped"], result.get("why")
    if stopped != "completed" or _asked(spec) == _asked(before):
        help = f"; raise training.{spec.training.unit}s to continue" if stopped == "completed" else ""
        raise RunError(f"{run} is finished ({why}): there is nothing to resume{help}")
    if not (run / CHECKPOINTS).is_dir():
        raise RunError(f"{run} is finished and kept no checkpoint to resume from")


def check_same_experiment(run: Path, spec: Spec) -> Spec:
    """Return a run's spec; raise RunError where there is no run, or it is another experiment's.

    The specs may differ in `plugins`, `output.show`, `[lint]` and `[training.checkpoint]`; `training.epochs`,
    `training.steps` and `training.max_seconds` may have grown.
    """
    if not (run / RESOLVED).exists():
        raise RunError(f"{run}: {why_no_run(run)}")
    before = read_resolved(run / RESOLVED)
    stored, now = before.model_dump(mode="json"), spec.model_dump(mode="json")
    for key in ("loss", "outputs"):
        now[key] = _counted(stored[key], now[key])
    now["layers"] = _settled(stored["layers"], now["layers"])
    differing = list(_differences(stored, now))
    if differing:
        more = f"; and {len(differing) - 3} more differ" if len(differing) > 3 else ""
        raise RunError(
            f"{run} is a run of another experiment, and cannot be resumed: {'; '.join(differing[:3])}{more}"
        )
    return before


def _counted(stored: Any, now: Any) -> Any:
    """Return losses in which balanced class weights are those that the run has counted in its training rows."""
    if not isinstance(stored, dict) or not isinstance(now, dict):
        return now
    return {
        key: stored[key]
        if key == "class_weights" and value == BALANCED and stored.get(key) is not None
        else _counted(stored.get(key), value)
        for key, value in now.items()
    }


def _settled(stored: Any, now: Any) -> Any:
    """Return layers in which `units = "auto"` is the number that the run has found for its data."""
    if isinstance(now, list) and isinstance(stored, list) and len(now) == len(stored):
        return [_settled(*pair) for pair in zip(stored, now, strict=True)]
    if not isinstance(now, dict) or not isinstance(stored, dict):
        return now
    return {
        key: stored[key]
        if key == "units" and value == AUTO and key in stored
        else _settled(stored.get(key), value)
        for key, value in now.items()
    }


def finished(directory: RunDirectory, model: CompiledModel, data: Dataset) -> CompletedRun | None:
    """Return the result of a run that is finished and of which no more is asked; None for any other.

    `model` gets the run's parameters. The run's directory must be locked. Raises RunError as `check_resumable`
    does, and where the data have changed or the run is damaged.
    """
    run, spec = directory.path, model.network.spec
    check_resumable(run, spec)
    stored, before = final_result(run), read_resolved(run / RESOLVED)
    if stored is None or asks_for_more(before, spec):
        return None
    _check_data(run, data)
    result = read_result(run, stored, model, data)
    if before.training.checkpoint is None:
        directory.forget_checkpoints()  # as a process that was killed after its last write has not
    return result


def resume(
    directory: RunDirectory,
    trainer: Trainer,
    history: History,
    checkpoints: Checkpoints,
    data: Dataset,
    found: Callable[[Stored | None], None] = lambda _: None,
) -> Resumed:
    """Bring a trainer and a history to where a run's latest whole checkpoint was written, which `found` is called with.

    Without one they stay at the beginning, from which the run comes to the same. The run's directory must be
    locked, and the run not be `finished`. Raises RunError as `check_resumable` does, and where the data have
    changed.
    """
    run, spec = directory.path, trainer.model.network.spec
    check_resumable(run, spec)
    _check_data(run, data)
    before = read_resolved(run / RESOLVED)
    if _asked(before) != _asked(spec):
        _check_rates(trainer, before)
    with writing(run):
        for leftover in (*run.glob(".*.tmp"), *(run / CHECKPOINTS).glob(".*.tmp")):
            leftover.unlink()
    stored, problems = latest(run)
    if stored is None and not unfinished(run):
        raise RunError(f"{run} is finished, and none of its checkpoints is complete: {'; '.join(problems)}")
    found(stored)
    if stored is not None:
        continue_from(stored, trainer, history, checkpoints)
    described, now = _table(run / RESOLVED), environment(trainer.plans)
    known = environments(described)
    differing = differences(known[-1], now) if known else ()
    known = known if known and not differing else [*known, now]
    if before != spec or not any((run / name).exists() for name in DOCUMENTS):
        directory.describe(spec, data, known)
    elif differing:
        write_json(run / RESOLVED, {**described, COMPUTED_WITH: known})
    torn = damage(run)
    with writing(run):
        (run / RESULT).unlink(missing_ok=True)
    path = None if stored is None else stored.path
    problems = problems if torn is None else (torn, *problems)
    return Resumed(run, path, trainer.epoch, trainer.steps.step, problems, differing)


def continue_from(stored: Stored, trainer: Trainer, history: History, checkpoints: Checkpoints) -> None:
    """Bring a trainer and a history to where a checkpoint was written."""
    try:
        trainer.resume(stored.training.arrays, stored.training.plain)
        history.resume(stored.history.arrays, stored.history.plain)
    except (KeyError, ValueError, TypeError) as error:
        raise RunError(f"{stored.path} is not a checkpoint of this experiment: {error}") from error
    checkpoints.resume(stored.best)


def asks_for_more(before: Spec, spec: Spec) -> bool:
    """Return whether a spec asks for a longer training than a run's, given that it may otherwise be the run's."""
    was, now = before.training, spec.training
    return (_asked(before), was.max_seconds) != (_asked(spec), now.max_seconds)


def _asked(spec: Spec) -> tuple[int | None, int | None]:
    """Return the length of the training that a spec asks for: its epochs or its steps."""
    return spec.training.epochs, spec.training.steps


def _check_data(run: Path, data: Dataset) -> None:
    stored = _table(run / RESOLVED).get("data")
    if not isinstance(stored, dict) or not all(isinstance(entry, dict) for entry in stored.values()):
        raise RunError(f"{run / RESOLVED} is damaged: it does not record the run's data")
    now = dict(data.sources)
    for name in sorted({*stored, *now}):
        was = stored.get(name, {}).get("sha256")
        if was != now.get(name):
            raise RunError(
                f"the data have changed since {run} began: `{name}` has SHA-256 {str(now.get(name))[:12]}..., "
                f"and had {str(was)[:12]}...; a run can only be resumed with the data that it was trained on"
            )


def _table(path: Path) -> dict[str, Any]:
    data = load(path)
    if not isinstance(data, dict):
        raise RunError(f"{path} is damaged: it is not a table")
    return data


def _check_rates(trainer: Trainer, before: Spec) -> None:
    """Raise RunError where a longer training would have had other learning rates from the start."""
    schedule, base = before.training.schedule, before.training.optimizer.learning_rate
    short = run_length(before, trainer.rows["train"], trainer.count)
    old, new = Rates(schedule, base, short), Rates(schedule, base, trainer.length)
    every = max(1, short.steps // PROBES)
    if any(old.at(step) != new.at(step) for step in range(1, short.steps + 1, every)):
        raise RunError(
            f"the `{schedule.type}` schedule spans the training: over {_length(trainer.settings)} the "
            f"learning rates would have differed from the start from those over {_length(before.training)}, so "
            f"training.{before.training.unit}s cannot be raised"
        )


def _length(training: Training) -> str:
    return f"{training.epochs or training.steps} {training.unit}s"


def _differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """Say key by key where a spec differs from a run's, but for what may differ."""
    if path in FREE or before == now:
        return
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*before, *now)):
            yield from _differences(before.get(key), now.get(key), f"{path}.{key}" if path else key)
        return
    if path in MAY_GROW and _has_grown(path, before, now):
        return
    yield f"`{path}` is {_short(now)}, and was {_short(before)}"


def _has_grown(path: str, before: Any, now: Any) -> bool:
    """Return whether a limit is larger than a run's, or one of time is left out; a length never is."""
    if before is None:
        return False
    return path == "training.max_seconds" if now is None else bool(now > before)


def _short(value: Any) -> str:
    return "left out" if value is None else clipped(str(value), 60)
