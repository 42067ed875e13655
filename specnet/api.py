"""The Python interface: load, validate, compile, train, run, and read a finished run.

Nothing here prints, keeps global state, or exits; a model belongs to one thread, and threads take one each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import Report, SpecError
from specnet.language import check, load
from specnet.language.overrides import Overrides
from specnet.language.spec import Spec

if TYPE_CHECKING:
    from pathlib import Path

    from specnet.compiler.model import Model
    from specnet.data import Dataset
    from specnet.runs.verdict import Verdict
    from specnet.training.events import Event, Stopped
    from specnet.training.history import History

__all__ = ["Result", "compile", "load", "load_run", "run", "train", "validate"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one run came to."""

    name: str
    run: Path | None
    """The run's directory; None where nothing was saved."""
    parameters: int
    """How many numbers were fitted."""
    epochs: int
    """How many epochs were finished."""
    steps: int
    seconds: float
    stopped: Stopped
    why: str
    """In words, why it ended."""
    splits: Mapping[str, Mapping[str, Any]]
    """Loss and metrics by split, measured with the final parameters."""
    fit: Verdict
    best_epoch: int | None
    """The epoch whose parameters the model holds, where early stopping put the best back."""
    history: History = field(repr=False)
    model: Model = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain data, in the form that `run --output json` prints."""
        from specnet._version import __version__

        return {
            "specnet": __version__,
            "name": self.name,
            "run": None if self.run is None else str(self.run),
            "parameters": self.parameters,
            "epochs": self.epochs,
            "steps": self.steps,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "splits": {split: dict(figures) for split, figures in self.splits.items()},
            "fit": {"verdict": self.fit.verdict, "why": self.fit.why},
            "why": self.why,
            "best_epoch": self.best_epoch,
        }


def validate(source: str | PathLike[str], overrides: Overrides | None = None, *, data: bool = True) -> Report:
    """Return everything that is wrong with a document, and with the data that it names.

    `source` is a path, or the text of a document. Without `data` no data is touched, and shapes are checked
    where `input_shape` pins them. A faulty document never raises; a file that cannot be read raises
    SpecFileError.
    """
    spec, report = check(source, overrides)
    if spec is None:
        return report
    from specnet.compiler.study import study

    found = study(spec, data=data)
    return Report(report.files, (*report.diagnostics, *spec.origin.place(found)), {**report.sources, **spec.origin.texts})


def compile(spec: Spec) -> Model:  # noqa: A001 (the name that the design fixes)
    """Return a document's model: shapes checked, data read, transforms fitted, parameters initialised.

    Raises SpecError with every fault of the document or its data.
    """
    return _compile(spec)[0]


def train(spec: Spec, *, stop: Callable[[], bool] | None = None) -> Iterator[Event]:
    """Train a document's model, as a stream of events: `Started`, `StepsDone`, `EpochEnded`, and last `Ended`.

    Between two events only steps are made; closing the iterator ends the training. `stop` is asked after
    every step, and once it returns true the training ends in good order, with an `Ended` that says
    `interrupted`. `Started` and `Ended` hold the model. Raises SpecError as `compile` does, at once.
    """
    from specnet.training.loop import Trainer

    model, data = _compile(spec)
    return Trainer(model, data, stop).events()


def run(
    spec: Spec,
    *,
    out: str | PathLike[str] | None = None,
    stop: Callable[[], bool] | None = None,
    listener: Callable[[Event], None] | None = None,
) -> Result:
    """Train a document's model to the end and return what it came to.

    With `out`, everything is saved in that directory (see DESIGN of run directories in the documentation);
    without, nothing is written. `listener` is called with every event of `train`. Raises SpecError for a
    faulty document, RunError where the directory cannot be written.
    """
    from specnet.runs.running import run as run_and_record

    model, data = _compile(spec)
    return run_and_record(model, data, out=out, stop=stop, listener=listener)


def load_run(path: str | PathLike[str]) -> Model:
    """Return the model of a finished run, ready to predict; the data that it learnt from is not needed.

    Raises RunError where the directory holds no run, or a damaged one.
    """
    from specnet.runs.directory import load_run as read

    return read(path)


def _compile(spec: Spec) -> tuple[Model, Dataset]:
    from specnet.compiler.model import Model
    from specnet.compiler.study import build
    from specnet.data import load_data

    try:
        data = load_data(spec.data, spec.origin.folder, seed=spec.seed, dtype=spec.dtype)
        return Model(build(spec, data.signature), data.encoding), data
    except SpecError as error:
        raise spec.origin.error(error) from None
