"""The kernels of a model: as heat maps, or as images where they are compared with images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import listed
from specnet.model.compiled import CompiledModel
from specnet.reporting.cells import columns
from specnet.reporting.drawing import SIGNED, Colours, Drawing, InapplicableError, label
from specnet.reporting.images import as_images, image_shape, mosaic

Array = np.ndarray[Any, Any]

MAXIMUM_KERNELS = 8
"""Kernels drawn below each other."""

MAXIMUM_IMAGES = 64
"""Filters drawn of one kernel."""

MAXIMUM_CHANNELS = 16
"""Channels drawn of the filters of a later convolution."""

NAMED = 16
"""Rows up to which inputs have names, and columns up to which classes do."""

WRITTEN = (8, 10)
"""Rows and columns up to which each number is written into its cell."""

BETWEEN = "#aaaaaa"
"""The colour between images: that of no weight."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One kernel as a picture."""

    title: str
    values: Array
    """(height, width) weights, or (height, width, 3) colours from 0 to 1; NaN where there is nothing."""
    across: str
    down: str
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    images: bool = False
    """Whether its pixels have the place that they have in an image."""

    @property
    def height(self) -> float:
        """Inches that it takes."""
        down, across = map(int, self.values.shape[:2])
        if self.images:
            return min(5.0, 0.6 + 4.6 * down / across)
        return min(4.0, 0.9 + 0.22 * down)


def weights_drawing(model: CompiledModel, layer: str | None = None) -> Drawing:
    """Return the kernels of a layer, or of all layers. Raises InapplicableError where there are none."""
    names = _kernels(model, layer)
    first = next(iter(_kernels(model, None)))
    shown = names[:MAXIMUM_KERNELS]
    panels = [_panel(model, name, is_first=name == first) for name in shown]
    title = f"Weights of {layer}" if layer is not None else "Weights"
    if len(shown) < len(names):
        title += f": {len(shown)} of {len(names)} kernels; --layer draws others"
    return _drawing(title, panels)


def filters_drawing(model: CompiledModel) -> Drawing | None:
    """Return the filters of a first convolution, or the weights of first units that see images, as images.

    None where the first kernel is of neither.
    """
    names = _every(model)
    panel = _panel(model, names[0], is_first=True) if names else None
    return None if panel is None or not panel.images else _drawing(panel.title, [panel], titled=False)


def _every(model: CompiledModel) -> list[str]:
    return [name for name, array in model.parameters.items() if array.ndim >= 2 and array.size > 1]


def _kernels(model: CompiledModel, layer: str | None) -> list[str]:
    found = _every(model)
    if layer is None:
        if not found:
            raise InapplicableError("the model has no kernel: its parameters are vectors")
        return found
    of_layer = [name for name in found if name.startswith(f"{layer}.")]
    if not of_layer:
        able = list(dict.fromkeys(name.rpartition(".")[0] for name in found))
        near = closest(layer, able)
        help = f"did you mean `{near}`?" if near else f"those with kernels: {listed(able)}"
        raise InapplicableError(f"no layer `{layer}` has a kernel; {help}", "--layer")
    return of_layer


def _panel(model: CompiledModel, name: str, *, is_first: bool) -> Panel:
    array = model.parameters[name].astype(np.float64)
    encoding = model.encoding
    layer = name.rpartition(".")[0]
    if array.ndim == 4:
        return _filters(layer, array)
    shape = None if encoding is None else image_shape(encoding)
    seen = is_first and encoding is not None and model.network.inputs[0].spans is None
    if seen and array.ndim == 2 and shape is not None and math.prod(shape) == array.shape[0]:
        units = array.T[:MAXIMUM_IMAGES].reshape(-1, *shape)
        title = f"Weights of {_number(units, array.shape[1], 'unit')} of {layer}, as images"
        return _images(title, units, shared=True)
    flat = array.reshape(-1, array.shape[-1])
    inputs: Sequence[str] = ()
    if seen and encoding is not None and array.ndim == 2 and array.shape[0] <= NAMED:
        given = encoding.signature.features or columns(encoding)
        inputs = given if len(given) == array.shape[0] else ()
    classes = _classes(model, layer, array.shape[-1])
    return Panel(name, flat, "class" if classes else "unit", "input", inputs, classes)


