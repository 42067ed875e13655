"""Batches of sequences of similar length: which rows share one, and the sizes that plans are bound to for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from specnet.graph.sizes import Forms
from specnet.model.network import Network
from specnet.model.settings import batch_rows, evaluation_rows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST = 32
"""To how many lengths those of all sequences are rounded up, so that plans are not bound to more."""

SEVERAL = 8
"""The same for each of several inputs of sequences."""

WIDEST = 256
"""The most rows that are measured at once: of more, the lengths differ more."""

PARTS = 8
"""Into how many batches a small split is cut to be measured."""


class LengthBatch(NamedTuple):
    """A batch: its rows are those from one place to another in the order of their lengths."""

    start: int
    stop: int
    lengths: tuple[int, ...]
    """What sequences are padded to, by named size."""


@dataclass(frozen=True)
class Batching:
    """The rows of a split in the order of their lengths, the longest first, cut into batches.

    Which rows are of equal length, and how many there are of each, is the same in every epoch, and so are the sizes of
    all batches: only which of these rows are in which batch is drawn.
    """

    names: tuple[str, ...]
    """The named sizes of the lengths."""
    order: Array
    """(rows,): the places of rows."""
    ties: tuple[tuple[int, int], ...]
    """Rows of equal length in this order: the first of each run, and one past its last."""
    cuts: tuple[LengthBatch, ...]

    def sizes(self, cut: LengthBatch) -> dict[str, int]:
        """Return the named sizes of a batch."""
        return {"batch": cut.stop - cut.start, **dict(zip(self.names, cut.lengths, strict=True))}

    @property
    def forms(self) -> list[dict[str, int]]:
        """The sizes of batches that there are, each once."""
        found = {tuple(self.sizes(cut).items()): self.sizes(cut) for cut in self.cuts}
        return list(found.values())


def batching(network: Network, lengths: Array, rows: int | None, tokens: int | None = None) -> Batching:
    """Return the batches of a split whose rows have `lengths` (rows, names), of at most so many `rows` or `tokens`."""
    import numpy as np

    names = tuple(network.longest)
    least = np.array([network.shortest[name] for name in names])
    most = MOST if len(names) == 1 else SEVERAL
    rounded = np.maximum(np.stack([_rounded(column, most) for column in lengths.T], axis=1), least)
    longest = rounded.max(axis=1)
    order = np.lexsort((*(-column for column in rounded.T[::-1]), -longest))
    keys = rounded[order]
    changes = np.flatnonzero((keys[1:] != keys[:-1]).any(axis=1)) + 1
    ends = [0, *changes.tolist(), len(keys)]
    cuts = []
    start = 0
    while start < len(keys):
        size = rows if tokens is None else max(1, tokens // int(longest[order[start]]))
        assert size is not None, "a batch has a size"
        stop = min(start + size, len(keys))
        cuts.append(LengthBatch(start, stop, tuple(keys[start:stop].max(axis=0).tolist())))
        start = stop
    return Batching(names, order, tuple(pairwise(ends)), tuple(cuts))


def _rounded(lengths: Array, most: int) -> Array:
    """Return lengths, rounded up so that there are at most so many different ones, each of about as many rows."""
    import numpy as np

    known = np.unique(lengths)
    if len(known) > most:
        places = np.arange(1, most + 1) * len(lengths) // most - 1
        known = np.unique(np.sort(lengths)[places])
    return known[np.searchsorted(known, lengths)]


@dataclass(frozen=True)
class Batchings:
    """The batches that a training makes by length."""

    train: Batching
    """Those of the training split that steps are made with."""
    measured: Mapping[str, Batching]
    """Those in which each split is measured."""


def batchings(network: Network, lengths: Mapping[str, Array]) -> Batchings:
    """Return the batches of splits whose rows have these lengths (rows, names)."""
    settings = network.spec.training
    assert settings.batch_size != "full", "one batch has no rows of similar length"
    train = batching(network, lengths["train"], settings.batch_size, settings.batch_tokens)
    return Batchings(train, {name: measured(network, own) for name, own in lengths.items()})


def measured(network: Network, lengths: Array) -> Batching:
    """Return the batches in which a split is measured whose rows have these lengths (rows, names).

    They have as many rows as others have, but for small splits, which are cut into several all the same.
    """
    rows = len(lengths)
    least = batch_rows(network.spec, rows)
    if network.spec.training.batch_tokens is not None:
        least = max(1, least // max(network.longest.values()))
    most = min(evaluation_rows(network, rows), WIDEST)
    return batching(network, lengths, max(min(least, most), min(most, -(-rows // PARTS))))


def of_one_length(network: Network, rows: Mapping[str, int]) -> Batchings:
    """Return the batches of so many rows, by split, that are all as long as they can be: none needs more memory."""
    import numpy as np

    longest = list(network.longest.values())
    return batchings(network, {name: np.full((count, len(longest)), longest) for name, count in rows.items()})


def largest(batches: Iterable[Batching]) -> Forms:
    """Return the sizes that a plan for some batches needs."""
    return Forms(form for each in batches for form in each.forms)
