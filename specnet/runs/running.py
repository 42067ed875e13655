from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from os import PathLike
from pathlib import Path

from specnet.analysis.evidence import verdict_of
from specnet.analysis.verdict import Verdict
from specnet.data import Dataset
from specnet.diagnostics import RunError
from specnet.engines.ranks import Ranks
from specnet.model.compiled import CompiledModel
from specnet.runs.checkpoints import Checkpoints
from specnet.runs.directory import CHECKPOINTS, RESOLVED, RunDirectory, entered
from specnet.runs.environment import environment
from specnet.runs.metrics_log import MetricsLog
from specnet.runs.ranks import Guarded, received, shipping
from specnet.runs.result import CompletedRun
from specnet.runs.resuming import continue_from, finished
from specnet.runs.resuming import resume as take_up
from specnet.storage.resolved import load_resolved
from specnet.training.distributed import agreed
from specnet.training.events import Ended, EpochEnded, Event, Resumed, Span
from specnet.training.history import History
from specnet.training.loop import Trainer


def run(
    model: CompiledModel,
    data: Dataset,
    *,
    out: str | PathLike[str] | None = None,
    folder: str | PathLike[str] | None = None,
    resume: str | PathLike[str] | None = None,
    stop: Callable[[], bool] | None = None,
    listener: Callable[[Event | Span], None] | None = None,
    ranks: Ranks | None = None,
) -> CompletedRun:
    """Train a model to the end, save what `out` or `folder` ask for, and return what it came to.

    `out` names the run's directory, `folder` one in which a directory `NAME/NNN` is made, `resume` that of a
    run to be resumed; without any nothing is written. The result of a run that is finished already is
    read, and nothing trained. The directory is made, and described, before the
    first step, so that what cannot be saved is known before anything is learnt. `listener` is called with
    every event. Of several `ranks`, each is a process that calls this with the same model and data: the first one
    saves, and the others' results name no directory. Raises RunError where something cannot be written, or cannot be
    resumed.
    """
    if ranks is not None and ranks.rank > 0:
        return _followed(model, data, stop, listener, ranks, resume)
    with ExitStack() as stack:
        directory = agreed(ranks, lambda: entered(stack, model.network.spec.name, out, folder, resume))
        if resume is not None:
            assert directory is not None
            result = agreed(ranks, lambda: finished(directory, model, data))
            if ranks is not None:
                ranks.exchange(b"" if result is None else str(directory.path).encode())
            if result is not None:
                model.record = load_resolved(directory.path / RESOLVED)
                return result
        trainer = Trainer(model, data, stop, ranks=ranks)
        if directory is None:
            history = History()
            # The others do not know that nothing is saved, and say what they have where a checkpoint is due.
            checkpoints = None if ranks is None else Checkpoints(None, trainer, history)
            agreed(ranks, lambda: None)
            ended = _train(trainer, history, listener, None, checkpoints)
            result = _result(model, data, ended, history, None, trainer.plans.ranks)
            agreed(ranks, lambda: None)
            return result
        return _recorded(directory, trainer, data, listener, resumed=resume is not None)


def _followed(
    model: CompiledModel,
    data: Dataset,
    stop: Callable[[], bool] | None,
    listener: Callable[[Event | Span], None] | None,
    ranks: Ranks,
    resume: str | PathLike[str] | None,
) -> CompletedRun:
    """Train along with the process that saves."""
    agreed(ranks, lambda: None)
    if resume is not None:
        agreed(ranks, lambda: None)
        if done := ranks.exchange(b"")[0]:
            return _read_finished(Path(done.decode()), model, data)
    trainer, history = Trainer(model, data, stop, ranks=ranks), History()
    checkpoints = Checkpoints(None, trainer, history)

    def begin() -> None:
        stored = None if resume is None else received(ranks)
        if stored is not None:
            continue_from(stored, trainer, history, checkpoints)

    agreed(ranks, begin)
    ended = _train(trainer, history, listener, None, checkpoints)
    result = _result(model, data, ended, history, None, trainer.plans.ranks)
    agreed(ranks, lambda: None)
    return result


