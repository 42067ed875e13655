"""Which axes of a network's inputs have another length in each batch, where batches are made by length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from specnet.data.signature import InputArray
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import leaves
from specnet.graph.sizes import STEPS, Size, split_offset
from specnet.model.lowered import Lowered


def padding_masks(lowered: Lowered, arrays: Iterable[InputArray]) -> dict[str, Value]:
    """Return which steps exist (batch, steps), by array, of those whose padding can be told from the array alone."""
    graph, found = lowered.graph, dict[str, Value]()
    given = leaves(graph)
    sources: dict[int, frozenset[int]] = {}
    for node in graph:
        own = frozenset({node.index}) if node.op.leaf else frozenset()
        sources[node.index] = own.union(*(sources[value.node.index] for value in node.inputs))
    for array in arrays:
        x = given.get(array.name)
        if x is None or x.rank < 2:
            continue
        masks = [
            mask
            for mask in dict.fromkeys(lowered.builder.masks.values())
            if mask.shape == x.shape[:2] and sources[mask.node.index] == {x.node.index}
        ]
        for mask in masks:
            found[array.name] = ops.maximum(found[array.name], mask) if array.name in found else mask
    return found


def possible_lengths(lowered: Lowered, arrays: Sequence[InputArray]) -> list[dict[str, str]]:
    """Return which named sizes may stand for the steps of arrays, by array: the first that the layers can take is best.

    Each array that is padded has its own, unless layers need that sequences of several inputs are of one length: then
    arrays of as many steps have the same one, also such that have no padding.
    """
    known = {array.name: array.shape for array in arrays}
    padded = list(padding_masks(lowered, arrays))
    if not padded:
        return []
    apart = {name: _numbered(number) for number, name in enumerate(padded, start=1)}
    of_steps = {known[name][0]: apart[name] for name in reversed(padded)}
    together = {
        name: of_steps[shape[0]]
        for name, shape in known.items()
        if name in apart or (len(shape) > 1 and shape[0] in of_steps)
    }
    return [apart] if apart == together else [apart, together]


def _numbered(number: int) -> str:
    (name,) = STEPS.names
    return name if number == 1 else f"{name}_{number}"


def longest_of(lengths: Mapping[str, str], arrays: Iterable[InputArray]) -> dict[str, int]:
    """Return how many steps arrays have, by the named size that stands for them."""
    return {lengths[array.name]: array.shape[0] for array in arrays if array.name in lengths}


def least_lengths(graph: Graph, longest: Mapping[str, int]) -> dict[str, int]:
    """Return for how many steps no axis is empty, such as that of the windows of a convolution, by named size."""
    least = dict.fromkeys(longest, 1)
    for value in graph.values:
        for dim in value.shape:
            for name in dim.names if isinstance(dim, Size) else ():
                base, offset = split_offset(name)
                if base in least:
                    least[base] = max(least[base], 1 - offset)
    return least
