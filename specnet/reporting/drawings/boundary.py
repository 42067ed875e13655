"""What a model predicts all over the plane of its two inputs, or along its only one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.data import Dataset
from specnet.data.streamed import taken_inputs
from specnet.diagnostics import SpecError
from specnet.model.compiled import CompiledModel
from specnet.reporting.cells import columns, raw_rows
from specnet.reporting.drawing import (
    CATEGORICAL,
    MARKERS,
    UNSIGNED,
    Colours,
    Drawing,
    InapplicableError,
    label,
)
from specnet.reporting.predictions import Predicted, predicted

Array = np.ndarray[Any, Any]

SIDE = 160
"""Points of the grid on a side."""

MARGIN = 0.08
"""The share of the rows' range that is drawn beyond them."""

MAXIMUM_DOTS = 800
"""Rows drawn as dots."""

MAXIMUM_PANELS = 4
"""Outputs drawn side by side."""


@dataclass(frozen=True, slots=True)
class Plane:
    """The plane of two inputs: a grid of raw rows, what the model predicts there, and the rows of a split.

    Of an only input it is a line.
    """

    names: Sequence[str]
    grid: Sequence[Array]
    """(side,) values of each input."""
    predictions: dict[str, Array]
    """(side², ...) predictions on the grid, by output; (side, ...) on a line."""
    rows: Array
    """(rows, inputs) raw rows."""
    split: str


def boundary_drawing(model: CompiledModel, data: Dataset, split: str) -> Drawing:
    """Return the decision boundary of a model of two inputs, or its surface where it predicts numbers.

    The rows of a split are drawn on it, those that are predicted to be of another class marked. Raises
    InapplicableError for inputs that are not two numbers, and for models that predict nothing about the plane.
    """
    check_boundary(model)
    found = [given for given in predicted(model, data, split) if not given.of_inputs]
    if len(columns(data.encoding)) == 1 and any(given.kind == "classes" for given in found):
        raise InapplicableError("a boundary of classes is drawn over two inputs, and this model has 1")
    plane = _plane(model, data, found[0])
    panels = [panel for given in found for panel in _panels(given)]
    shown = panels[:MAXIMUM_PANELS]

    def draw(figure: Any, colours: Colours) -> None:
        for axes, (given, number, title) in zip(
            figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True
        ):
            if given.kind == "classes":
                _regions(axes, plane, given, _threshold(model, given.output))
            elif len(plane.names) == 1:
                _line(axes, plane, given, number, colours)
            else:
                _surface(figure, axes, plane, given, number)
            axes.set_xlabel(label(plane.names[0]))
            axes.set_ylabel(label(plane.names[1]) if len(plane.names) > 1 else "target")
            if title:
                axes.set_title(label(title), color=colours.ink)

    classes = any(given.kind == "classes" for given, _, _ in shown)
    title = f"{'Decision boundary' if classes else 'Predictions'} and rows of the {split} split"
    wrong = [given for given, _, _ in shown if given.read is not None]
    counts = "; ".join(f"{_wrong(given)} of {len(given.rows)} rows are misclassified" for given in wrong)
    return Drawing(title, f"{title}{': ' if counts else ''}{counts}.", draw, (5.6 * len(shown), 4.2))


def check_boundary(model: CompiledModel) -> None:
    """Raise InapplicableError where a model predicts nothing about a plane."""
    encoding, network = model.encoding, model.network
    assert encoding is not None
    if network.spec.data.reproduces or all(output.of_inputs for output in network.outputs.values()):
        raise InapplicableError("the model reproduces its inputs: --what reconstructions shows them")
    if network.spec.loss.targets == "groups":
        raise InapplicableError("the model predicts points, not classes or numbers: it has no boundary")
    names = columns(encoding)
    if len(names) > 2:
        raise InapplicableError(f"a boundary is drawn over two inputs, and this model has {len(names)}")
    text = [] if encoding.columns is None else [c.name for c in encoding.columns.features if c.coded]
    if text or any(array.dtype == "int64" for array in network.inputs):
        which = f"`{text[0]}` is a category" if text else "these are indices"
        raise InapplicableError(f"a boundary is drawn over numbers, and {which}")


def _wrong(given: Predicted) -> int:
    return int(np.sum(given.read != given.targets))


def _plane(model: CompiledModel, data: Dataset, given: Predicted) -> Plane:
    encoding = data.encoding
    names = columns(encoding)
    raw = raw_rows(encoding, taken_inputs(data.splits[given.split].inputs, given.rows)).reshape(
        -1, len(names)
    )
    if not np.isfinite(raw).all():
        raise InapplicableError("a boundary is drawn over two numbers, and this model does not take both")
    low, high = raw.min(axis=0), raw.max(axis=0)
    for margin in (MARGIN, 0.0):
        room = np.maximum((high - low) * margin, np.where(high > low, 0.0, 0.5))
        grid = [np.linspace(a - m, b + m, SIDE) for a, b, m in zip(low, high, room, strict=True)]
        points = np.stack([axis.reshape(-1) for axis in np.meshgrid(*grid)], axis=1)
        try:
            encoded = encoding.encode(points.reshape(-1, *encoding.raw_shape))
        except SpecError:  # a transform takes no numbers beyond those of the data
            continue
        predictions = model.predictions(encoded)
        return Plane(names, grid, predictions, raw, given.split)
    raise InapplicableError("the data's transforms do not take numbers from between the rows")


