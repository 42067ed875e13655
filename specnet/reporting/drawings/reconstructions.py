"""Inputs beside what an autoencoder makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from specnet.data import Encoding
from specnet.reporting.cells import columns
from specnet.reporting.drawing import Colours, Drawing, InapplicableError, label
from specnet.reporting.images import as_images, image_shape
from specnet.reporting.predictions import Predicted

Array = np.ndarray[Any, Any]

IMAGES, LINES = 10, 4
"""Rows drawn, where they are images and where they are not."""

NAMED = 12
"""Numbers up to which each has its name."""


def reconstructions_drawing(found: Sequence[Predicted], encoding: Encoding) -> Drawing:
    """Return some rows beside their reconstructions. Raises InapplicableError where a model reproduces no inputs."""
    given = next((each for each in found if each.of_inputs), None)
    if given is None:
        raise InapplicableError("reconstructions are of a model whose target is its inputs (an autoencoder)")
    shape = image_shape(encoding)
    if shape is not None and math.prod(shape) == given.targets.shape[1] == given.outputs.shape[1]:
        return _images(given, shape)
    return _lines(given, columns(encoding))


def _chosen(given: Predicted, maximum: int) -> Array:
    rows = len(given.rows)
    return np.linspace(0, rows - 1, min(maximum, rows)).astype(np.intp)


def _title(given: Predicted) -> str:
    return f"Inputs and their reconstructions, rows of the {given.split} split"


def _images(given: Predicted, shape: tuple[int, ...]) -> Drawing:
    places = _chosen(given, IMAGES)
    inputs = given.targets[places]
    pairs = (as_images(inputs, shape), as_images(given.outputs[places], shape, like=inputs))

    def draw(figure: Any, _: Colours) -> None:
        every = figure.subplots(2, len(places), squeeze=False)
        for line, (images, name) in enumerate(zip(pairs, ("input", "reconstruction"), strict=True)):
            for axes, image in zip(every[line], images, strict=True):
                look = {"cmap": "gray", "vmin": 0.0, "vmax": 1.0} if image.ndim == 2 else {}
                axes.imshow(image, **look)
                axes.set_xticks([])
                axes.set_yticks([])
            every[line, 0].set_ylabel(name)
        for axes, place in zip(every[1], places, strict=True):
            axes.set_xlabel(f"row {int(given.rows[place]) + 1}", fontsize=8)

    return Drawing(_title(given), f"{_title(given)}.", draw, (0.75 * len(places) + 0.4, 2.5))


def _lines(given: Predicted, names: Sequence[str]) -> Drawing:
    places = _chosen(given, LINES)
    count = given.outputs.shape[1]
    marker = {"marker": "o", "markersize": 3} if count <= 40 else {}

    def draw(figure: Any, colours: Colours) -> None:
        every = figure.subplots(len(places), 1, squeeze=False, sharex=True)[:, 0]
        for axes, place in zip(every, places, strict=True):
            axes.patch.set_visible(False)
            axes.plot(given.targets[place], "-", color=colours.train, linewidth=1.4, label="input", **marker)
            line = {"color": colours.validation, "linewidth": 1.4, "label": "reconstruction", **marker}
            axes.plot(given.outputs[place], "--", **line)
            axes.set_ylabel(f"row {int(given.rows[place]) + 1}")
            axes.spines[["top", "right"]].set_visible(False)
        every[0].legend(frameon=False, labelcolor=colours.ink, ncols=2, fontsize=8)
        every[-1].set_xlabel("input")
        if len(names) == count <= NAMED:
            every[-1].set_xticks(range(count), list(map(label, names)), rotation=30, ha="right")

    return Drawing(_title(given), f"{_title(given)}.", draw, (6.4, 1.3 * len(places) + 0.6))