def _classes(model: CompiledModel, layer: str, units: int) -> Sequence[str]:
    """Return the names of the units of the last layer, where it has one for each class."""
    network, names = model.network, model.network.signature.classes or ()
    last = [info.name for info in network.layers if info.parameters][-1]
    return names if layer == last and not network.several and len(names) == units <= NAMED else ()


def _filters(layer: str, array: Array) -> Panel:
    height, width, channels, filters = array.shape
    if channels in (1, 3) and height * width > 1:
        chosen = np.moveaxis(array, -1, 0)[:MAXIMUM_IMAGES]
        title = f"{_number(chosen, filters, 'filter', capital=True)} of {layer}"
        if channels == 1:
            return _images(title, chosen[..., 0], shared=True)
        return _images(
            title, np.concatenate([as_images(one[None], one.shape) for one in chosen]), shared=False
        )
    down, across = min(channels, MAXIMUM_CHANNELS), min(filters, MAXIMUM_CHANNELS)
    some = array[:, :, :down, :across].transpose(2, 3, 0, 1).reshape(down * across, height, width)
    whole = (down, across) == (channels, filters)
    amount = "" if whole else f" ({down} of {channels} channels, {across} of {filters} filters)"
    return Panel(f"{layer}.kernel{amount}", mosaic(some, across), "filter", "input channel", images=True)


def _images(title: str, images: Array, *, shared: bool) -> Panel:
    count = len(images)
    across = next(
        (n for n in (8, 10, 12, 16) if count % n == 0 and count <= 4 * n), math.ceil(math.sqrt(2 * count))
    )
    tiled = mosaic(images, across)
    if not shared:
        tiled = np.concatenate([np.nan_to_num(tiled, nan=0.0), ~np.isnan(tiled[..., :1])], axis=2)
    return Panel(title, tiled, "", "", images=True)


def _number(chosen: Array, whole: int, noun: str, *, capital: bool = False) -> str:
    if len(chosen) < whole:
        return f"{len(chosen)} of {whole} {noun}s"
    return f"{noun.capitalize() if capital else noun}s"


def _drawing(title: str, panels: Sequence[Panel], *, titled: bool = True) -> Drawing:
    heights = [panel.height for panel in panels]

    def draw(figure: Any, colours: Colours) -> None:
        every = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, panel in zip(every, panels, strict=True):
            _draw_panel(figure, axes, panel)
            if titled:
                axes.set_title(label(panel.title, 80), color=colours.ink, loc="left")

    shapes = "; ".join(panel.title for panel in panels)
    return Drawing(title, f"{title}: {shapes}." if titled else f"{title}.", draw, (6.4, sum(heights) + 0.3))


def _draw_panel(figure: Any, axes: Any, panel: Panel) -> None:
    values = panel.values
    if values.ndim == 3:
        axes.imshow(values)
    else:
        limit = float(np.nanmax(np.abs(values))) or 1.0
        image = axes.imshow(
            values, cmap=SIGNED, vmin=-limit, vmax=limit, aspect="equal" if panel.images else "auto"
        )
        figure.colorbar(image, ax=axes, label="weight", pad=0.02)
        if len(values) <= WRITTEN[0] and values.shape[1] <= WRITTEN[1] and not panel.images:
            for (row, column), value in np.ndenumerate(values):
                letters = "white" if abs(value) > 0.6 * limit else "#222222"
                axes.text(column, row, f"{value:.2g}", ha="center", va="center", color=letters, fontsize=8)
    axes.set_xlabel(panel.across)
    axes.set_ylabel(panel.down)
    if panel.images:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_facecolor(BETWEEN)
        axes.spines[:].set_visible(False)
        return
    for axis, names, count in (
        (axes.xaxis, panel.columns, values.shape[1]),
        (axes.yaxis, panel.rows, len(values)),
    ):
        if names or count <= NAMED:
            axis.set_ticks(range(count), list(map(label, names)) or None)
        else:
            axis.get_major_locator().set_params(integer=True)
