from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from os import PathLike

from specnet.compiler.model import Model
from specnet.data import Dataset
from specnet.runs.directory import RunDirectory
from specnet.runs.evidence import verdict_of
from specnet.runs.result import Result
from specnet.training.events import Ended, EpochEnded, Event, Span
from specnet.training.history import History
from specnet.training.loop import Trainer


def run(
    model: Model,
    data: Dataset,
    *,
    out: str | PathLike[str] | None = None,
    folder: str | PathLike[str] | None = None,
    stop: Callable[[], bool] | None = None,
    listener: Callable[[Event | Span], None] | None = None,
) -> Result:
    """Train a model to the end, save what `out` or `folder` ask for, and return what it came to.

    `out` names the run's directory, `folder` one in which a directory `NAME/NNN` is made; without either
    nothing is written. The directory is made, and described, before the first step, so that what cannot be
    saved is known before anything is learnt. `listener` is called with every event. Raises RunError where
    something cannot be written.
    """
    trainer = Trainer(model, data, stop)
    directory = _directory(model, data, out, folder)
    history = History()
    ended: Ended | None = None
    with nullcontext() if directory is None else directory.metrics() as log:
        for event in trainer.spans():
            if isinstance(event, Span):
                history.add_span(event)
            elif isinstance(event, EpochEnded):
                history.add(event)
            elif isinstance(event, Ended):
                ended = event
            if log is not None:
                log.add(event)
            if listener is not None:
                listener(event)
    assert ended is not None
    result = _result(model, data, ended, history, directory)
    if directory is not None:
        directory.save(result)
    return result


def _directory(
    model: Model, data: Dataset, out: str | PathLike[str] | None, folder: str | PathLike[str] | None
) -> RunDirectory | None:
    spec = model.network.spec
    if out is not None:
        directory = RunDirectory.at(out)
    elif folder is not None:
        directory = RunDirectory.new(folder, spec.name)
    else:
        return None
    directory.describe(spec, data)
    return directory


def _result(
    model: Model, data: Dataset, ended: Ended, history: History, directory: RunDirectory | None
) -> Result:
    return Result(
        name=model.network.spec.name,
        run=None if directory is None else directory.path,
        parameters=model.network.size,
        epochs=ended.epochs,
        steps=ended.steps,
        seconds=ended.seconds,
        stopped=ended.stopped,
        why=ended.why,
        splits=ended.splits,
        fit=verdict_of(model, data, history, ended.splits, ended.best_epoch),
        best_epoch=ended.best_epoch,
        history=history,
        model=model,
        data=data,
    )
