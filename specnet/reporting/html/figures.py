"""Figures as SVG that a page holds in its text: colours are the page's own, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from specnet.runs.extras import needed

Array = np.ndarray[Any, Any]

SIZE = (4.6, 2.9)
"""Inches: so small that the letters are still read where a phone shows it in its whole width."""

MAXIMUM_POINTS = 400
"""Points of a curve; of more, neighbours are averaged."""

INK, TRAIN, VALIDATION = "#010203", "#010204", "#010205"
_COLOURS = {INK: "currentColor", TRAIN: "var(--train)", VALIDATION: "var(--validation)"}

RATE = "learning rate"

SPREAD = 30.0
"""How many times the largest value must exceed the smallest for an axis to be logarithmic."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One split's values, epoch by epoch."""

    name: str
    epochs: Array
    values: Array
    colour: str
    style: str = "-"


class Figures:
    """Draws figures whose names inside one page do not meet."""

    def __init__(self) -> None:
        self._matplotlib = needed("matplotlib", "report", "a report")
        self._figure = needed("matplotlib.figure", "report", "a report").Figure
        self._numbers = count(1)

    def curves(self, curves: Sequence[Curve], what: str, chosen: int | None) -> str:
        """Draw values over epochs, and a line at the epoch whose parameters were kept."""

        def draw(axes: Any) -> None:
            for each in curves:
                epochs, values = _thinned(each.epochs), _thinned(each.values)
                marker = {"marker": "o", "markersize": 3} if len(epochs) < 3 else {}
                axes.plot(
                    epochs, values, each.style, color=each.colour, label=each.name, linewidth=1.6, **marker
                )
            everything = np.concatenate([each.values for each in curves])
            finite = everything[np.isfinite(everything)]
            if what != RATE and len(finite) and finite.min() > 0 and finite.max() >= SPREAD * finite.min():
                axes.set_yscale("log")
            if chosen is not None:
                axes.axvline(chosen, color=INK, linewidth=1, linestyle=":", label=f"epoch {chosen}, kept")
            axes.set_xlabel("epoch")
            axes.set_ylabel(what)
            if len(curves) > 1 or chosen is not None:
                axes.legend(frameon=False, labelcolor=INK)

        return self._drawn(draw)

    def scatter(self, targets: Array, predictions: Array) -> str:
        """Draw predictions over targets, with the line on which they are equal."""

        def draw(axes: Any) -> None:
            both = np.concatenate([targets, predictions])
            ends = [float(both.min()), float(both.max())]
            axes.plot(ends, ends, ":", color=INK, linewidth=1, label="equal")
            axes.plot(targets, predictions, "o", color=TRAIN, markersize=3, alpha=0.5, markeredgewidth=0)
            axes.set_xlabel("target")
            axes.set_ylabel("prediction")
            axes.legend(frameon=False, labelcolor=INK)

        return self._drawn(draw)

    def residuals(self, targets: Array, predictions: Array) -> str:
        """Draw what predictions are off by, over the predictions."""

        def draw(axes: Any) -> None:
            axes.axhline(0, color=INK, linewidth=1, linestyle=":")
            off = predictions - targets
            axes.plot(predictions, off, "o", color=TRAIN, markersize=3, alpha=0.5, markeredgewidth=0)
            axes.set_xlabel("prediction")
            axes.set_ylabel("prediction - target")

        return self._drawn(draw)

    def calibration(self, confidence: Array, share: Array, name: str) -> str:
        """Draw how often predictions come true over how sure they are."""

        def draw(axes: Any) -> None:
            axes.plot([0, 1], [0, 1], ":", color=INK, linewidth=1, label="perfectly calibrated")
            axes.plot(
                confidence, share, "o-", color=VALIDATION, markersize=4, linewidth=1.4, label="the model"
            )
            axes.set_xlim(-0.02, 1.02)
            axes.set_ylim(-0.02, 1.02)
            axes.set_xlabel(name)
            axes.set_ylabel("fraction that is true")
            axes.legend(frameon=False, labelcolor=INK)

        return self._drawn(draw)

    def _drawn(self, draw: Any) -> str:
        settings = {
            "svg.fonttype": "none",
            "svg.hashsalt": "specnet",
            "font.family": "sans-serif",
            "font.size": 9,
            **dict.fromkeys(
                ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK
            ),
        }
        with self._matplotlib.rc_context(settings):
            figure = self._figure(figsize=SIZE, layout="constrained")
            figure.patch.set_visible(False)
            axes = figure.subplots()
            axes.patch.set_visible(False)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color=INK, alpha=0.12, linewidth=0.6)
            draw(axes)
            file = io.StringIO()
            nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
            figure.savefig(file, format="svg", metadata=nothing)
        return _inlined(file.getvalue(), next(self._numbers))


def _inlined(svg: str, number: int) -> str:
    """Return a figure without what only a file of its own needs, its names made this figure's own."""
    svg = svg[svg.index("<svg") :]
    head, rest = svg.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    assert box is not None
    rest = re.sub(r'\b(id="|xlink:href="#|url\(#)', lambda found: f"{found[0]}f{number}-", rest)
    rest = rest.replace("xlink:href", "href")
    for colour, own in _COLOURS.items():
        rest = rest.replace(colour, own)
    return f'<svg {box[0]} aria-hidden="true" focusable="false">{rest}'


def _thinned(values: Array) -> Array:
    if len(values) <= MAXIMUM_POINTS:
        return values
    return np.array([part.mean() for part in np.array_split(values.astype(np.float64), MAXIMUM_POINTS)])
