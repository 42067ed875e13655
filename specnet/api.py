"""The Python interface: load, validate, compile, train, run and sweep a document.

Nothing here prints or exits, and nothing is kept between calls but the kinds that `register` adds. Any thread may call
any of it, and threads may share a model: see `Model`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar

from specnet.data.confine import Confine
from specnet.diagnostics import Report
from specnet.language import examine, load
from specnet.language.loading import Document
from specnet.language.overrides import Overrides
from specnet.language.warnings import unknown_warning

if TYPE_CHECKING:
    from specnet.analysis.gradients import GradientCheck
    from specnet.analysis.traced import Trace
    from specnet.model.model import Model
    from specnet.runs.result import Result
    from specnet.sweeps.events import SweepEvent
    from specnet.training.events import Event, Span
    from specnet.training.exclusive import ExclusiveEvents
    from specnet.vocabulary.kind import Kind

__all__ = [
    "check_gradients",
    "compile",
    "load",
    "register",
    "run",
    "sweep",
    "trace",
    "train",
    "validate",
]

K = TypeVar("K", bound="Kind")


def register(kind: type[K]) -> type[K]:
    """Let documents name a class of your own by its `type`, and return the class: it may be used as a decorator.

    The class is a subclass of `Layer`, `Activation`, `Initializer`, `Regularizer`, `Loss`, `Metric`, `Stepping` or
    `Searching` (optimizers), `Schedule`, `DataFormat`, `Transform` or `Augmentation`, and thereby a kind of that
    family, as those of specnet are; docs/extending.md shows one. It stays registered until the process ends, for all
    threads. Raises TypeError for a class that is not a complete kind of a family, and ValueError where its `type` is
    not snake_case or is another kind's, or a description is missing.
    """
    from specnet.language.registering import register as registered

    return registered(kind)


def validate(
    source: Document,
    overrides: Overrides | None = None,
    *,
    data: bool = True,
    ignore: Collection[str] = (),
    confine: str | PathLike[str] | None = None,
    plugins: bool = False,
    environment: bool = True,
) -> Report:
    """Return all errors and warnings of a document and of the data that it names.

    `source` is a path, the text of a document, its data as a dictionary, or a spec. Without `data` no data are read,
    and shapes are checked if `input_shape` gives them. `ignore` lists warnings to suppress, such as
    `SN701`, in addition to those that the document suppresses. `confine` names a folder: a document outside it is
    not read, nor is anything outside it that the document names, even through links; and the plugins that the document
    names are imported only with `plugins`. Without `environment`, a path that names an environment variable is an
    error. An invalid document never raises; a file that cannot or must not be read raises SpecFileError, and a code
    that is not a warning's, or a `confine` that is not a folder, ValueError.
    """
    unknown = [fault[0] for fault in map(unknown_warning, ignore) if fault is not None]
    if unknown:
        raise ValueError("; ".join(unknown))
    within = None if confine is None else Confine.to(confine)
    spec, report, sound = examine(
        source, overrides, within, plugins=plugins, environment=environment, bases=True
    )
    spec = spec or (sound.spec if sound is not None else None)
    if spec is None:
        return report
    from specnet.runs.validation import full_report

    return full_report(spec, report, sound, data=data, ignore=ignore, confine=within)


def compile(  # noqa: A001 (the name that the design fixes)
    spec: Document, *, data: Any = None, threads: int | None = None, engine: str | None = None
) -> Model:
    """Return a document's model: shapes checked, data read, transforms fitted, parameters initialised.

    `data` replaces the document's own data: a pair of arrays, inputs and targets, of which the inputs may be several
    arrays by name; a pandas or Polars frame for a table; or a dictionary of these for the splits `train`,
    `validation` and `test`. The document's splits, transforms and augmentations apply to them. `threads` is how many
    threads the model may compute with; by default it is the environment variable `SPECNET_THREADS`, or as many as
    there are cores for the process. The last digits of a large network's numbers depend on it. `engine` is what
    computes, "numpy" or "numba"; by default it is the environment variable `SPECNET_ENGINE`, or "numpy". Raises
    SpecError with every error in the document or its data, ValueError for an unknown engine, and RunError for one
    that is not installed.
    """
    from specnet.runs.compiling import compile_spec

    return compile_spec(load(spec), data, threads=threads, engine=engine)[0]


def train(
    spec: Document,
    *,
    data: Any = None,
    stop: Callable[[], bool] | None = None,
    threads: int | None = None,
    engine: str | None = None,
    distributed: str | int | None = None,
) -> ExclusiveEvents[Event]:
    """Train a document's model, and yield events: `Started`, `StepsDone`, `EpochEnded`, and finally `Ended`.

    `Started` and `Ended` have the model. The training pauses at each event until the next is requested: the model
    is exactly what it is after the step or epoch that the event reports, and stays so if the iterator is closed.
    Only just before `Ended` are its parameters replaced: by the best ones where early stopping restores them, by the
    running mean with `ema_decay`.

    `stop` is called after every step, and once it returns true the training ends cleanly, with an `Ended`
    that says `interrupted`. `data`, `threads` and `engine` are as in `compile`.

    With a number as `distributed`, that many processes of this machine train the model together: this one starts the
    others, and ends them once the iterator is closed, or there are no more events. With `distributed="mpi"`, all
    processes that `mpirun` has started make this call, and each asks for all events: one that stops asking leaves the
    others waiting. To end the training of all, return true from `stop` in any of them.

    Any thread may request the next event, and between two events any thread may predict with the model. While
    steps are made, only the thread that makes them may, in `stop`; others get ModelInUseError. Requesting an event
    while another thread predicts, or waits for one, raises ModelInUseError, too, and can be repeated afterwards.
    Raises SpecError as `compile` does, at once; with `distributed`, ValueError and RunError as `run` does.
    """
    from specnet.runs.request import RunRequest
    from specnet.runs.training_events import training_events

    request = RunRequest(stop=_as_called(stop), threads=threads, engine=engine, distributed=distributed)
    return training_events(load(spec), data, request)


def run(
    spec: Document,
    *,
    data: Any = None,
    out: str | PathLike[str] | None = None,
    folder: str | PathLike[str] | None = None,
    resume: str | PathLike[str] | None = None,
    stop: Callable[[], bool] | None = None,
    listener: Callable[[Event | Span], None] | None = None,
    warned: Callable[[Report], None] | None = None,
    threads: int | None = None,
    engine: str | None = None,
    distributed: str | int | None = None,
) -> Result:
    """Train a document's model to the end and return the result.

    With `out`, everything is saved in the directory of that name; with `folder`, in a new `NAME/NNN` under
    that one, as `specnet run` does under `runs`; without either, nothing is written. `resume` names the
    directory of a run of this document that was killed or interrupted, which is continued bit for bit. If the run
    is already finished, its result is returned, without training and without an event.
    `data`, `threads` and `engine` are as in `compile`, and `stop` as in `train`. What `train` says about threads
    applies here: ModelInUseError, which ends the run, is raised if another thread is predicting with the run's model
    when `listener` returns.

    A document with `folds` is trained once for each fold, in `folds/1`, `folds/2` and so on of the run's directory.
    The result has the means over all folds, the result of each fold in `folds`, and the mean of their models. Resuming
    takes finished folds as they are. `fold` in the document trains one fold alone, as an ordinary run.

    With a number as `distributed`, that many processes of this machine train the model together: this one starts the
    others. With `distributed="mpi"`, all processes that `mpirun` has started make this call. The first of them saves
    the run; in the others, the result's `run` is None. See docs/distributed.md.

    `listener` is called with every event of `train` as it happens, and with `Resumed` before all others; with
    `FoldStarted` and `FoldEnded` around those of each fold. If a fold takes more than two seconds on one thread, the
    folds of a saved run after it are trained by worker processes, whose other events are not passed on. Where
    an epoch is one step, many epochs may come as one `Span`, with the model as it is after the last of them; use
    `train` to see it after each. Raises SpecError for an invalid document; RunError if the directory cannot be
    written, is in use, contains something other than a run, or a run that cannot be resumed; and ValueError if
    more than one directory is named.
    """
    from specnet.runs.experiments import run_experiment
    from specnet.runs.request import RunRequest

    loaded = load(spec)
    request = RunRequest(
        out=out,
        folder=folder,
        resume=resume,
        stop=_as_called(stop),
        listener=listener,
        warned=warned,
        threads=threads,
        engine=engine,
        distributed=distributed,
    )
    return run_experiment(loaded, data, request)


def sweep(
    spec: Document,
    *,
    data: Any = None,
    folder: str | PathLike[str] = "runs",
    resume: bool = False,
    storage: str | None = None,
    study: str | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    stop: Callable[[], bool] | None = None,
    threads: int | None = None,
    engine: str | None = None,
) -> Generator[SweepEvent, None, None]:
    """Search for the values of a document's `[sweep]`, and yield events: `SweepStarted`, those of trials, `SweepEnded`.

    Trials are trained in up to `jobs` processes, by default one for each core, and saved in `folder/NAME-sweep/NNN`.
    With `data`, which is as in `compile`, or with kinds that this process has registered, they are trained in it, one
    at a time. `resume` continues the latest sweep of the document in `folder`. `storage` is the URL of a database that
    other processes and machines may share, where the sweep is called `study`; by default the environment variable
    `SPECNET_STORAGE`, or a file of SQLite. `dask` is the address of a Dask scheduler whose workers train the trials,
    or "local" for a cluster that is started on this machine. `stop` is asked several times per second, and once it
    returns true the trials end after the current step, and are continued by `resume`, as they are if the iterator is
    closed. `threads` and `engine` are as in `compile`.

    Raises SpecError with all that is wrong with the document or with a value that may be tried, at once; and RunError
    without the extra `sweep`, or if the storage cannot be used.
    """
    from specnet.sweeps.starting import search_for

    search = search_for(
        load(spec),
        data,
        folder=folder,
        resume=resume,
        storage=storage,
        study=study,
        jobs=jobs,
        dask=dask,
        stop=stop,
        threads=threads,
        engine=engine,
    )
    return search.events()


def check_gradients(
    spec: Document,
    *,
    data: Any = None,
    rows: int = 32,
    entries: int = 32,
    threads: int | None = None,
    engine: str | None = None,
) -> list[GradientCheck]:
    """Return how far the gradient of each parameter is from central differences, on the document's own data.

    Both are computed in float64, of the loss with its penalties on up to `rows` rows of the training split, as in
    training; up to `entries` numbers of a parameter are perturbed one at a time. A gradient that is wrong raises
    nothing: its `ok` is false. `data`, `threads` and `engine` are as in `compile`. Raises SpecError as `compile` does.
    """
    from specnet.analysis.gradients import check_gradients as check
    from specnet.runs.compiling import compile_spec

    exact = load(spec).model_copy(update={"dtype": "float64"})
    model, loaded = compile_spec(exact, data, threads=threads, engine=engine)
    return check(model, loaded, rows=rows, entries=entries)


def trace(
    spec: Document, *, data: Any = None, row: int | None = None, steps: int = 1, threads: int | None = None
) -> Trace:
    """Return what happens to one row of the training split in the first steps of a document's training.

    The result has for each step the formulas and numbers of the forward pass, the loss, the gradients and the update;
    they are those of a run of the document. `row` counts from 0; without it, it is the first row of the first batch.
    `data` and `threads` are as in `compile`. Raises ValueError for a row that the split does not have, SpecError as
    `compile` does.
    """
    from specnet.analysis.tracing import trace as traced
    from specnet.runs.compiling import compile_spec

    return traced(*compile_spec(load(spec), data, threads=threads), row=row, steps=steps)


def _as_called(stop: Callable[[], bool] | None) -> Callable[[], bool] | None:
    """Return what a training asks whether to stop, so that the steps around it do not flush subnormal numbers in it."""
    from specnet.engines.subnormals import keeping

    return None if stop is None else keeping(stop)
