"""The rows of a split, or of a program, as the arrays that a network's plans read."""

from __future__ import annotations

from collections.abc import Mapping
from math import log2
from typing import Any, overload

import numpy as np

from specnet.data import Split
from specnet.data.inputs import Encoded, cut, holds
from specnet.data.signature import InputArray
from specnet.data.streamed import ArrayOrStreamed, Inputs, by_name, extent
from specnet.model.network import Network
from specnet.model.outputs import WEIGHTS, NetworkOutput, scales_shape

Array = np.ndarray[Any, Any]


def held_arrays(network: Network, split: Split) -> dict[str, ArrayOrStreamed]:
    """Return the inputs and the targets of a split by the names of the arrays that plans read.

    What stays in its file does so, and arrays that are the same are one object. Weights are as they are measured with.
    Raises ValueError as `as_inputs` and `as_targets` do.
    """
    given, wanted = by_name(split.inputs), {array.name: array for array in network.inputs}
    fit = given.keys() == wanted.keys() and all(
        held.dtype == wanted[name].dtype for name, held in given.items()
    )
    inputs: Mapping[str, ArrayOrStreamed] = given
    if not fit:
        inputs = as_inputs(network, split.inputs)
    arrays = {**inputs, **as_targets(network, split.targets, split.inputs)}
    if split.weights is not None:
        arrays[WEIGHTS] = np.ascontiguousarray(
            split.weights / weight_unit(network, split.weights), network.spec.dtype
        )
    return arrays


def weight_unit(network: Network, weights: Array) -> float:
    """Return what the weights of a split are divided by to be measured with: a power of two near their mean.

    No digits are lost by it, and neither very large nor very small weights leave the range of float32. It is 1 where
    the loss is a sum, which changes with a factor of all weights.
    """
    return 1.0 if network.spec.loss.reduction == "sum" else 2.0 ** round(log2(weights.mean()))


def as_weights(network: Network, weights: Array) -> Array:
    """Return the weights of a split's rows (rows,) as a step reads them: their mean is 1 where the loss is a mean."""
    if network.spec.loss.reduction == "mean":
        weights = weights / weights.mean()
    return np.ascontiguousarray(weights, network.spec.dtype)


def as_scales(network: Network, split: Split) -> Array:
    """Return how the targets of a split's rows are scaled (rows, 3, targets): center, span and naive error.

    Of windows that a program gave, whose series are not known, they are 0, 1 and 0: figures are in the units of the
    targets, and those that need the naive error are NaN.
    """
    scales = split.scales
    if scales is None:
        scales = np.zeros((len(split), *scales_shape(network.signature)))
        scales[:, 1] = 1.0
    return np.ascontiguousarray(scales, network.spec.dtype)


def as_arrays(network: Network, inputs: Encoded, targets: Array) -> dict[str, Array]:
    """Return rows of inputs and their targets by the names of the arrays that plans read; raise ValueError."""
    return {**as_inputs(network, inputs), **as_targets(network, targets, inputs)}


def as_inputs(network: Network, inputs: Any) -> dict[str, Array]:
    """Return inputs (rows, ...) in the shapes and dtypes that the network takes, by their arrays' names.

    They are one array of all elements, or a mapping from names to arrays. Raises ValueError for other shapes, and for
    numbers that are not whole where they are read as indices.
    """
    if isinstance(inputs, Mapping):
        return _of_names(network, inputs)
    only = network.inputs[0]
    if only.dtype == network.spec.dtype and only.spans is None:
        x = np.ascontiguousarray(inputs, only.dtype)
        if x is not inputs or x.shape[1:] != network.signature.inputs:
            _check_shape(x, inputs, network.signature.inputs)
        return {only.name: x}
    whole = np.asarray(inputs)
    _check_shape(whole, inputs, network.signature.inputs)
    return {array.name: _typed(cut(whole, array), array) for array in network.inputs}


def _check_shape(x: Array, given: Any, shape: tuple[int, ...]) -> None:
    if x.shape[1:] != shape or np.ndim(given) == 0:
        raise ValueError(f"inputs are {x.shape}, and the model takes (rows, {', '.join(map(str, shape))})")


