from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet._version import __version__
from specnet.diagnostics import html
from specnet.diagnostics.text import fraction

if TYPE_CHECKING:
    from specnet.analysis.verdict import Verdict
    from specnet.data import Dataset
    from specnet.model.compiled import CompiledModel
    from specnet.model.evaluation import Figures
    from specnet.model.model import FloatArray, Model
    from specnet.runs.out_of_fold import OutOfFold
    from specnet.training.events import Stopped
    from specnet.training.history import History


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one run, as `specnet.run` returns it."""

    name: str
    """The name of the experiment."""
    run: Path | None
    """The run's directory; None if nothing was saved."""
    parameter_count: int
    """The number of trained parameters."""
    epochs: float
    """The number of finished epochs; a fraction, as a float, with `training.steps`."""
    steps: int
    """The number of steps."""
    seconds: float
    """How long the training took, including the evaluation at its end."""
    stopped: Stopped
    """How the training ended: `completed`, `early_stopping`, `interrupted` or `diverged`."""
    why: str
    """Why it ended."""
    splits: Mapping[str, Figures]
    """Loss and metrics by split, measured with the final parameters, and calibrated if the document asks for it."""
    fit: Verdict
    """Whether the model fits well, overfits or underfits, and the evidence."""
    best_epoch: float | None
    """The epoch whose parameters the model has, if early stopping restored the best."""
    history: History = field(repr=False)
    """Loss, learning rate and metrics of every epoch."""
    model: Model = field(repr=False)
    """The trained model."""
    version: str = __version__
    """The version of specnet that trained it."""
    engine: str = "numpy"
    """What computed the training, or its last part if it was resumed with another engine."""
    ranks: int = 1
    """How many processes trained it together, or its last part if it was resumed."""
    folds: tuple[Result, ...] = field(default=(), repr=False)
    """The result of each fold, if the document asks for `folds`; then `splits` are their means, `epochs` and `steps`
    their sums, and `model` averages their models."""
    std: Mapping[str, Figures] = field(default_factory=dict)
    """The standard deviations of loss and metrics over the folds, by split; they are those of a sample."""
    uncalibrated: Mapping[str, Figures] = field(default_factory=dict, repr=False)
    """Loss and metrics by split before the calibration that the document asks for; `splits` are those after it, and
    `fit` and `history` are about the network itself. Empty for a model that is not calibrated."""
    uncertainty: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The `calibration` and the `intervals` of the model as plain data; empty if the document asks for neither."""
    out_of_fold: OutOfFold | None = field(default=None, repr=False)
    """The predictions for the rows of each fold, by the model that was not trained on them."""

    @property
    def parameters(self) -> Mapping[str, FloatArray]:
        """The trained model's parameters by name; the same arrays as `model.parameters`."""
        return self.model.parameters

    def _repr_html_(self) -> str:
        """Return the table of results and the curves of the loss, for notebooks."""
        names = list(dict.fromkeys(name for figures in self.splits.values() for name in figures))
        names = [name for name in names if all(_is_number(f.get(name)) for f in self.splits.values())]
        rows = [[split, *(figures[name] for name in names)] for split, figures in self.splits.items()]
        ending = self.stopped.replace("_", " ")
        facts = f"{self.parameter_count:,} parameters, {fraction(self.epochs)} epochs in {self.seconds:.3g} s: {ending}"
        fit = html.heading(f"Fit: {self.fit.verdict}", self.fit.why)
        return (
            html.heading(self.name, facts)
            + html.table(["split", *names], rows)
            + fit
            + self.history._repr_html_()
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain data, in the form that `run --output json` prints."""
        plain: dict[str, Any] = {
            "specnet": self.version,
            "name": self.name,
            "run": None if self.run is None else str(self.run),
            "parameters": self.parameter_count,
            "epochs": self.epochs,
            "steps": self.steps,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "splits": {split: figures.as_dict() for split, figures in self.splits.items()},
            "thresholds": dict(self.model.thresholds),
            "fit": {"verdict": self.fit.verdict, "why": self.fit.why},
            "why": self.why,
            "best_epoch": self.best_epoch,
            "engine": self.engine,
        }
        if self.ranks > 1:
            plain["ranks"] = self.ranks
        if not self.model.thresholds:
            del plain["thresholds"]
        if self.uncertainty:
            plain["uncertainty"] = dict(self.uncertainty)
        if self.uncalibrated:
            plain["uncalibrated"] = {split: own.as_dict() for split, own in self.uncalibrated.items()}
        if self.folds:
            plain["splits"] = {
                split: {**figures.as_dict(), "std": dict(self.std[split])}
                for split, figures in self.splits.items()
            }
            plain["folds"] = [_as_fold(fold.as_dict()) for fold in self.folds]
        return plain


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CompletedRun(Result):
    """A result with what the package needs of it besides `Result`: the model as it sees it, and the data."""

    model: CompiledModel = field(repr=False)
    data: Dataset = field(repr=False)
    """The splits that it was trained and evaluated on."""

    def __repr__(self) -> str:
        """Return the text of the result that it is to users, who know no other class."""
        return repr(self.without_data())

    def without_data(self) -> Result:
        """Return a plain result, which keeps no data in memory."""
        kind, arguments = self.__reduce__()
        return kind(*arguments)

    def __reduce__(self) -> tuple[type[Result], tuple[Any, ...]]:
        """Leave out the data: a pickle or a copy is a plain result."""
        return Result, tuple(getattr(self, each.name) for each in fields(Result))


def _as_fold(plain: dict[str, Any]) -> dict[str, Any]:
    """Return a result as that of a fold, without what all folds share."""
    return {
        key: value for key, value in plain.items() if key not in ("specnet", "name", "parameters", "engine")
    }


def _is_number(figure: object) -> bool:
    return figure is None or isinstance(figure, float | int)
