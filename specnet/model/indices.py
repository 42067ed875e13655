"""Indices in the data that an embedding has no row for, found before a step meets them."""

from __future__ import annotations

from collections.abc import Iterator

from specnet.data import Dataset
from specnet.data.signature import LARGEST_INDEX, InputArray
from specnet.data.streamed import by_name, extent
from specnet.diagnostics import Diagnostic, SpecError
from specnet.graph import ops
from specnet.graph.graph import Node
from specnet.graph.leaves import leaves
from specnet.model.network import Network


def check_indices(network: Network, data: Dataset) -> None:
    """Raise SpecError where an input that an embedding takes as a whole has an index without a row of its table.

    Indices of tokens are below the number of these, and embeddings have as many rows.
    """
    found: list[Diagnostic] = []
    for array in network.inputs:
        readers = () if array.tokens else tuple(_readers(network, array))
        if not readers:
            continue
        for name, split in data.splits.items():
            low, high = extent(by_name(split.inputs)[array.name])
            found += (
                _beyond(node, name, low if low < 0 else high)
                for node in readers
                if low < 0 or high >= ops.indices.of(node.value).size
            )
    if found:
        raise SpecError(found)


def _readers(network: Network, array: InputArray) -> Iterator[Node]:
    """Yield the ops that take all elements of an input as indices."""
    graph = network.forward(training=False).graph
    same = {leaves(graph)[array.name].index}
    for node in graph:
        if any(value.index in same for value in node.inputs):
            if node.op is ops.indices:
                yield node
            elif node.op is ops.reshape:
                same.add(node.value.index)


def _beyond(node: Node, split: str, index: float) -> Diagnostic:
    size = ops.indices.of(node.value).size
    message = f"the {split} data have the index {index:g}, and the indices are 0 to {size - 1}"
    help = "count from 0" if index < 0 else f"`input_dim = {index + 1:.0f}` has a row for it"
    if index >= LARGEST_INDEX:
        help = "indices of tokens or categories are small whole numbers from 0"
    return Diagnostic("SN549", message, node.key_path, part="table", help=help)
