"""Rows of the data that are nothing but padding, found before a step meets them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from specnet.data import Dataset, Split
from specnet.data.streamed import by_name
from specnet.diagnostics import Diagnostic, SpecError
from specnet.diagnostics.text import counted
from specnet.engines.execution import Executable
from specnet.graph import ops
from specnet.graph.graph import Graph, KeyPath
from specnet.graph.leaves import role_of
from specnet.model.arrays import as_inputs
from specnet.model.network import Network
from specnet.model.settings import evaluation_rows
from specnet.passes.pipeline import plan

Array = np.ndarray[Any, Any]


def check_steps(network: Network, data: Dataset) -> None:
    """Raise SpecError where the mask of a sequence hides all steps of some row that is in memory.

    A mean over no steps has no value, and neither has a state after them.
    """
    graph, makers = _lengths(network)
    if not makers:
        return
    found = [
        _without_steps(path, name, data.places[name][empty] if name in data.places else empty)
        for name, split in data.splits.items()
        if all(isinstance(held, np.ndarray) for held in by_name(split.inputs).values())
        for path, empty in _empty(network, graph, makers, split)
    ]
    if found:
        raise SpecError(found)


def _lengths(network: Network) -> tuple[Graph, list[KeyPath]]:
    """Return a graph of how many steps each row of each masked sequence has, and what makes the masks.

    Masks that depend on parameters are left out: which steps they hide changes while the model is trained.
    """
    lowered = network.lower(training=False)
    graph, makers = lowered.graph, dict[int, KeyPath]()
    outputs = {}
    fixed = _of_data(graph)
    for mask in dict.fromkeys(lowered.builder.masks.values()):
        if mask.index not in fixed:
            continue
        graph.key_path = mask.key_path
        outputs[str(len(makers))] = ops.reduce_sum(mask, axes=(1,))
        makers[len(makers)] = mask.key_path
    graph.outputs = dict(outputs)
    return graph, list(makers.values())


def _of_data(graph: Graph) -> set[int]:
    """Return the values that follow from the data alone, by index."""
    found: set[int] = set()
    for value in graph.values:
        fits = role_of(value) in (None, "input") if value.op.leaf else not value.op.random
        if fits and all(source.index in found for source in value.inputs):
            found.add(value.index)
    return found


def _empty(
    network: Network, graph: Graph, makers: list[KeyPath], split: Split
) -> Iterator[tuple[KeyPath, Array]]:
    """Yield the rows without steps of each mask that hides some of them first."""
    rows = min(evaluation_rows(network, len(split)), len(split))
    executable = Executable(plan(graph, rows, threads=1))
    parts: list[Array] = []
    for start in range(0, len(split), rows):
        places = np.arange(start, min(start + rows, len(split)))
        bound = executable.bind(len(places), as_inputs(network, split.at(places)[0]))
        bound.step()
        parts.append(np.stack([bound.arrays[str(number)] == 0 for number in range(len(makers))]))
    known = np.zeros(len(split), bool)
    for path, empty in zip(makers, np.concatenate(parts, axis=1), strict=True):
        if (empty & ~known).any():
            yield path, np.flatnonzero(empty & ~known)
        known |= empty


def _without_steps(path: KeyPath, split: str, rows: Array) -> Diagnostic:
    """Return the finding about rows, by their places in the data that the split is taken from."""
    more = f", the first of {counted(len(rows), 'such row')}" if len(rows) > 1 else ""
    message = f"row {rows.min() + 1} of the {split} data is nothing but padding{more}: no step of it is left"
    return Diagnostic("SN559", message, path, part="table", help="leave it out, or give it a step")