def _panels(given: Predicted) -> Iterator[tuple[Predicted, int, str]]:
    """Yield each panel of an output: one of classes, or one for each number, with its title."""
    if given.kind == "classes":
        yield given, 0, given.output
        return
    for number in range(given.outputs.shape[1]):
        several = given.outputs.shape[1] > 1
        yield given, number, " ".join(filter(None, (given.output, f"output {number}" if several else "")))


def _threshold(model: CompiledModel, output: str) -> float:
    """Return the value of a single label from which it is predicted."""
    if output in model.cutoffs:
        return float(model.cutoffs[output][0])
    return model.network.outputs[output].loss.threshold


def _regions(axes: Any, plane: Plane, given: Predicted, threshold: float) -> None:
    """Draw the regions of the classes, as pale as the model is unsure, the boundaries, and the rows."""
    made = plane.predictions[given.output].reshape(SIDE * SIDE, -1).astype(np.float64)
    count = len(given.names)
    if made.shape[1] == 1:
        margins = np.stack([threshold - made[:, 0], made[:, 0] - threshold], axis=1)
        shares = np.concatenate([1.0 - made, made], axis=1)
    else:
        best = np.sort(made, axis=1)
        margins = made - np.where(made == best[:, -1:], best[:, -2:-1], best[:, -1:])
        shares = made
    if given.sure is None:
        shares = (margins == margins.max(axis=1, keepdims=True)).astype(np.float64)
    tints = 0.55 + 0.45 * np.array([_rgb(n) for n in range(count)])
    image = np.clip(shares, 0.0, 1.0) @ tints
    x, y = plane.grid
    extent = (x[0], x[-1], y[0], y[-1])
    axes.imshow(np.clip(image, 0, 1).reshape(SIDE, SIDE, 3), origin="lower", extent=extent, aspect="auto")
    for n in range(count if count > 2 else 1):
        levels = margins[:, n].reshape(SIDE, SIDE)
        if levels.min() < 0 < levels.max():
            axes.contour(x, y, levels, levels=[0.0], colors="#222222", linewidths=1.1)
    places = _some(len(plane.rows))
    assert given.read is not None
    wrong = (given.read != given.targets)[places]
    for n, name in enumerate(given.names):
        chosen = places[given.targets[places] == n]
        if len(chosen):
            dots = {"c": CATEGORICAL[n % len(CATEGORICAL)], "marker": MARKERS[n % len(MARKERS)], "s": 16}
            axes.scatter(*plane.rows[chosen].T, **dots, edgecolors="white", linewidths=0.4, label=label(name))
    if wrong.any():
        ring = {"facecolors": "none", "edgecolors": "black", "linewidths": 1.1}
        axes.scatter(*plane.rows[places[wrong]].T, s=64, **ring, label="misclassified")
    axes.set_xlim(*extent[:2])
    axes.set_ylim(*extent[2:])
    frame = {"frameon": False, "fontsize": 8}
    if count <= 12:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.4, title="class", **frame)


def _surface(figure: Any, axes: Any, plane: Plane, given: Predicted, number: int) -> None:
    """Draw what is predicted as contours, and the targets of the rows in the same colours."""
    x, y = plane.grid
    made = plane.predictions[given.output].reshape(SIDE * SIDE, -1)[:, number].reshape(SIDE, SIDE)
    places = _some(len(plane.rows))
    targets = given.targets[places, number]
    low, high = min(float(made.min()), float(targets.min())), max(float(made.max()), float(targets.max()))
    span = (low, high) if high > low else (low - 0.5, high + 0.5)
    levels = np.linspace(*span, 13)
    filled = axes.contourf(x, y, made, levels=levels, cmap=UNSIGNED)
    axes.contour(x, y, made, levels=levels, colors="white", linewidths=0.4, alpha=0.6)
    dots = {"c": targets, "cmap": UNSIGNED, "vmin": span[0], "vmax": span[1], "s": 18}
    axes.scatter(*plane.rows[places].T, **dots, edgecolors="white", linewidths=0.6, label="target")
    figure.colorbar(filled, ax=axes, label="prediction; dots: target")


def _line(axes: Any, plane: Plane, given: Predicted, number: int, colours: Colours) -> None:
    """Draw what is predicted along the only input, and the targets of the rows."""
    places = _some(len(plane.rows))
    axes.spines[["top", "right"]].set_visible(False)
    dots = {"color": colours.train, "markersize": 3, "alpha": 0.6, "markeredgewidth": 0}
    axes.plot(plane.rows[places, 0], given.targets[places, number], "o", label="target", **dots)
    made = plane.predictions[given.output].reshape(SIDE, -1)[:, number]
    axes.plot(plane.grid[0], made, "-", color=colours.validation, linewidth=1.6, label="prediction")
    axes.legend(frameon=False, labelcolor=colours.ink)


def _rgb(number: int) -> Sequence[float]:
    colour = CATEGORICAL[number % len(CATEGORICAL)]
    return [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]


def _some(rows: int) -> Array:
    return np.linspace(0, rows - 1, min(MAXIMUM_DOTS, rows)).astype(np.intp)
