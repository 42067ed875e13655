from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np

from specnet.diagnostics import Diagnostic, SpecError
from specnet.engines.aligned import filled
from specnet.engines.random import stream
from specnet.graph.parameter import Parameter
from specnet.model.network import Network

Array = np.ndarray[Any, Any]


class Parameters(Mapping[str, Array]):
    """All that is kept with a model, by name (`dense_1.kernel`): views of one flat vector.

    What training fits comes first in the vector, then what it leaves as it is, then running statistics.
    Writing into a view changes the model; the mapping itself is fixed.
    """

    def __init__(self, declared: tuple[Parameter, ...], dtype: str) -> None:
        self.flat: Array = filled((sum(p.size for p in declared),), 0.0, dtype)
        trained = sum(p.size for p in declared if p.role == "parameter")
        self.trained: Array = self.flat[:trained]
        """The part of the vector that training fits."""
        self._views: dict[str, Array] = views(declared, self.flat)
        self.joined: dict[str, Array] = _joined(declared, self.flat)
        """Each kernel (in, units) with the bias (units,) after it, as one matrix (in + 1, units)."""

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        inner = ", ".join(f"{name} {array.shape}" for name, array in self.items())
        return f"Parameters({inner})"


def views(declared: tuple[Parameter, ...], flat: Array) -> dict[str, Array]:
    """Return each parameter's part of a vector (n,) in the parameter's shape."""
    parts, start = {}, 0
    for parameter in declared:
        parts[parameter.name] = flat[start : start + parameter.size].reshape(parameter.shape)
        start += parameter.size
    return parts


def _joined(declared: tuple[Parameter, ...], flat: Array) -> dict[str, Array]:
    pairs, start = {}, 0
    for first, second in pairwise(declared):
        if first.role == second.role and len(first.shape) == 2 and second.shape == first.shape[1:]:
            whole = flat[start : start + first.size + second.size]
            pairs[f"{first.name}+{second.name}"] = whole.reshape(-1, first.shape[1])
        start += first.size
    return pairs


def element_settings(network: Network) -> dict[str, Array]:
    """Return what an update is given for each element that training fits, where parameters differ in it.

    `multipliers` are what the learning rate is multiplied by, `weight_decays` the weight decays.
    """
    settings = {"weight_decays": network.weight_decays}
    if network.rates_differ:
        settings["multipliers"] = tuple(p.rate for p in network.trained)
    sizes, dtype = [p.size for p in network.trained], network.spec.dtype
    return {
        name: np.repeat(np.array(values, dtype), sizes)
        for name, values in settings.items()
        if values is not None
    }


def all_finite(array: Array) -> bool:
    """Return whether an array holds no NaN and no infinity, without making another of its size."""
    return not array.size or (isfinite(array.min()) and isfinite(array.max()))


def initial_parameters(network: Network) -> Parameters:
    """Return the parameters where the document has them start, each drawn from a stream of its own.

    Raises SpecError where they are too large for the document's dtype.
    """
    parameters = Parameters(network.arrays, network.spec.dtype)
    for declared in network.arrays:
        generator = stream(network.spec.seed, f"initial/{declared.name}")
        with np.errstate(over="ignore"):
            array = parameters[declared.name]
            declared.initial.fill(array, generator)
        if not all_finite(array):
            message = f"initial values of `{declared.name}` are too large for {network.spec.dtype}"
            path = (*declared.key_path, declared.field)
            raise SpecError([Diagnostic("SN208", message, path, help="an initializer with smaller numbers")])
    return parameters
