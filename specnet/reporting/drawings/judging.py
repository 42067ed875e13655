"""How right predictions are: by class, by probability, and by how far numbers are off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from specnet.reporting.drawing import Colours, Drawing, InapplicableError, label, plain_axes
from specnet.reporting.predictions import Calibration, Predicted, confusion

Array = np.ndarray[Any, Any]

COUNTED = 20
"""Classes up to which the counts are written into a confusion matrix."""

NAMED = 60
"""Classes up to which they have names there."""

MOST_CLASSES = 2_000
"""Classes from which on a cell would be smaller than a point of the picture."""

MAXIMUM_DOTS = 800
"""Rows drawn as dots."""


def confusion_drawing(found: Sequence[Predicted]) -> Drawing:
    """Return the confusion matrix of each output that predicts classes.

    Raises InapplicableError where none does.
    """
    given = [each for each in found if each.kind == "classes"]
    if not given:
        raise InapplicableError("confusion is of classes, and this model predicts numbers")
    if any(len(each.names) > MOST_CLASSES for each in given):
        raise InapplicableError(
            f"confusion is drawn of up to {MOST_CLASSES:,} classes, and this model has more"
        )
    matrices = [confusion(each) for each in given]
    largest = max(map(len, matrices))
    side = min(9.0, 2.2 + 0.36 * largest if largest <= COUNTED else 7.0)

    def draw(figure: Any, colours: Colours) -> None:
        every = figure.subplots(1, len(given), squeeze=False)[0]
        for axes, each, matrix in zip(every, given, matrices, strict=True):
            _matrix(figure, axes, each, matrix, colours)

    split = given[0].split
    right = "; ".join(
        f"{each.output + ': ' if each.output else ''}{int(np.trace(m))} of {int(m.sum())} rows are correct"
        for each, m in zip(given, matrices, strict=True)
    )
    title = f"Confusion of the {split} split"
    return Drawing(title, f"{title}: {right}.", draw, (side * len(given) + 0.6, side))


def _matrix(figure: Any, axes: Any, given: Predicted, matrix: Array, colours: Colours) -> None:
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    figure.colorbar(image, ax=axes, label="fraction of the true class", shrink=0.8)
    count, names = len(matrix), [label(name) for name in given.names]
    if count <= COUNTED:
        for (row, column), number in np.ndenumerate(matrix):
            letters = "white" if shares[row, column] > 0.55 else "#222222"
            axes.text(column, row, f"{number:,}", ha="center", va="center", color=letters, fontsize=8)
    if count <= NAMED:
        upright = max(map(len, names)) > 3 and count > 4
        small = {"fontsize": 8 if count <= COUNTED else 5}
        axes.set_xticks(range(count), names, rotation=90 if upright else 0, **small)
        axes.set_yticks(range(count), names, **small)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if given.output:
        axes.set_title(label(given.output), color=colours.ink)


def calibration_drawing(given: Predicted, found: Calibration, before: Calibration | None = None) -> Drawing:
    """Return how often predictions are correct over the probability that the model gives them.

    Of a calibrated model, `before` is what it was without the calibration.
    """

    def draw(figure: Any, colours: Colours) -> None:
        axes = plain_axes(figure, colours)
        axes.plot([0, 1], [0, 1], ":", color=colours.ink, linewidth=1, label="perfectly calibrated")
        line = {"color": colours.validation, "markersize": 4, "linewidth": 1.4}
        if before is not None:
            faint = {"color": colours.train, "markersize": 3, "linewidth": 1}
            axes.plot(before.confidence, before.share, "s--", label="before calibration", **faint)
        axes.plot(
            found.confidence, found.share, "o-", label="the model" if before is None else "after", **line
        )
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("probability given")
        axes.set_ylabel("fraction correct")
        axes.legend(frameon=False, labelcolor=colours.ink)

    description = (
        f"How often predictions of the {given.split} split are correct, by the probability that the model gives "
        f"them; the expected calibration error is {found.error:.3f}"
        f"{'' if before is None else f', and was {before.error:.3f} before the calibration'}."
    )
    return Drawing("Calibration", description, draw)


def scatter_drawing(given: Predicted) -> Drawing:
    """Return predictions over targets, with the line on which they are equal."""
    targets, outputs = _dots(given)

    def draw(figure: Any, colours: Colours) -> None:
        axes = plain_axes(figure, colours)
        both = np.concatenate([targets, outputs])
        ends = [float(both.min()), float(both.max())]
        axes.plot(ends, ends, ":", color=colours.ink, linewidth=1, label="equal")
        axes.plot(targets, outputs, "o", color=colours.train, markersize=3, alpha=0.5, markeredgewidth=0)
        axes.set_xlabel("target")
        axes.set_ylabel("prediction")
        axes.legend(frameon=False, labelcolor=colours.ink)

    title = "Predictions over targets"
    return Drawing(title, f"{title} of the {given.split} split.", draw)


def residuals_drawing(given: Predicted) -> Drawing:
    """Return how far predictions are off, over the predictions."""
    targets, outputs = _dots(given)
    off = given.outputs.astype(np.float64) - given.targets
    spread = f"The residuals have mean {off.mean():.4g} and standard deviation {off.std():.4g}."

    def draw(figure: Any, colours: Colours) -> None:
        axes = plain_axes(figure, colours)
        axes.axhline(0, color=colours.ink, linewidth=1, linestyle=":")
        dots = {"color": colours.train, "markersize": 3, "alpha": 0.5, "markeredgewidth": 0}
        axes.plot(outputs, outputs - targets, "o", **dots)
        axes.set_xlabel("prediction")
        axes.set_ylabel("prediction - target")

    description = f"Residuals over predictions of the {given.split} split. {spread}"
    return Drawing(f"Residuals over predictions. {spread}", description, draw)


def _dots(given: Predicted) -> tuple[Array, Array]:
    """Return some targets and predictions, of every output together."""
    places = np.linspace(0, given.targets.size - 1, min(MAXIMUM_DOTS, given.targets.size)).astype(np.intp)
    return given.targets.reshape(-1)[places], given.outputs.reshape(-1)[places]
