"""What a hidden layer gives for some rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.data import Dataset
from specnet.data.streamed import taken, taken_inputs
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import listed
from specnet.model.compiled import CompiledModel
from specnet.reporting.cells import raw_rows
from specnet.reporting.drawing import (
    CATEGORICAL,
    MARKERS,
    SIGNED,
    UNSIGNED,
    Colours,
    Drawing,
    InapplicableError,
    label,
)
from specnet.reporting.images import as_images, image_shape, mosaic

Array = np.ndarray[Any, Any]

ROWS = 60
"""Rows of a heat map."""

DOTS = 600
"""Rows drawn as dots, for a layer of two units."""

MAPPED = 4
"""Rows whose feature maps, or steps, are drawn."""

MAPS = 16
"""Feature maps drawn of each row."""

SHOWN_CLASSES = 20
"""Classes up to which rows are grouped by class."""

UNINTERESTING = ("dropout", "flatten", "reshape", "gaussian_noise", "spatial_dropout", "input")
"""Layers that pass on what they get, in evaluation."""


def hidden_layers(model: CompiledModel) -> list[str]:
    """Return the layers of the document's own list before the last one."""
    return [info.name for info in model.network.layers if info.depth == 0][:-1]


def hidden_layer(model: CompiledModel) -> str | None:
    """Return the last hidden layer that changes what it gets; None where there is none."""
    own = [info for info in model.network.layers if info.depth == 0]
    last = max(
        (n for n, info in enumerate(own) if any(_within(info.name, p) for p in model.parameters)), default=0
    )
    found = [info.name for info in own[:last] if info.type not in UNINTERESTING]
    return found[-1] if found else None


def _within(layer: str, parameter: str) -> bool:
    return parameter.startswith(f"{layer}.")


def activations_drawing(model: CompiledModel, data: Dataset, split: str, layer: str | None = None) -> Drawing:
    """Return what a layer gives for rows of a split: by default the last hidden one.

    Raises InapplicableError where the model has no such layer.
    """
    chosen = hidden_layer(model) if layer is None else layer
    if chosen is None:
        raise InapplicableError("the model has no hidden layer")
    known = [info.name for info in model.network.layers if info.depth == 0]
    if chosen not in known:
        near = closest(chosen, known)
        help = f"did you mean `{near}`?" if near else f"there are {listed(known)}"
        raise InapplicableError(f"the model has no layer `{chosen}`; {help}", "--layer")
    shape = next(info.output for info in model.network.layers if info.name == chosen)[1:]
    if len(shape) == 1 and shape[0] == 2:
        return _dots(model, data, split, chosen)
    return _heat_map(model, data, split, chosen) if len(shape) <= 1 else _maps(model, data, split, chosen)


def _rows(rows: int, maximum: int) -> Array:
    return np.linspace(0, rows - 1, min(maximum, rows)).astype(np.intp)


def _labels(data: Dataset, split: str, places: Array) -> tuple[Array | None, tuple[str, ...]]:
    """Return the class of each row and the classes' names; None where the rows have none."""
    signature = data.signature
    if signature.classes is None or len(signature.classes) > SHOWN_CLASSES or data.encoding.format.reproduces:
        return None, ()
    targets = taken(data.splits[split].targets, places)
    if targets.ndim > 1 and targets.shape[-1] == len(signature.classes):
        targets = targets.argmax(axis=-1)
    flat = targets.reshape(-1)
    labels = np.clip(np.round(flat), 0, len(signature.classes) - 1).astype(np.intp)
    return (labels, signature.classes) if len(labels) == len(places) else (None, ())


def _colours(values: Array) -> dict[str, Any]:
    finite = values[np.isfinite(values)]
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    if low < 0 < high:
        limit = max(-low, high)
        return {"cmap": SIGNED, "vmin": -limit, "vmax": limit}
    return {"cmap": UNSIGNED}


