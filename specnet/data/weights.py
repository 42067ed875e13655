"""Sample weights: how much each row counts in the loss and in everything that is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.format import DataFormat
    from specnet.data.source import DataPart

    Drawn = Mapping[str, tuple[DataPart, NDArray[np.intp] | None]]


LEAST, MOST = 1e-30, 1e30
"""The range of weights that are not 0, in which no sum or mean of them leaves that of float64."""


def check_weights(drawn: Drawn, data_format: DataFormat, collector: Collector) -> None:
    """Note weights that are negative or no finite numbers, and splits in which all of them are 0."""
    key = () if getattr(data_format, "weight", None) is None else ("weight",)
    faulty = False
    for part, rows in drawn.values():
        if part.weights is None or faulty:
            continue
        chosen = part.weights if rows is None else part.weights[rows]
        fault = value_fault(chosen, rows)
        faulty = fault is not None
        if fault is not None:
            collector.add("SN590", fault, *key)
    for name, (part, rows) in drawn.items():
        if part.weights is not None and not faulty:
            chosen = part.weights if rows is None else part.weights[rows]
            if not chosen.any():
                message = f"all weights of the {name} split are 0, so that no row of it counts"
                collector.add("SN591", message, *key)


def value_fault(weights: NDArray[Any], places: NDArray[np.intp] | None = None) -> str | None:
    """Say which weight is negative or out of range, or return None; `places` are the rows that they are of."""
    wrong = np.flatnonzero(~((weights >= LEAST) & (weights <= MOST) | (weights == 0)))
    if not len(wrong):
        return None
    place = int(wrong[0])
    row = place if places is None else int(places[place])
    return f"the weight of row {row + 1} of the data is {weights[place]:g}: it must be 0, or from {LEAST:g} to {MOST:g}"


def chosen_weights(part: DataPart, rows: NDArray[np.intp] | None) -> NDArray[np.float64] | None:
    """Return the weights of the chosen rows, None where all rows count alike."""
    if part.weights is None:
        return None
    return np.ascontiguousarray(part.weights if rows is None else part.weights[rows], np.float64)


def given_weights(weights: Any, rows: int) -> NDArray[np.float64]:
    """Return the weights of so many rows that a program gives; raise ValueError for what are none."""
    try:
        array = np.asarray(weights)
    except ValueError:  # lists of different lengths
        raise ValueError("the weights are not an array: they are ragged") from None
    if array.dtype.kind not in "buif" or array.shape not in ((rows,), (rows, 1)):
        raise ValueError(f"weights are {array.dtype}{array.shape}, and {rows} rows have one each: ({rows},)")
    array = np.ascontiguousarray(array.reshape(-1), np.float64)
    fault = value_fault(array)
    if fault is not None:
        raise ValueError(fault)
    if not array.any():
        raise ValueError("all weights are 0, so that no row counts")
    return array
