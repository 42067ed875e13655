"""The thresholds of a model's labels as arrays, as a file stores them, and by the names of the labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.model.network import Network

Array = np.ndarray[Any, Any]


def initial_cutoffs(network: Network) -> dict[str, Array]:
    """Return the thresholds of each output that the document sets some for, as they are before a run has chosen any."""
    dtype = network.spec.dtype
    return {
        name: np.array(output.threshold.values, dtype)
        for name, output in network.outputs.items()
        if output.threshold is not None
    }


def named_cutoffs(network: Network, cutoffs: Mapping[str, Array]) -> dict[str, float]:
    """Return thresholds by the columns in which `predict` writes what they decide."""
    found = {}
    for name, array in cutoffs.items():
        labels = network.outputs[name].columns or (["prediction"] if len(array) == 1 else range(len(array)))
        for label, value in zip(labels, array.tolist(), strict=True):
            found[f"{name}.{label}" if name else str(label)] = value
    return found


def plain_cutoffs(cutoffs: Mapping[str, Array]) -> dict[str, list[float]]:
    """Return thresholds as a model's file stores them."""
    return {name: array.tolist() for name, array in cutoffs.items()}


def restore_cutoffs(cutoffs: Mapping[str, Array], stored: Any) -> None:
    """Put stored thresholds into those of a model; raise ValueError if they do not fit it."""
    if stored is None:
        return  # of a version that had none
    given = {name: np.array(values, np.float64) for name, values in dict(stored).items()}
    if {name: array.shape for name, array in given.items()} != {n: a.shape for n, a in cutoffs.items()}:
        raise ValueError("its thresholds are not those of the model's labels")
    for name, array in given.items():
        if not np.isfinite(array).all():
            raise ValueError("a threshold is not a finite number")
        cutoffs[name][...] = array
