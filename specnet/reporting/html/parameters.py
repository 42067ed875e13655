"""Each parameter's weights, and its gradient at the end of the training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.data import Dataset
from specnet.model.compiled import CompiledModel

ROWS = 256
"""Training rows that the gradient is taken over."""

BARS = 25
"""Bars of a histogram."""


@dataclass(frozen=True, slots=True)
class ParameterFacts:
    """One parameter, as numbers."""

    name: str
    shape: tuple[int, ...]
    mean: float
    deviation: float
    low: float
    high: float
    gradient: float | None
    """The root mean square of the gradient over some training rows; None of what training does not fit."""
    bars: tuple[float, ...]
    """How many weights lie in each part of their range, relative to the fullest part."""


def parameter_facts(model: CompiledModel, data: Dataset) -> list[ParameterFacts]:
    """Return the statistics of each parameter, in the order of the layers."""
    train = data.splits["train"]
    places = np.linspace(0, len(train) - 1, min(ROWS, len(train))).astype(np.intp)
    _, gradients = model.loss_and_gradients(*train.at(places))
    facts = []
    for name, array in model.parameters.items():
        values: Any = array.astype(np.float64)
        slope = gradients.get(name)
        gradient = None if slope is None else float(np.sqrt(np.mean(slope.astype(np.float64) ** 2)))
        spread = float(values.mean()), float(values.std()), float(values.min()), float(values.max())
        facts.append(ParameterFacts(name, array.shape, *spread, gradient, _bars(values)))
    return facts


def _bars(values: Any) -> tuple[float, ...]:
    """Return a histogram of any finite values, also of equal ones, or of such whose range is no finite number."""
    low, high = values.min() / 2, values.max() / 2
    scaled = (values / 2 - low) / (high - low) if high > low else np.full(values.shape, 0.5)
    places = np.minimum((scaled * BARS).astype(np.intp), BARS - 1)
    counts = np.bincount(places.reshape(-1), minlength=BARS)
    return tuple((counts / counts.max()).tolist())
