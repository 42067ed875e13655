"""How long the sequences of rows are, by what the network itself takes for padding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.data import Dataset
from specnet.data.streamed import ArrayOrStreamed, taken
from specnet.diagnostics import Diagnostic, SpecError
from specnet.engines.pool import Pool
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.model.arrays import held_arrays
from specnet.model.batching import Batchings, batchings
from specnet.model.network import Network
from specnet.model.settings import UNEVEN
from specnet.model.varying import padding_masks
from specnet.passes.pipeline import plan

Array = np.ndarray[Any, Any]

ROWS = 1024
"""How many rows are looked at at once."""


class LengthMeter:
    """Measures rows; for any number of threads."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._pool = Pool(lambda rows: plan(_lengths_graph(network), rows, threads=network.threads), {})

    def measure(self, arrays: Mapping[str, ArrayOrStreamed]) -> Array:
        """Return the number of steps up to the last one that exists, at least 1, of each row: (rows, names).

        `arrays` are those that plans read, by name; the second axis has the names of `network.longest`. Sequences of
        several inputs under one name are as long as the longest.
        """
        network = self._network
        columns = {name: place for place, name in enumerate(network.longest)}
        rows = len(arrays[network.inputs[0].name])
        found = np.ones((rows, len(columns)), np.int64)
        for held in arrays.values():
            if not isinstance(held, np.ndarray):
                held.begin()
        for start in range(0, rows, ROWS):
            stop = min(start + ROWS, rows)
            space = self._pool.take(stop - start)
            inputs, step, lengths = space.of(stop - start)
            for name, array in inputs.items():
                array[...] = taken(arrays[name], np.arange(start, stop))
            step()
            for name, array in lengths.items():
                own = found[start:stop, columns[network.lengths[name]]]
                np.maximum(own, array.astype(np.int64), out=own)
            self._pool.put_back(space)
        return found


def _lengths_graph(network: Network) -> Graph:
    """Return a graph whose outputs are the lengths of rows (batch,), by array."""
    lowered = network.lower(training=False)
    graph, masks = lowered.graph, padding_masks(lowered, network.inputs)
    graph.outputs = {}
    for name, mask in masks.items():
        assert isinstance(mask.shape[1], int)
        numbers = ops.fixed(graph, range(1, mask.shape[1] + 1))
        there = ops.where(ops.greater(mask, 0.0), numbers, 1.0)
        graph.outputs[name] = ops.reshape(ops.reduce_max(there, axis=-1), shape=mask.shape[:1])
    return graph


def batchings_of(network: Network, splits: Mapping[str, Mapping[str, ArrayOrStreamed]]) -> Batchings:
    """Return the batches by length of splits, given the arrays of each that plans read."""
    meter = LengthMeter(network)
    return batchings(network, {name: meter.measure(arrays) for name, arrays in splits.items()})


def batchings_of_data(network: Network, data: Dataset) -> Batchings | None:
    """Return the batches by length of a data set; None where a document asks for no such."""
    if not network.varies:
        return None
    return batchings_of(network, {name: held_arrays(network, split) for name, split in data.splits.items()})


def check_lengths(network: Network, data: Dataset) -> None:
    """Raise SpecError where batches by length would be like any others, or one row has more tokens than a batch may."""
    if not network.varies:
        return
    settings = network.spec.training
    lengths = LengthMeter(network).measure(held_arrays(network, data.splits["train"]))
    longest = int(lengths.max())
    if (lengths == lengths[0]).all():
        raise SpecError(
            [
                Diagnostic(
                    UNEVEN,
                    f"`batch_by` would be ignored: all {len(lengths)} rows have {longest} steps",
                    ("training", "batch_by"),
                    part="key",
                    help="leave it out",
                )
            ]
        )
    if settings.batch_tokens is not None and longest > settings.batch_tokens:
        message = f"a batch may have {settings.batch_tokens} tokens, and the longest row has {longest}"
        help = f"batch_tokens = {longest} or more"
        raise SpecError([Diagnostic(UNEVEN, message, ("training", "batch_tokens"), help=help)])


def sizes_of(network: Network, arrays: Mapping[str, Array]) -> dict[str, int]:
    """Return the named sizes of a batch, given the arrays that a plan reads."""
    first = arrays[network.inputs[0].name]
    return {"batch": len(first), **{size: arrays[name].shape[1] for name, size in network.lengths.items()}}
