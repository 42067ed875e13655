"""Pictures of a sweep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from specnet.diagnostics.text import clipped
from specnet.reporting.drawing import (
    CATEGORICAL,
    LOGARITHMIC,
    UNSIGNED,
    Colours,
    Drawing,
    colour_map_of,
    label,
    plain_axes,
)
from specnet.sweeps.result import SweepResult, TrialRecord, front

MOST_SLICES = 12
"""How many parameters have a picture of their own."""

COLUMNS = 3


class AxisScale:
    """How the values of a parameter, or of an objective, lie on an axis: numbers as they are, others in order."""

    def __init__(self, values: Sequence[Any]) -> None:
        numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)
        finite = [float(each) for each in values if numbers and math.isfinite(each)]
        self.words = [] if numbers else sorted({_word(each) for each in values})
        spans = bool(finite) and min(finite) > 0 and max(finite) >= LOGARITHMIC * min(finite)
        self.logarithmic = numbers and spans

    def place(self, value: Any) -> float:
        """Return where a value lies on the axis."""
        return float(self.words.index(_word(value))) if self.words else float(value)

    def share(self, value: Any, values: Sequence[Any]) -> float:
        """Return where a value lies between the lowest, 0, and the highest, 1."""
        change = math.log if self.logarithmic else float
        places = [change(self.place(each)) for each in values]
        low, high = min(places), max(places)
        return (change(self.place(value)) - low) / (high - low) if high > low else 0.5

    def mark(self, axes: Any) -> None:
        """Label the horizontal axis."""
        if self.words:
            axes.set_xticks(range(len(self.words)), [label(word, 14) for word in self.words])
        elif self.logarithmic:
            axes.set_xscale("log")


def _word(value: Any) -> str:
    if isinstance(value, dict) and "type" in value:
        return str(value["type"])
    return str(value).lower() if isinstance(value, bool) else str(value)


def parameter_names(result: SweepResult) -> list[str]:
    """Return the parameters, the most important first."""
    names = dict.fromkeys(key for trial in result.trials for key in trial.parameters)
    return [
        *(name for name in result.importances if name in names),
        *(n for n in names if n not in result.importances),
    ]


def history_drawing(result: SweepResult, place: int) -> Drawing:
    """Return what an objective came to, trial by trial, and the best so far."""
    done = sorted(result.complete, key=lambda trial: trial.number)
    numbers = [trial.number for trial in done]
    values = [_value(trial, place) for trial in done]
    running = (np.maximum if result.directions[place] == "maximize" else np.minimum).accumulate(values)
    name = result.objectives[place]

    def draw(figure: Any, colours: Colours) -> None:
        axes = plain_axes(figure, colours)
        axes.plot(numbers, values, "o", color=colours.train, markersize=4, alpha=0.7, label="trial")
        axes.step(
            numbers, running, where="post", color=colours.validation, linewidth=1.6, label="best so far"
        )
        if AxisScale(values).logarithmic:
            axes.set_yscale("log")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("trial")
        axes.set_ylabel(label(name))
        axes.legend(frameon=False, labelcolor=colours.ink, fontsize=8)

    title = f"{name} by trial"
    best = f"the best of {len(done)} complete trials is {running[-1]:.4g}"
    return Drawing(title, f"{title}: {best}.", draw, (8.0, 3.4))


def parallel_drawing(result: SweepResult) -> Drawing:
    """Return each complete trial as a line over its parameters and its objective, coloured by the objective."""
    done, names = list(result.complete), parameter_names(result)
    name = result.objectives[0]
    columns: list[tuple[str, list[Any]]] = [
        (each, [trial.parameters.get(each) for trial in done]) for each in names
    ]
    columns.append((name, [_value(trial, 0) for trial in done]))

    def draw(figure: Any, colours: Colours) -> None:
        axes = figure.subplots()
        axes.patch.set_visible(False)
        axes.spines[:].set_visible(False)
        colour_map = colour_map_of(UNSIGNED)
        rows = list(zip(*(_shares(values) for _, values in columns), strict=True))
        for row in reversed(rows):  # the best lie on top
            places = [n for n, share in enumerate(row) if share is not None]
            shares = [share for share in row if share is not None]
            good = 1.0 - row[-1] if result.directions[0] == "minimize" else row[-1]
            axes.plot(places, shares, color=colour_map(good), linewidth=1.1, alpha=0.35 + 0.6 * good)
        for n, (each, values) in enumerate(columns):
            axes.axvline(n, color=colours.ink, alpha=0.4, linewidth=0.8)
            low, high = _ends(values)
            axes.text(n, -0.04, label(low, 14), ha="center", va="top", fontsize=7)
            axes.text(n, 1.04, label(high, 14), ha="center", va="bottom", fontsize=7)
            axes.text(n, 1.13, label(each.rsplit(".", 1)[-1], 18), ha="center", va="bottom", fontsize=8)
        axes.set_ylim(-0.12, 1.22)
        axes.set_xticks([])
        axes.set_yticks([])

    title = "Parameters of the complete trials, the best in the lightest colour"
    return Drawing(title, f"{title}: {', '.join(each for each, _ in columns)}.", draw, (8.0, 3.6))


def slices_drawing(result: SweepResult) -> Drawing:
    """Return the objective over each parameter."""
    done, names = list(result.complete), parameter_names(result)[:MOST_SLICES]
    name = result.objectives[0]

    def draw(figure: Any, colours: Colours) -> None:
        rows = -(-len(names) // COLUMNS)
        every = figure.subplots(rows, min(COLUMNS, len(names)), squeeze=False, sharey=True)
        logarithmic = AxisScale([_value(trial, 0) for trial in done]).logarithmic
        for n, axes in enumerate(every.flat):
            if n >= len(names):
                axes.set_visible(False)
                continue
            there = [trial for trial in done if names[n] in trial.parameters]
            scale = AxisScale([trial.parameters[names[n]] for trial in there])
            axes.patch.set_visible(False)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color=colours.ink, alpha=0.12, linewidth=0.6)
            axes.plot(
                [scale.place(trial.parameters[names[n]]) for trial in there],
                [_value(trial, 0) for trial in there],
                "o",
                color=colours.train,
                markersize=3.5,
                alpha=0.7,
            )
            scale.mark(axes)
            if logarithmic:
                axes.set_yscale("log")
            axes.set_xlabel(label(names[n], 34), fontsize=8)
            if n % COLUMNS == 0:
                axes.set_ylabel(label(name), fontsize=8)

    title = f"{name} over each parameter"
    height = 2.3 * -(-len(names) // COLUMNS)
    return Drawing(title, f"{title}: {', '.join(names)}.", draw, (8.0, height))


def importance_drawing(result: SweepResult) -> Drawing:
    """Return how much each parameter matters, as bars."""
    shares = result.importances

    def draw(figure: Any, colours: Colours) -> None:
        axes = plain_axes(figure, colours)
        names = list(shares)[::-1]
        axes.barh([label(name, 40) for name in names], [shares[name] for name in names], color=CATEGORICAL[0])
        axes.set_xlim(0, 1)
        axes.set_xlabel("share")

    title = f"Importance of the parameters for {result.objectives[0]}"
    described = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    return Drawing(title, f"{title}: {described}.", draw, (8.0, 0.8 + 0.32 * len(shares)))


def front_drawing(result: SweepResult) -> Drawing:
    """Return the first two objectives of each complete trial, and the Pareto front."""
    done = list(result.complete)
    best = sorted(front(done, result.directions), key=lambda trial: _value(trial, 0))

    def draw(figure: Any, colours: Colours) -> None:
        axes = plain_axes(figure, colours)
        points = [(_value(trial, 0), _value(trial, 1)) for trial in done]
        axes.plot(
            *zip(*points, strict=True), "o", color=colours.train, markersize=4, alpha=0.6, label="trial"
        )
        chosen = [(_value(trial, 0), _value(trial, 1)) for trial in best]
        axes.plot(
            *zip(*chosen, strict=True), "s-", color=colours.validation, markersize=5, label="Pareto front"
        )
        axes.set_xlabel(label(result.objectives[0]))
        axes.set_ylabel(label(result.objectives[1]))
        for values, name in zip(zip(*points, strict=True), ("x", "y"), strict=True):
            if AxisScale(values).logarithmic:
                getattr(axes, f"set_{name}scale")("log")
        axes.legend(frameon=False, labelcolor=colours.ink, fontsize=8)

    title = f"{result.objectives[0]} and {result.objectives[1]}"
    return Drawing(
        title, f"{title} of {len(done)} trials, {len(best)} on the Pareto front.", draw, (8.0, 3.8)
    )


def _value(trial: TrialRecord, place: int) -> float:
    assert trial.values is not None
    return trial.values[place]


def _shares(values: list[Any]) -> list[float | None]:
    there = [value for value in values if value is not None]
    scale = AxisScale(there)
    return [None if value is None else scale.share(value, there) for value in values]


def _ends(values: list[Any]) -> tuple[str, str]:
    """Return what stands at the lower and the upper end of an axis."""
    there = [value for value in values if value is not None]
    scale = AxisScale(there)
    ordered = sorted(there, key=scale.place)
    shown = [f"{each:.4g}" if isinstance(each, float) else clipped(_word(each), 14) for each in ordered]
    return shown[0], shown[-1]
