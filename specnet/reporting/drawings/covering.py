"""How far intervals and prediction sets reach, and which targets they miss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.data import Dataset
from specnet.data.streamed import taken_inputs
from specnet.model.compiled import CompiledModel
from specnet.model.conformal import Intervals
from specnet.model.intervals import intervals_of
from specnet.reporting.drawing import Colours, Drawing, plain_axes
from specnet.reporting.predictions import Predicted

Array = np.ndarray[Any, Any]

MAXIMUM_ROWS = 120
"""Rows whose intervals are drawn."""


@dataclass(frozen=True, slots=True)
class Covering:
    """Rows of a split with their intervals, or the sizes of their sets, and whether these hold the targets."""

    split: str
    level: float
    inside: Array
    """(rows,)."""
    targets: Array
    """(rows,)."""
    predictions: Array
    """(rows,), as numbers."""
    ends: tuple[Array, Array] | None
    """(rows,) each; None of sets."""
    sizes: Array
    """(rows,): the number of classes in each set."""


def coverings(model: CompiledModel, data: Dataset, found: list[Predicted]) -> dict[str, Covering]:
    """Return by output what intervals of predicted rows hold, where a row has one target."""
    made: dict[str, Covering] = {}
    for given in found:
        if given.places != 1:
            continue
        inputs = taken_inputs(data.splits[given.split].inputs, given.rows)
        own = intervals_of(model, inputs, model.predictions(inputs)).get(given.output)
        if own is None:
            continue
        count = len(given.rows)
        if isinstance(own, Intervals):
            if own.lower.size != count:
                continue
            ends = own.lower.reshape(count), own.upper.reshape(count)
            targets, predictions = given.targets.reshape(count), given.outputs.reshape(count)
            inside = (ends[0] <= targets) & (targets <= ends[1])
            sizes = np.zeros(count, np.intp)
            made[given.output] = Covering(given.split, own.level, inside, targets, predictions, ends, sizes)
        elif own.members.ndim == 2 and given.read is not None:
            inside = own.members[np.arange(count), given.targets]
            sizes = own.members.sum(axis=1)
            made[given.output] = Covering(
                given.split, own.level, inside, given.targets, given.read, None, sizes
            )
    return made


def covering_drawing(given: Covering) -> Drawing:
    """Return intervals around predicted numbers with the targets, or how many sets have how many classes."""
    share = f"{100 * float(given.inside.mean()):.1f}%"
    asked = f"{100 * given.level:.4g}%"
    if given.ends is None:
        title = f"Prediction sets by size: {share} hold the class, {asked} were asked for"
        words = (
            f"The sizes of the prediction sets of the {given.split} split, of which {share} hold the class."
        )
        return Drawing(title, words, lambda figure, colours: _sizes(figure, colours, given))
    title = f"Intervals: {share} hold the target, {asked} were asked for"
    words = f"Intervals and targets of the {given.split} split by prediction; {share} of the intervals hold the target."
    return Drawing(title, words, lambda figure, colours: _intervals(figure, colours, given))


def _sizes(figure: Any, colours: Colours, given: Covering) -> None:
    axes = plain_axes(figure, colours)
    largest = int(given.sizes.max(initial=1)) + 1
    held = np.bincount(given.sizes[given.inside], minlength=largest)
    missed = np.bincount(given.sizes[~given.inside], minlength=largest)
    places = np.arange(largest)
    axes.bar(places, held, color=colours.train, label="holds the class", width=0.7)
    axes.bar(places, missed, bottom=held, color=colours.validation, label="does not", width=0.7, hatch="//")
    if largest <= 12:
        axes.set_xticks(places)
    axes.set_xlabel("classes in the set")
    axes.set_ylabel("rows")
    axes.legend(frameon=False, labelcolor=colours.ink)


def _intervals(figure: Any, colours: Colours, given: Covering) -> None:
    assert given.ends is not None
    axes = plain_axes(figure, colours)
    count = len(given.inside)
    places = np.linspace(0, count - 1, min(MAXIMUM_ROWS, count)).astype(np.intp)
    chosen = np.argsort(given.predictions, kind="stable")[places]
    x = np.arange(len(chosen))
    low, high = (end[chosen] for end in given.ends)
    axes.vlines(x, low, high, color=colours.ink, alpha=0.35, linewidth=1.2, label="interval")
    targets, inside = given.targets[chosen], given.inside[chosen]
    dots = {"markersize": 3, "markeredgewidth": 0, "linestyle": ""}
    axes.plot(x[inside], targets[inside], "o", color=colours.train, label="target inside", **dots)
    axes.plot(x[~inside], targets[~inside], "s", color=colours.validation, label="outside", **dots)
    axes.set_xticks([])
    axes.set_xlabel("rows, by prediction")
    axes.set_ylabel("target")
    axes.legend(frameon=False, labelcolor=colours.ink)