def _read_finished(path: Path, model: CompiledModel, data: Dataset) -> CompletedRun:
    result = finished(RunDirectory(path), model, data)
    if result is None:
        raise RunError(f"the first process has found {path} finished, and this one sees another run there")
    return result


def _recorded(
    directory: RunDirectory,
    trainer: Trainer,
    data: Dataset,
    listener: Callable[[Event | Span], None] | None,
    *,
    resumed: bool,
) -> CompletedRun:
    """Train to the end and save everything in a directory, which must be locked; return the result."""
    model, history = trainer.model, History()
    fixed = directory.absolute()  # a listener may change the working directory
    checkpoints, ranks = Checkpoints(directory.path, trainer, history), trainer.ranks
    with ExitStack() as stack:

        def begin() -> MetricsLog:
            if not resumed:
                model.record = directory.describe(model.network.spec, data, [environment(trainer.plans)])
            else:
                event = _taken_up(directory, trainer, history, checkpoints, data)
                model.record = load_resolved(directory.path / RESOLVED)
                if listener is not None:
                    listener(event)
            return stack.enter_context(fixed.metrics(history))

        log = agreed(ranks, begin)
        checkpoints.folder = fixed.path / CHECKPOINTS
        ended = _train(trainer, history, listener, log, checkpoints)
        result = _result(model, data, ended, history, fixed, trainer.plans.ranks)

        def save() -> None:
            stack.close()
            fixed.save(result)
            if result.stopped != "interrupted" and trainer.settings.checkpoint is None:
                fixed.forget_checkpoints()

        agreed(ranks, save)
    return result


def _taken_up(
    directory: RunDirectory, trainer: Trainer, history: History, checkpoints: Checkpoints, data: Dataset
) -> Resumed:
    """Go on from a run's latest checkpoint, which the other processes are sent."""
    if trainer.ranks is None:
        return take_up(directory, trainer, history, checkpoints, data)
    with shipping(trainer.ranks) as ship:
        return take_up(directory, trainer, history, checkpoints, data, ship)


def _train(
    trainer: Trainer,
    history: History,
    listener: Callable[[Event | Span], None] | None,
    log: MetricsLog | None = None,
    checkpoints: Checkpoints | None = None,
) -> Ended:
    ended: Ended | None = None
    following = Guarded(trainer)
    for event in trainer.spans():
        if isinstance(event, Span):
            history.add_span(event)
        elif isinstance(event, EpochEnded):
            history.add(event)
        elif isinstance(event, Ended):
            ended = event
        with following.guarding():
            if log is not None:
                log.add(event)
        if checkpoints is not None:
            with following.guarding():
                checkpoints.see(event)
        if listener is not None:
            with following.guarding():
                listener(event)
    following.finish(trainer.ranks)
    assert ended is not None
    return ended


def _result(
    model: CompiledModel,
    data: Dataset,
    ended: Ended,
    history: History,
    directory: RunDirectory | None,
    ranks: int,
) -> CompletedRun:
    return CompletedRun(
        name=model.network.spec.name,
        run=None if directory is None else directory.shown or directory.path,
        parameter_count=model.network.size,
        epochs=ended.epochs,
        steps=ended.steps,
        seconds=ended.seconds,
        stopped=ended.stopped,
        why=ended.why,
        splits=ended.splits,
        fit=_verdict(model, data, ended, history),
        best_epoch=ended.best_epoch,
        history=history,
        model=model,
        data=data,
        engine=model.network.engine,
        ranks=ranks,
        uncalibrated=ended.uncalibrated,
        uncertainty={} if model.uncertainty is None else model.uncertainty.as_dict(),
    )


def _verdict(model: CompiledModel, data: Dataset, ended: Ended, history: History) -> Verdict:
    """Return the verdict on the network itself: a calibration on the validation split would hide how it overfits."""
    if not ended.uncalibrated:
        return verdict_of(model, data, history, ended.splits, ended.best_epoch)
    found = verdict_of(model, data, history, ended.uncalibrated, ended.best_epoch)
    return replace(found, why=f"before calibration, {found.why}")
