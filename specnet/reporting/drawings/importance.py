"""What a model's predictions depend on: the importance of columns, and the mean prediction by a column's value."""

from __future__ import annotations

from typing import Any

from specnet.analysis.importance import ColumnImportance, Importance, PartialDependence
from specnet.reporting.drawing import CATEGORICAL, LINES, MARKERS, Colours, Drawing, label, plain_axes

MAXIMUM_BARS = 20
"""Columns whose importance is drawn."""

MAXIMUM_CURVES = len(CATEGORICAL)
"""Classes whose mean predictions are drawn; of more, those that vary the most."""

MAXIMUM_LETTERS = 40
"""Letters that fit below a picture; names of categories that have more stand upright."""

WIDEST_TICK = 16
"""Letters of a category that are shown."""


def importance_drawing(found: Importance) -> Drawing:
    """Return the importance of the most important columns as bars, with their standard deviations."""
    shown = found.columns[:MAXIMUM_BARS]

    def draw(figure: Any, colours: Colours) -> None:
        axes = plain_axes(figure, colours)
        rows = range(len(shown))
        means, stds = ([getattr(each, name) for each in shown] for name in ("mean", "std"))
        spread = {"ecolor": colours.ink, "elinewidth": 1, "capsize": 2}
        axes.barh(rows, means, xerr=stds, color=colours.train, height=0.7, error_kw=spread)
        axes.axvline(0, color=colours.ink, linewidth=0.8)
        axes.set_yticks(rows, [label(each.column) for each in shown])
        axes.set_ylim(-0.7, len(shown) - 0.3)
        axes.grid(visible=False, axis="y")
        axes.invert_yaxis()
        axes.set_xlabel(f"{'decrease' if found.better == 'higher' else 'increase'} of {label(found.metric)}")

    most = ", ".join(f"{each.column} {each.mean:.3g} ± {each.std:.2g}" for each in shown[:5])
    title = f"Importance: {found.meaning}, with its standard deviation"
    return Drawing(
        title, f"{title}. The most important columns: {most}.", draw, (5.0, 0.9 + 0.22 * len(shown))
    )


def dependence_drawing(column: ColumnImportance, dependence: PartialDependence) -> Drawing:
    """Return the mean prediction by the values of one column: curves over numbers, dots over categories."""
    values, curves = dependence.values, _varying(dependence)
    names = [label(value, WIDEST_TICK) for value in values if isinstance(value, str)]
    across = [float(n) if isinstance(value, str) else value for n, value in enumerate(values)]

    def draw(figure: Any, colours: Colours) -> None:
        axes = plain_axes(figure, colours)
        for n, (name, means) in enumerate(curves.items()):
            line = "none" if names else LINES[n % len(LINES)]
            style = {"color": CATEGORICAL[n], "marker": MARKERS[n], "markersize": 5 if names else 3}
            axes.plot(across, means, linestyle=line, label=label(name), **style)
        if names:
            upright = len(names) * max(map(len, names)) > MAXIMUM_LETTERS
            axes.set_xticks(across, names, rotation=90 if upright else 0)
            axes.margins(x=0.08)
        axes.set_xlabel(label(column.column))
        probable = all(name.rpartition(".")[2].startswith("P(") for name in curves)
        several = "mean probability" if probable else "mean prediction"
        axes.set_ylabel(several if len(curves) > 1 else f"mean {label(next(iter(curves)))}")
        if len(curves) > 1:
            beside = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
            axes.legend(frameon=False, labelcolor=colours.ink, fontsize=8, **beside)

    every = len(dependence.predictions)
    chosen = "" if len(curves) == every else f", the {len(curves)} of {every} predictions that vary the most"
    ranges = "; ".join(f"{name} from {min(means):.3g} to {max(means):.3g}" for name, means in curves.items())
    title = f"Partial dependence: {column.column}{chosen}"
    return Drawing(title, f"{title}. Mean predictions: {ranges}.", draw)


def _varying(dependence: PartialDependence) -> dict[str, tuple[float, ...]]:
    """Return the predictions that are drawn, in their order; of many classes those that the column changes the most."""
    every = dependence.predictions
    most = sorted(every, key=lambda name: min(every[name]) - max(every[name]))[:MAXIMUM_CURVES]
    return {name: means for name, means in every.items() if name in most}
