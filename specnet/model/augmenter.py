from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from specnet.data.augmentation import Work
from specnet.engines.random import stream
from specnet.engines.ranks import RankDraws, RankShares
from specnet.model.augmenting import augmentation_names, augments_by_row, outside_of_masks
from specnet.model.network import Network
from specnet.model.row_memory import augmentation_bytes, augmentation_sizes
from specnet.model.state import drawn

Array = np.ndarray[Any, Any]


class Augmenter:
    """Changes training batches at random, in memory that is allocated once for the largest of them.

    That is for so many rows. With `shares`, a process changes its own rows of a batch, where these do not depend on the
    others: `by_row`.
    """

    def __init__(self, network: Network, rows: int, shares: RankShares | None = None) -> None:
        spec = network.spec
        self.by_row = augments_by_row(spec)
        self._shares = shares if self.by_row else None
        if self._shares is not None:
            rows = -(-rows // self._shares.ranks.size)
        self._network = network
        names = [f"augment/{name}" for name in augmentation_names(spec)]
        self.streams = {name: stream(spec.seed, name) for name in names}
        self._pool = {
            name: np.empty(size, np.uint8) for name, size in augmentation_bytes(network, rows).items()
        }

    @classmethod
    def of(cls, network: Network, rows: int, shares: RankShares | None = None) -> Augmenter | None:
        """Return what augments a document's batches of at most so many rows; None where nothing does."""
        return cls(network, rows, shares) if network.spec.data.augmentations else None

    def read(self, fetched: dict[str, Array]) -> dict[str, Array]:
        """Return the arrays in which the plan reads a batch that is put into those of `fetched`, by name."""
        fed = self._network.fed_targets
        if not fed.spread:
            return fetched
        spread = np.empty((len(fetched["targets"]), *fed.shape), self._network.spec.dtype)
        return {**fetched, "targets": spread}

    def bind(self, fetched: dict[str, Array], read: dict[str, Array], rows: int) -> Callable[[], None]:
        """Return what changes a batch of so many rows once they lie in these arrays, without allocating any.

        With shares, the arrays hold the process's own rows.
        """
        network, inputs = self._network, read["inputs"]
        # The targets of several outputs are never changed.
        targets = inputs[:, :0] if network.several else read["targets"]
        sizes = augmentation_sizes(network, len(inputs))
        masks, outside = None, 0.0
        if network.fed_targets.masks:
            height, width = network.signature.inputs[:2]
            masks, outside = targets.reshape(len(targets), height, width, -1), outside_of_masks(network.spec)
        changes: list[Callable[[], None]] = []
        if network.fed_targets.spread:
            changes.append(_spreading(fetched["targets"], targets))
        for augmentation, generator in zip(
            network.spec.data.augmentations, self.streams.values(), strict=True
        ):
            draw = generator
            if self._shares is not None:
                draw = RankDraws(generator, self._shares.of(rows), rows)
            scratch = {
                name: self._cut(name, shape, dtype)
                for name, (shape, dtype) in augmentation.scratch(sizes).items()
            }
            changes.append(augmentation.bind(Work(inputs, targets, draw, scratch, masks, outside)))

        def change() -> None:
            for each in changes:
                each()

        return change

    def state(self) -> dict[str, Any]:
        """Return where the streams of random numbers stand."""
        return {name: drawn(generator) for name, generator in self.streams.items()}

    def resume(self, plain: Mapping[str, Any]) -> None:
        """Go on from a state."""
        for name, generator in self.streams.items():
            generator.bit_generator.state = plain[name]

    def _cut(self, name: str, shape: tuple[int, ...], dtype: str) -> Array:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return self._pool[name][:size].view(dtype).reshape(shape)


def _spreading(labels: Array, rows: Array) -> Callable[[], None]:
    """Return what turns class indices (rows, ...) into rows of zeros with a one at each index."""
    flat, labels = rows.reshape(-1), labels.reshape(-1)
    starts = np.arange(len(labels)) * rows.shape[-1]
    places = np.empty_like(starts)

    def spread() -> None:
        flat.fill(0.0)
        np.add(labels, starts, out=places)
        flat[places] = 1.0

    return spread