def _of_names(network: Network, inputs: Mapping[str, Any]) -> dict[str, Array]:
    made = {}
    for array in network.inputs:
        given = inputs.get(array.name, inputs.get(array.short))
        if given is None:
            raise ValueError(f"the model takes an input `{array.short}`, and no array has its name")
        own = _typed(np.asarray(given), array)
        if own.shape[1:] != array.shape:
            wanted = ", ".join(map(str, array.shape))
            raise ValueError(f"`{array.short}` is {own.shape}, and the model takes (rows, {wanted})")
        made[array.name] = own
    if len({len(own) for own in made.values()}) > 1:
        raise ValueError("the inputs have different numbers of rows")
    return made


def _typed(given: Array, array: InputArray) -> Array:
    own = np.ascontiguousarray(given, array.dtype)
    if own.dtype.kind == "i" and not holds(own, given, array):
        if array.tokens and np.array_equal(own, given):
            also = ", and nothing follows padding, 0" if array.padding == "token" else ""
            raise ValueError(f"inputs are not indices of tokens, which are 0 to {array.tokens - 1}{also}")
        raise ValueError("inputs are not whole numbers, and the model reads them as indices")
    return own


@overload
def as_targets(network: Network, targets: Array, inputs: Encoded) -> dict[str, Array]: ...


@overload
def as_targets(network: Network, targets: ArrayOrStreamed, inputs: Inputs) -> dict[str, ArrayOrStreamed]: ...


def as_targets(network: Network, targets: ArrayOrStreamed, inputs: Inputs) -> Mapping[str, ArrayOrStreamed]:
    """Return a split's targets (rows, ...), each in the shape and dtype that its loss takes, by their arrays' names.

    `inputs` are the same rows' inputs, which some outputs may be compared with. What stays in its file does so. Arrays
    that are the same are one object, which is the given one where nothing has to be changed. Raises ValueError where
    targets cannot be: another shape, classes that are no whole numbers or out of range.
    """
    made: dict[tuple[bool, str], ArrayOrStreamed] = {}
    found = {}
    for output in network.outputs.values():
        own = inputs if output.of_inputs else targets
        assert not isinstance(own, Mapping), "inputs that an output is compared with are one array"
        fitted = _fitted(own, output)
        found[output.target] = made.setdefault((output.of_inputs, output.target_dtype), fitted)
    return found


def _fitted(targets: ArrayOrStreamed, output: NetworkOutput) -> ArrayOrStreamed:
    shape, dtype = output.target_shape, output.target_dtype
    wanted = ", ".join(map(str, shape))
    if not isinstance(targets, np.ndarray):
        if targets.shape[1:] != shape or targets.dtype != dtype:
            raise ValueError(
                f"targets are {targets.dtype}{targets.shape}, and the loss takes (rows, {wanted})"
            )
        return targets
    if dtype == "int64":
        indices = _as_indices(targets, shape)
        if indices is None:
            where = "per row" if not shape else f"for each of (rows, {wanted})"
            raise ValueError(
                f"targets are {targets.dtype}{targets.shape}, and the loss takes a class index {where}"
            )
        targets = indices
        # An index names an output, unless the loss compares rows of one class with each other.
        classes = output.shape[-1] if output.loss.targets == "classes" and output.shape else None
        ignored = output.loss.ignored
        low, high = extent(targets, ignored) if len(targets) else (0, 0)
        if classes is not None and not 0 <= low <= high < classes:
            raise ValueError(f"classes go from {low:g} to {high:g}, and the model gives 0 to {classes - 1}")
        return targets
    t = np.ascontiguousarray(targets, dtype)
    if t.ndim == 1 and shape == (1,) and targets.ndim == 1:
        t = t.reshape(-1, 1)
    if t.shape[1:] != shape or targets.ndim == 0:
        raise ValueError(f"targets are {t.shape}, and the loss takes (rows, {wanted})")
    return t


def _as_indices(targets: Array, shape: tuple[int, ...]) -> Array | None:
    """Return targets (rows, *shape), also with a last axis of 1, as int64; None for other shapes and fractions."""
    if targets.ndim == 0 or targets.shape[1:] not in (shape, (*shape, 1)) or targets.dtype.kind not in "buif":
        return None
    with np.errstate(invalid="ignore"):  # NaN and the like differ from whatever they become
        indices = np.ascontiguousarray(targets, np.int64)
    if targets.dtype.kind == "f" and not np.array_equal(indices, targets):
        return None
    return indices if indices.shape[1:] == shape else indices.reshape(len(indices), *shape)
