"""Intervals and prediction sets for new rows, as a model with fitted ones gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from specnet.diagnostics.text import listed
from specnet.model.conformal import Intervals, PredictionSets, bounds, members
from specnet.model.fitted import FittedModel
from specnet.model.uncertainty import NumberIntervals, Uncertainty

Array = np.ndarray[Any, Any]

Some = TypeVar("Some", Intervals, PredictionSets)


def intervals_of(
    model: FittedModel, encoded: Any, made: Mapping[str, Array]
) -> dict[str, Intervals | PredictionSets]:
    """Return the intervals or the prediction sets of each output that has some, for inputs as `forward` takes them.

    `made` is what `predictions` returns for them.
    """
    fitted = model.uncertainty
    if fitted is None or fitted.level is None:
        return {}
    raw = model.uncalibrated(encoded)
    scaled = any(isinstance(own, NumberIntervals) and own.noise for own in fitted.intervals.values())
    deviations = model.deviations(encoded) if scaled else {}
    found: dict[str, Intervals | PredictionSets] = {}
    for name, own in fitted.intervals.items():
        output = model.network.outputs[name]
        dtype = model.network.spec.dtype
        if isinstance(own, NumberIntervals):
            lower, upper = bounds(own, raw[name], model.way_back(output), deviations.get(name))
            found[name] = Intervals(made[name], lower.astype(dtype), upper.astype(dtype), fitted.level)
        else:
            held = members(output, own, raw[name])
            found[name] = PredictionSets(made[name], held, class_names(model, held.shape), fitted.level)
    return found


def class_names(model: FittedModel, shape: tuple[int, ...]) -> tuple[str, ...]:
    """Return the names of the classes of prediction sets of a shape: numbers for labels, or if the data name none."""
    known = model.classes
    if len(shape) == 2 and known is not None and len(known) == shape[1]:
        return known
    return tuple(map(str, range(shape[-1])))


def chosen(model: FittedModel, encoded: Any, output: str | None, kind: type[Some]) -> Some:
    """Return the intervals or the sets of one output; raise ValueError if it has none of the kind."""
    check(model.uncertainty)
    found = intervals_of(model, encoded, model.predictions(encoded))
    of_kind = {name: own for name, own in found.items() if isinstance(own, kind)}
    if output is None and len(of_kind) > 1:
        raise ValueError(f"there are several outputs: choose one with `output`, of {listed(list(of_kind))}")
    name = next(iter(of_kind), None) if output is None else output
    if name in of_kind:
        return of_kind[name]
    whose = f"the output `{output}`" if output else "the model"
    others = [own for name, own in found.items() if output is None or name == output]
    if not others:
        raise ValueError(
            f"{whose} has no intervals: it reproduces inputs, or has a class at each of many places"
        )
    numbers = isinstance(others[0], Intervals)
    call = "predict_intervals" if numbers else "predict_sets"
    raise ValueError(f"{whose} predicts {'numbers' if numbers else 'classes'}: call {call}")


def check(fitted: Uncertainty | None) -> None:
    """Raise ValueError for a model without intervals."""
    if fitted is None or fitted.level is None:
        raise ValueError(
            "the model has no intervals: train it with `intervals = 0.9` in `[output]` and a validation split"
        )
