"""A document's gradients against central differences of its loss, on its own data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.data import Dataset
from specnet.engines.execution import Executable
from specnet.engines.random import stream, streams
from specnet.model.arrays import as_arrays, as_weights
from specnet.model.compiled import CompiledModel
from specnet.model.outputs import WEIGHTS
from specnet.model.parameters import views
from specnet.model.programs import gradient_graph

Array = np.ndarray[Any, Any]

TOLERANCE = 1e-5
"""Up to which error, relative to the gradient, a gradient is right."""

STEPS = (1e-5, 1e-7)
"""Steps of the differences. A kink, as a ReLU has, within the larger one is hardly within the smaller one, too."""

JITTER = 0.01
"""How far from the document's start the check is made, as a standard deviation. At the start itself, biases of
zero put ReLUs of zero inputs exactly on their kinks, where there is no gradient."""

_SMALL = 1e-3
"""A share of the largest slope: errors of slopes below it are measured against it."""

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """The check of one parameter, of which `specnet.check_gradients` returns a list."""

    name: str
    """The parameter's name, such as `dense_1.kernel`."""
    shape: tuple[int, ...]
    """The parameter's shape."""
    checked: int
    """How many of its numbers were perturbed, one at a time; if these are not all, all were also perturbed at once."""
    error: float
    """The largest difference between gradient and central difference, relative to the larger of the two."""
    place: tuple[int, ...] | None
    """The index of the number with that error; None if all were perturbed at once."""
    gradient: float
    """The gradient at that index, or along that direction."""
    difference: float
    """The central difference at that index, or along that direction."""
    ok: bool
    """Whether the error is small enough for a right gradient."""


@dataclass(frozen=True, slots=True)
class _Slope:
    place: tuple[int, ...] | None
    gradient: float
    difference: float
    error: float
    ok: bool


class _Measure:
    """The loss of a model on some rows as a function of its parameters, with randomness that repeats itself."""

    def __init__(self, model: CompiledModel, rows: int, arrays: Mapping[str, Array]) -> None:
        self.model = model
        graph = gradient_graph(model.network, training=True, weighted=WEIGHTS in arrays)
        compiled = model.network.plan(graph, rows)
        self._numbers = [0.0] * len(compiled.numbers)  # no steps are done
        self._streams = streams(model.network.spec.seed, compiled.streams)
        self._start = {name: s.bit_generator.state for name, s in self._streams.items()}
        self._bound = Executable(compiled, self._streams).bind(rows, model.leaves(**arrays))

    def loss(self) -> float:
        for name, generator in self._streams.items():
            generator.bit_generator.state = self._start[name]
        with np.errstate(all="ignore"):
            return float(self._bound.step(*self._numbers)[0])

    def gradients(self) -> dict[str, Array]:
        self.loss()
        found = views(self.model.network.trained, self._bound.arrays["gradients"])
        return {name: array.copy() for name, array in found.items()}


def check_gradients(
    model: CompiledModel, data: Dataset, *, rows: int = 32, entries: int = 32
) -> list[GradientCheck]:
    """Compare the gradient of each parameter with (L(w + h) - L(w - h)) / 2h; both as in training.

    The model must be in float64, and keeps its parameters. L is the loss, penalties included, of up to `rows` rows,
    evenly spaced over the training split; up to `entries` numbers of each parameter are perturbed by h one at
    a time, and larger parameters also all at once in a random direction.
    """
    train = data.splits["train"]
    chosen = np.unique(np.linspace(0, len(train) - 1, min(rows, len(train))).astype(np.intp))
    arrays = as_arrays(model.network, *train.at(chosen))
    if train.weights is not None:
        arrays[WEIGHTS] = as_weights(model.network, train.weights)[chosen]
    random = stream(model.network.spec.seed, "gradients")
    kept = model.parameters.trained.copy()
    try:
        model.parameters.trained[...] += JITTER * random.normal(size=kept.shape)
        measure = _Measure(model, len(chosen), arrays)
        return _checked(measure, random, entries)
    finally:
        model.parameters.trained[...] = kept


def _checked(measure: _Measure, random: np.random.Generator, entries: int) -> list[GradientCheck]:
    gradients = measure.gradients()
    size = abs(measure.loss())
    minimum = _SMALL * max((float(np.abs(g).max()) for g in gradients.values() if g.size), default=0.0)
    found = []
    for name, gradient in gradients.items():
        array = measure.model.parameters[name]
        few = array.size <= entries
        flat = np.arange(array.size) if few else np.sort(random.choice(array.size, entries, replace=False))
        slopes = []
        for position in flat.tolist():
            place = tuple(int(n) for n in np.unravel_index(position, array.shape))
            direction = np.zeros(array.shape)
            direction[place] = 1.0
            slopes.append(_slope(measure, array, direction, gradient, place, minimum, size))
        if not few:
            away: Array = random.standard_normal(tuple(array.shape))
            unit: Array = np.divide(away, np.linalg.norm(away))
            slopes.append(_slope(measure, array, unit, gradient, None, minimum, size))
        worst = max(slopes, key=lambda slope: (not slope.ok, slope.error))
        found.append(
            GradientCheck(
                name,
                array.shape,
                len(flat),
                worst.error,
                worst.place,
                worst.gradient,
                worst.difference,
                all(slope.ok for slope in slopes),
            )
        )
    return found


def _slope(
    measure: _Measure,
    array: Array,
    direction: Array,
    gradient: Array,
    place: tuple[int, ...] | None,
    minimum: float,
    size: float,
) -> _Slope:
    """Compare the slope along a direction with the gradient's; of the steps, the one that agrees best counts."""
    slope = float(np.sum(gradient * direction))
    start = array.copy()
    best: _Slope | None = None
    for step in STEPS:
        array[...] = start + step * direction
        above = measure.loss()
        array[...] = start - step * direction
        below = measure.loss()
        array[...] = start
        difference = (above - below) / (2 * step)
        apart = abs(slope - difference)
        whole = max(abs(slope), abs(difference), minimum)
        error = apart / whole if whole else apart
        # What rounding of the loss alone puts into a difference is no error of the gradient.
        ok = apart <= TOLERANCE * whole + 10 * _EPS * size / step
        # A NaN is smaller than nothing, and is never right.
        now = _Slope(place, slope, difference, float("inf") if np.isnan(error) else error, ok)
        if best is None or (now.ok, -now.error) > (best.ok, -best.error):
            best = now
        if best.ok:
            break
    assert best is not None
    return best
