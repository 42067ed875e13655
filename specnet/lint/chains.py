"""A document's layers as rules look at them: in chains in which each takes what the one before it gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from specnet.diagnostics import KeyPath
from specnet.model.topology import Placed, levels
from specnet.vocabulary.layers import Layer


def chains(layers: Sequence[Layer]) -> Iterator[list[Placed]]:
    """Yield each chain of layers of which each takes what the one before it gives, those in containers too.

    A container stands in its chain as one layer.
    """
    for level in levels(layers):
        chain: list[Placed] = []
        for index, layer in enumerate(level.layers):
            if chain and (level.is_parallel or layer.inputs is not None):
                yield chain
                chain = []
            chain.append((level.place(index), layer))
        if chain:
            yield chain


def ends(layers: Sequence[Layer]) -> Iterator[Placed]:
    """Yield the layers that what a document's list gives comes through, the last one first.

    What a `sequential` gives comes through its layers; other containers, and layers that join several values, are
    looked at as a whole.
    """
    path: KeyPath = ("layers",)
    last = len(layers) - 1
    while last >= 0:
        place, layer = (*path, last), layers[last]
        if layer.type == "sequential":
            path, layers = (*place, "layers"), cast("Sequence[Layer]", layer.sublayers["layers"])
            last = len(layers) - 1
            continue
        yield place, layer
        if layer.inputs is not None:
            return
        last -= 1
