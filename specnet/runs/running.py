from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from specnet.analysis.evidence import verdict_of
from specnet.analysis.verdict import Verdict
from specnet.data import Dataset
from specnet.language.spec import Spec
from specnet.model.compiled import CompiledModel
from specnet.runs.checkpoints import Checkpoints
from specnet.runs.compiling import compile_spec
from specnet.runs.directory import CHECKPOINTS, RESOLVED, RunDirectory
from specnet.runs.environment import environment
from specnet.runs.lock import locked
from specnet.runs.metrics_log import MetricsLog
from specnet.runs.request import RunRequest
from specnet.runs.result import CompletedRun
from specnet.runs.resuming import check_resumable, finished
from specnet.runs.resuming import resume as take_up
from specnet.storage.resolved import load_resolved
from specnet.training.events import Ended, EpochEnded, Event, Span
from specnet.training.history import History
from specnet.training.loop import Trainer


def run_spec(spec: Spec, data: Any, request: RunRequest) -> CompletedRun:
    """Train a spec's model to the end, and save what the request asks for; see `specnet.run`."""
    resume = request.resume
    if resume is not None:
        check_resumable(Path(resume), spec)
    model, loaded = compile_spec(
        spec,
        data,
        initialised=resume is None,
        warned=request.warned,
        threads=request.threads,
        engine=request.engine,
    )
    return run(
        model,
        loaded,
        out=request.out,
        folder=request.folder,
        resume=resume,
        stop=request.stop,
        listener=request.listener,
    )


def run(
    model: CompiledModel,
    data: Dataset,
    *,
    out: str | PathLike[str] | None = None,
    folder: str | PathLike[str] | None = None,
    resume: str | PathLike[str] | None = None,
    stop: Callable[[], bool] | None = None,
    listener: Callable[[Event | Span], None] | None = None,
) -> CompletedRun:
    """Train a model to the end, save what `out` or `folder` ask for, and return what it came to.

    `out` names the run's directory, `folder` one in which a directory `NAME/NNN` is made, `resume` that of a
    run to be resumed; without any nothing is written. The result of a run that is finished already is
    read, and nothing trained. The directory is made, and described, before the
    first step, so that what cannot be saved is known before anything is learnt. `listener` is called with
    every event. Raises RunError where something cannot be written, or cannot be resumed.
    """
    if resume is not None:
        directory = RunDirectory(Path(resume))
        with locked(directory.path):
            result = finished(directory, model, data)
            if result is not None:
                model.record = load_resolved(directory.path / RESOLVED)
            else:
                result = _recorded(directory, Trainer(model, data, stop), data, listener, resumed=True)
            return result
    trainer = Trainer(model, data, stop)
    if out is not None:
        directory = RunDirectory.at(out)
    elif folder is not None:
        directory = RunDirectory.new(folder, model.network.spec.name)
    else:
        history = History()
        return _result(model, data, _train(trainer, history, listener), history, None)
    with locked(directory.path):
        return _recorded(directory, trainer, data, listener, resumed=False)


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
    checkpoints = Checkpoints(directory.path, trainer, history)
    if not resumed:
        model.record = directory.describe(model.network.spec, data, [environment(trainer.plans)])
    else:
        event = take_up(directory, trainer, history, checkpoints, data)
        model.record = load_resolved(directory.path / RESOLVED)
        if listener is not None:
            listener(event)
    directory = fixed
    checkpoints.folder = directory.path / CHECKPOINTS
    with directory.metrics(history) as log:
        ended = _train(trainer, history, listener, log, checkpoints)
    result = _result(model, data, ended, history, directory)
    directory.save(result)
    if result.stopped != "interrupted" and trainer.settings.checkpoint is None:
        directory.forget_checkpoints()
    return result


def _train(
    trainer: Trainer,
    history: History,
    listener: Callable[[Event | Span], None] | None,
    log: MetricsLog | None = None,
    checkpoints: Checkpoints | None = None,
) -> Ended:
    ended: Ended | None = None
    for event in trainer.spans():
        if isinstance(event, Span):
            history.add_span(event)
        elif isinstance(event, EpochEnded):
            history.add(event)
        elif isinstance(event, Ended):
            ended = event
        if log is not None:
            log.add(event)
        if checkpoints is not None:
            checkpoints.see(event)
        if listener is not None:
            listener(event)
    assert ended is not None
    return ended


def _result(
    model: CompiledModel, data: Dataset, ended: Ended, history: History, directory: RunDirectory | None
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
        uncalibrated=ended.uncalibrated,
        uncertainty={} if model.uncertainty is None else model.uncertainty.as_dict(),
    )


def _verdict(model: CompiledModel, data: Dataset, ended: Ended, history: History) -> Verdict:
    """Return the verdict on the network itself: a calibration on the validation split would hide how it overfits."""
    if not ended.uncalibrated:
        return verdict_of(model, data, history, ended.splits, ended.best_epoch)
    found = verdict_of(model, data, history, ended.uncalibrated, ended.best_epoch)
    return replace(found, why=f"before calibration, {found.why}")
