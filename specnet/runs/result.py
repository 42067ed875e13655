from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet._version import __version__
from specnet.diagnostics import html

if TYPE_CHECKING:
    import numpy as np

    from specnet.analysis.verdict import Verdict
    from specnet.data import Dataset
    from specnet.model.model import Model
    from specnet.training.events import Stopped
    from specnet.training.history import History

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one run."""

    name: str
    """The name of the experiment."""
    run: Path | None
    """The run's directory; None if nothing was saved."""
    parameter_count: int
    """The number of trained parameters."""
    epochs: int
    """The number of finished epochs."""
    steps: int
    """The number of steps."""
    seconds: float
    """How long the training took, including the evaluation at its end."""
    stopped: Stopped
    """How the training ended: `completed`, `early_stopping`, `interrupted` or `diverged`."""
    why: str
    """Why it ended."""
    splits: Mapping[str, Mapping[str, Any]]
    """Loss and metrics by split, measured with the final parameters."""
    fit: Verdict
    """Whether the model fits well, overfits or underfits, and the evidence."""
    best_epoch: int | None
    """The epoch whose parameters the model has, if early stopping restored the best."""
    history: History = field(repr=False)
    """Loss, learning rate and metrics of every epoch."""
    model: Model = field(repr=False)
    """The trained model."""
    data: Dataset = field(repr=False)
    """The splits that it was trained and evaluated on."""
    version: str = __version__
    """The version of specnet that trained it."""

    @property
    def parameters(self) -> Mapping[str, Array]:
        """The trained model's parameters by name; the same arrays as `model.parameters`."""
        return self.model.parameters

    def _repr_html_(self) -> str:
        """Return the table of results and the curves of the loss, for notebooks."""
        names = list(dict.fromkeys(name for figures in self.splits.values() for name in figures))
        names = [name for name in names if all(_is_number(f.get(name)) for f in self.splits.values())]
        rows = [[split, *(figures[name] for name in names)] for split, figures in self.splits.items()]
        ending = self.stopped.replace("_", " ")
        facts = (
            f"{self.parameter_count:,} parameters, {self.epochs:,} epochs in {self.seconds:.3g} s: {ending}"
        )
        fit = html.heading(f"Fit: {self.fit.verdict}", self.fit.why)
        return (
            html.heading(self.name, facts)
            + html.table(["split", *names], rows)
            + fit
            + self.history._repr_html_()
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain data, in the form that `run --output json` prints."""
        return {
            "specnet": self.version,
            "name": self.name,
            "run": None if self.run is None else str(self.run),
            "parameters": self.parameter_count,
            "epochs": self.epochs,
            "steps": self.steps,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "splits": {split: dict(figures) for split, figures in self.splits.items()},
            "fit": {"verdict": self.fit.verdict, "why": self.fit.why},
            "why": self.why,
            "best_epoch": self.best_epoch,
        }


def _is_number(figure: object) -> bool:
    return figure is None or isinstance(figure, float | int)
