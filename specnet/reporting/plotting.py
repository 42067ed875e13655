"""The pictures that `specnet plot` draws of a run, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from specnet.data import Dataset
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed
from specnet.model.compiled import CompiledModel
from specnet.reporting.drawing import Drawing, InapplicableError
from specnet.reporting.drawings.activations import activations_drawing
from specnet.reporting.drawings.boundary import boundary_drawing, check_boundary
from specnet.reporting.drawings.curves import NO_CURVE, History, curves_drawing, figure_labels
from specnet.reporting.drawings.forecasts import forecasts_drawing, forecasts_of
from specnet.reporting.drawings.judging import confusion_drawing
from specnet.reporting.drawings.reconstructions import reconstructions_drawing
from specnet.reporting.drawings.weights import weights_drawing
from specnet.reporting.predictions import predicted
from specnet.reporting.wording import RATE
from specnet.runs.evaluating import located_data
from specnet.runs.fold_paths import several_folds
from specnet.runs.kept import JUDGES, KeptRun
from specnet.runs.loading import load_model


@dataclass
class PlottedRun:
    """A run of which a picture is drawn, its parts read when they are needed, and the options that choose."""

    run: KeptRun
    split: str | None = None
    layer: str | None = None

    def __post_init__(self) -> None:
        """Raise RunError for a run with folds, each of which has pictures of its own."""
        if self.run.fold_count:
            raise several_folds(self.run.path, self.run.fold_count)

    @cached_property
    def history(self) -> History:
        """What each epoch came to."""
        return self.run.history()

    @cached_property
    def model(self) -> CompiledModel:
        """The trained model."""
        return load_model(self.run.path)

    @cached_property
    def located(self) -> tuple[Dataset, Path]:
        """The data that it was trained on, read again, and the folder that their paths start from."""
        return located_data(self.run.path, self.model.network)

    @property
    def data(self) -> Dataset:
        """The data that it was trained on, read again."""
        return self.located[0]

    def chosen_split(self, default: str | None = None) -> str:
        """Return the split whose rows are drawn: the one that is asked for, or that says most about new data."""
        splits = self.data.splits
        if self.split is not None and self.split not in splits:
            raise InapplicableError(
                f"the run has no `{clipped(self.split)}` split; it has {listed(list(splits))}", "--split"
            )
        return self.split or default or next(name for name in JUDGES if name in splits)


def _confusion(plotted: PlottedRun) -> Drawing:
    return confusion_drawing(predicted(plotted.model, plotted.data, plotted.chosen_split()))


def _boundary(plotted: PlottedRun) -> Drawing:
    check_boundary(plotted.model)
    return boundary_drawing(plotted.model, plotted.data, plotted.chosen_split("train"))


def _weights(plotted: PlottedRun) -> Drawing:
    return weights_drawing(plotted.model, plotted.layer)


def _activations(plotted: PlottedRun) -> Drawing:
    return activations_drawing(plotted.model, plotted.data, plotted.chosen_split(), plotted.layer)


def _reconstructions(plotted: PlottedRun) -> Drawing:
    found = predicted(plotted.model, plotted.data, plotted.chosen_split())
    return reconstructions_drawing(found, plotted.data.encoding)


def _forecasts(plotted: PlottedRun) -> Drawing:
    data, base = plotted.located
    found = predicted(plotted.model, data, plotted.chosen_split())
    return forecasts_drawing(forecasts_of(plotted.model, base, found[0]) if found else None)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, and the options that it takes."""

    draw: Callable[[PlottedRun], Drawing]
    takes: frozenset[str]


PICTURES = {
    "boundary": Picture(_boundary, frozenset({"--split"})),
    "weights": Picture(_weights, frozenset({"--layer"})),
    "activations": Picture(_activations, frozenset({"--layer", "--split"})),
    "reconstructions": Picture(_reconstructions, frozenset({"--split"})),
    "confusion": Picture(_confusion, frozenset({"--split"})),
    "forecasts": Picture(_forecasts, frozenset({"--split"})),
}
"""The pictures beside the curves, each of which is named after its figure."""


def picture(plotted: PlottedRun, what: str) -> Drawing:
    """Return the picture of this name: one of `PICTURES`, or a figure by epoch.

    Raises InapplicableError for what the run has not, and for options that the picture does not take; RunError where
    the run's model or data are missing.
    """
    kind = PICTURES.get(what)
    takes = frozenset() if kind is None else kind.takes
    if kind is None:
        _check_label(plotted, what)
    for option, value in (("--split", plotted.split), ("--layer", plotted.layer)):
        if value is not None and option not in takes:
            raise InapplicableError(f"it has no effect on --what {what}", option)
    if kind is None:
        return curves_drawing(plotted.run, plotted.history, what)
    with np.errstate(all="ignore"):
        return kind.draw(plotted)


def _check_label(plotted: PlottedRun, what: str) -> None:
    labels = figure_labels(plotted.history)
    if what in labels or (labels and what == RATE):
        return
    known = [*labels, *PICTURES]
    near = closest(what, known)
    if near is None and not labels:
        raise InapplicableError(NO_CURVE)
    help = f"did you mean `{near}`?" if near else f"it has {listed(known, 40)}"
    raise InapplicableError(f"the run has no `{clipped(what)}` to draw; {help}")