def _heat_map(model: CompiledModel, data: Dataset, split: str, layer: str) -> Drawing:
    places = _rows(len(data.splits[split]), ROWS)
    values = model.hidden(layer, taken_inputs(data.splits[split].inputs, places))
    values = values.reshape(len(places), -1)
    labels, names = _labels(data, split, places)
    if labels is not None:
        order = np.argsort(labels, kind="stable")
        values, labels = values[order], labels[order]

    def draw(figure: Any, _: Colours) -> None:
        axes = figure.subplots()
        image = axes.imshow(values, aspect="auto", **_colours(values))
        figure.colorbar(image, ax=axes, label="activation")
        axes.set_xlabel(f"unit of {label(layer)}")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_ylabel(f"rows of the {split} split")
        if labels is None:
            return
        axes.set_ylabel(f"rows of the {split} split, by class")
        there = np.unique(labels)
        starts = np.array([int(np.argmax(labels == n)) for n in there])
        ends = np.append(starts[1:], len(labels))
        axes.set_yticks((starts + ends - 1) / 2, [label(names[n]) for n in there])
        for start in starts[1:]:
            axes.axhline(start - 0.5, color="white", linewidth=1)

    by = "" if labels is None else ", by class"
    title = f"Activations of {layer} for {len(places)} rows of the {split} split{by}"
    return Drawing(title, f"{title}.", draw, (6.4, 4.2))


def _dots(model: CompiledModel, data: Dataset, split: str, layer: str) -> Drawing:
    places = _rows(len(data.splits[split]), DOTS)
    values = model.hidden(layer, taken_inputs(data.splits[split].inputs, places))
    labels, names = _labels(data, split, places)

    def draw(figure: Any, colours: Colours) -> None:
        axes = figure.subplots()
        axes.patch.set_visible(False)
        if labels is None:
            axes.scatter(*values.T, s=14, c=CATEGORICAL[0], edgecolors="white", linewidths=0.3)
        for n, name in enumerate(names if labels is not None else ()):
            own = values[labels == n]
            if len(own):
                look = {"c": CATEGORICAL[n % len(CATEGORICAL)], "marker": MARKERS[n % len(MARKERS)]}
                axes.scatter(*own.T, s=14, edgecolors="white", linewidths=0.3, label=label(name), **look)
        if labels is not None:
            beside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "labelcolor": colours.ink}
            axes.legend(frameon=False, fontsize=8, **beside)
        axes.set_xlabel(f"unit 0 of {label(layer)}")
        axes.set_ylabel(f"unit 1 of {label(layer)}")

    title = f"Activations of {layer} for {len(places)} rows of the {split} split"
    return Drawing(title, f"{title}.", draw, (5.6, 4.2))


def _maps(model: CompiledModel, data: Dataset, split: str, layer: str) -> Drawing:
    """Return feature maps (rows, height, width, channels) beside each row's image, or steps (rows, steps, features)."""
    places = _rows(len(data.splits[split]), MAPPED)
    inputs = taken_inputs(data.splits[split].inputs, places)
    values = model.hidden(layer, inputs)
    shape = image_shape(data.encoding)
    pictures = None if shape is None else as_images(raw_rows(data.encoding, inputs), shape)
    channels = values.shape[-1] if values.ndim == 4 else 1
    shown = min(MAPS, channels)
    per_row = [
        mosaic(np.moveaxis(each, -1, 0)[:shown], 8) if values.ndim == 4 else each.reshape(len(each), -1).T
        for each in values
    ]
    beside = pictures is not None and values.ndim == 4
    numbers = [int(place) + 1 for place in places]

    def draw(figure: Any, _: Colours) -> None:
        ratios = [1, 4] if beside else [1]
        every = figure.subplots(len(places), len(ratios), squeeze=False, width_ratios=ratios)
        look = _colours(values)
        look = {"vmin": float(values.min()), "vmax": float(values.max()), **look}
        image = None
        for n, axes in enumerate(every):
            if beside and pictures is not None:
                axes[0].imshow(pictures[n], **({"cmap": "gray"} if pictures[n].ndim == 2 else {}))
            image = axes[-1].imshow(per_row[n], aspect="equal" if values.ndim == 4 else "auto", **look)
            axes[0].set_ylabel(f"row {numbers[n]}")
            for one in axes:
                one.set_xticks([])
                one.set_yticks([])
                one.spines[:].set_visible(False)
        figure.colorbar(image, ax=list(every[:, -1]), label="activation", pad=0.02)
        every[-1, -1].set_xlabel(
            f"{shown} of {channels} channels"
            if shown < channels
            else "channels"
            if values.ndim == 4
            else "step, from left to right"
        )

    title = (
        f"{'Feature maps' if values.ndim == 4 else 'Activations'} of {layer} for rows of the {split} split"
    )
    return Drawing(title, f"{title}.", draw, (6.4, 1.25 * len(places) + 0.6))
