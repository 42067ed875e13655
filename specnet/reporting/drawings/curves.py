from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from specnet.analysis.curves import Unit, place_of, unit_of
from specnet.reporting.comparison import compared_split, shared_unit
from specnet.reporting.drawing import (
    CATEGORICAL,
    LINES,
    LOGARITHMIC,
    Colours,
    Drawing,
    InapplicableError,
    label,
    plain_axes,
)
from specnet.reporting.wording import RATE, FigureName, figure_name
from specnet.runs.kept import KeptRun
from specnet.training.history import AFTER

Array = np.ndarray[Any, Any]

History = Sequence[dict[str, Any]]
"""The epochs of a run, as `KeptRun.history` returns them."""

NO_CURVE = "the run has not finished an epoch: there is no curve yet"

TRACKED = "train, after the "
"""What the curve of the training split that was measured after each epoch, or step, is called before this word."""

MAXIMUM_POINTS = 400
"""Points of a curve; of more, neighbours are averaged."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The values of one split or run, by epoch or by step."""

    name: str
    places: Array
    values: Array
    unit: Unit = "epoch"


def figure_labels(history: History) -> list[str]:
    """Return the labels of all figures that a run has a curve of, the loss first, and the learning rate last."""
    if not history:
        return []
    names = dict.fromkeys(("loss", *(name for row in history for name in row.get("validation", {}))))
    found = [
        name for name in names if any(curve_of(history, split, name) for split in ("train", "validation"))
    ]
    rates = {row.get(RATE) for row in history}
    return [*found, RATE] if len(rates) > 1 else found


def curve_of(history: History, split: str, figure: str, unit: Unit | None = None) -> Curve | None:
    """Return the curve of one figure of a split; None where it has none that consists of numbers.

    It is by epoch or step as the run is counted, or as `unit` says.
    """
    unit = unit or unit_of(history)
    points = [
        (row[unit], row[split][figure])
        for row in history
        if figure in (row.get(split) or {}) and not isinstance(row[split][figure], list)
    ]
    if not points:
        return None
    places, values = zip(*points, strict=True)
    numbers = [math.nan if value is None else value for value in values]
    return Curve(split, np.array(places), np.array(numbers, np.float64), unit)


def curves_drawing(run: KeptRun, history: History, figure: str) -> Drawing:
    """Return a figure of a run by epoch or step, for each split that has it, and where the kept parameters are from.

    `history` is the run's own.
    Raises InapplicableError where the run has no such figure.
    """
    name = figure_name(figure, run.made_of["spec"])
    if figure == RATE:
        unit = unit_of(history)
        places, rates = ([row[key] for row in history] for key in (unit, RATE))
        found = [Curve(name.name, np.array(places), np.array(rates), unit)] if history else []
        return _drawing(name, found, None, logarithmic=False)
    both = [curve_of(history, split, figure) for split in ("train", "validation")]
    if figure == "loss" and (after := curve_of(history, "train", AFTER)) is not None:
        both.insert(1, replace(after, name=TRACKED + after.unit))
    curves = [curve for curve in both if curve is not None]
    return _drawing(name, curves, place_of(history, (run.result or {}).get("best_epoch")), logarithmic=True)


def _drawing(
    name: FigureName, curves: Sequence[Curve], chosen: tuple[Unit, int] | None, *, logarithmic: bool
) -> Drawing:
    if not curves:
        raise InapplicableError(NO_CURVE)

    def draw(figure: Any, colours: Colours) -> None:
        axes = plain_axes(figure, colours)
        for each in curves:
            style = ":" if each.name.startswith(TRACKED) else "--" if each.name == "validation" else "-"
            _plot(axes, each, colours.validation if each.name == "validation" else colours.train, style)
        finish_axes(axes, curves, name.axis, logarithmic=logarithmic)
        if chosen is not None:
            unit, place = chosen
            axes.axvline(place, color=colours.ink, linewidth=1, linestyle=":", label=f"{unit} {place} (kept)")
        if len(curves) > 1 or chosen is not None:
            axes.legend(frameon=False, labelcolor=colours.ink)

    described = "; ".join(map(_described, curves))
    kept = "" if chosen is None else "; the parameters of {} {} were kept".format(*chosen)
    title = f"{name.title} by {curves[0].unit}"
    return Drawing(title, f"{title}: {described}{kept}.", draw)


def compared_drawing(runs: Sequence[KeptRun], names: Sequence[str]) -> Drawing:
    """Return the loss of several runs by epoch (or step): that of the validation split, if all have one."""
    histories = [run.history() for run in runs]
    split, unit = compared_split(histories), shared_unit(histories)
    curves = [curve_of(history, split, "loss", unit) for history in histories]
    called = {figure_name("loss", run.made_of["spec"]) for run in runs}
    one = called.pop() if len(called) == 1 else FigureName("loss")

    def draw(figure: Any, colours: Colours) -> None:
        axes = plain_axes(figure, colours)
        there = []
        for n, (name, curve) in enumerate(zip(names, curves, strict=True)):
            if curve is not None:
                there.append(curve)
                own = replace(curve, name=name)
                _plot(axes, own, CATEGORICAL[n % len(CATEGORICAL)], LINES[n % len(LINES)])
        finish_axes(axes, there, f"{split} {one.axis}", logarithmic=True)
        if there:
            axes.legend(frameon=False, labelcolor=colours.ink, fontsize=8)

    title = f"{one.title} of the {split} split by {unit}"
    described = "; ".join(
        f"{name}: {_described(curve)}" for name, curve in zip(names, curves, strict=True) if curve is not None
    )
    return Drawing(title, f"{title}: {described}.", draw, (8.0, 4.5))


def _plot(axes: Any, curve: Curve, colour: str, style: str) -> None:
    places, values = _thinned(curve.places), _thinned(curve.values)
    marker = {"marker": "o", "markersize": 3} if len(places) < 3 else {}
    axes.plot(places, values, style, color=colour, label=label(curve.name, 60), linewidth=1.6, **marker)


def finish_axes(axes: Any, curves: Sequence[Curve], what: str, *, logarithmic: bool) -> None:
    """Label the axes, the values' one logarithmic where all values are positive and span much."""
    values = np.concatenate([each.values for each in curves]) if curves else np.zeros(0)
    finite = values[np.isfinite(values)]
    if logarithmic and len(finite) and finite.min() > 0 and finite.max() >= LOGARITHMIC * finite.min():
        axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(curves[0].unit if curves else "epoch")
    axes.set_ylabel(what.replace("$", r"\$"))


def _described(curve: Curve) -> str:
    first, last = float(curve.values[0]), float(curve.values[-1])
    start, end = int(curve.places[0]), int(curve.places[-1])
    return f"{curve.name} from {first:.4g} at {curve.unit} {start} to {last:.4g} at {curve.unit} {end}"


def _thinned(values: Array) -> Array:
    if len(values) <= MAXIMUM_POINTS:
        return values
    return np.array([part.mean() for part in np.array_split(values.astype(np.float64), MAXIMUM_POINTS)])
