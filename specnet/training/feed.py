from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.compiler.model import PackedTargets
from specnet.data import Split
from specnet.data.lazy import Held, Lazy, fetch, whole
from specnet.runtime.execution import Bound
from specnet.training.augmenting import Augmenter
from specnet.training.state import TrainingState, drawn, put

Array = np.ndarray[Any, Any]
Bind = Callable[[int, Array, Array], Bound]


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one step, and the plan that is bound to where they are put."""

    rows: int
    bound: Bound
    places: Array | None
    """Which rows of the split they are, a view of the epoch's order; None where the plan reads the split itself."""
    inputs: Array
    targets: Array
    fetched: Array
    """Where the split's targets are put: `targets`, unless the plan reads others that are made of these."""
    change: Callable[[], None] | None = None
    """What augments the rows once they are there."""


class Feed:
    """Brings a split to a plan, batch by batch, in memory that is allocated once.

    The order is that of the split, or with a generator a new one whenever `shuffle` is called. With an
    `augmenter` each batch is changed after it is brought, and a full batch is a copy of the split.
    """

    def __init__(
        self,
        split: Split,
        targets: Held | PackedTargets,
        batch_size: int,
        generator: np.random.Generator | None,
        bind: Bind,
        *,
        drop_last: bool,
        augmenter: Augmenter | None = None,
    ) -> None:
        rows = len(split.inputs)
        self._augmenter = augmenter
        self._generator = generator if batch_size < rows else None
        self.order: Array | None = None
        self._window = 0
        self._lazy: list[Lazy] = []
        """What reads from files: each but once, since their rows may come in order."""
        if batch_size >= rows and augmenter is None:
            x = whole(split.inputs)
            if isinstance(targets, PackedTargets):
                t = np.empty(targets.shape, targets.dtype)
                targets.pack(np.arange(rows), x, t)
            else:
                t = x if targets is split.inputs else whole(targets)
            self.batches = [Batch(rows, bind(rows, x, t), None, x, t, t)]
            return
        batch_size = min(batch_size, rows)
        self.order = np.arange(rows)
        self._inputs = _apart(split.inputs)
        self._targets: Held | PackedTargets | None
        """None where they are the inputs, and these stay in their file."""
        if isinstance(targets, np.ndarray | PackedTargets):
            self._targets = targets if isinstance(targets, np.ndarray) else targets.apart()
        else:
            self._targets = None if targets is split.inputs else targets.apart()
        held = self._targets.data if isinstance(self._targets, PackedTargets) else self._targets
        self._lazy = [own for own in (self._inputs, held) if not (own is None or isinstance(own, np.ndarray))]
        window = max((own.window for own in self._lazy), default=0)
        self._window = 0 if window >= rows else window
        x = np.empty((batch_size, *split.inputs.shape[1:]), split.inputs.dtype)
        fetched = np.empty((batch_size, *targets.shape[1:]), targets.dtype)
        t = fetched if augmenter is None else augmenter.targets(fetched)
        bounds = {batch_size: bind(batch_size, x, t)}
        last = rows % batch_size
        if last and not drop_last:
            bounds[last] = bind(last, x[:last], t[:last])
        changes: dict[int, Callable[[], None] | None] = dict.fromkeys(bounds)
        if augmenter is not None:
            changes |= {size: augmenter.bind(x[:size], fetched[:size], t[:size]) for size in bounds}
        self.batches = []
        for start in range(0, rows, batch_size):
            size = min(batch_size, rows - start)
            if size in bounds:
                places = self.order[start : start + size]
                batch = Batch(size, bounds[size], places, x[:size], t[:size], fetched[:size], changes[size])
                self.batches.append(batch)

    @property
    def rows(self) -> int:
        """How many rows an epoch takes."""
        return sum(batch.rows for batch in self.batches)

    def begin(self) -> None:
        """Begin an epoch, in a new order where there is a generator to draw it with.

        Raises RunError where rows stay in files, and these are no longer what they were.
        """
        self._start()
        if self._generator is None or self.order is None:
            return
        if self._window:
            shuffle_within(self._window, self.order, self._generator)
        else:
            self._generator.shuffle(self.order)

    def _start(self) -> None:
        for held in self._lazy:
            held.begin(shuffled=self._generator is not None)

    def state(self) -> TrainingState:
        """Return the order of the rows, and where the generator of orders stands."""
        arrays = {} if self.order is None else {"order": self.order}
        plain = {} if self._generator is None else {"shuffle": drawn(self._generator), "window": self._window}
        if self._augmenter is not None:
            plain |= self._augmenter.state()
        return TrainingState(arrays, plain)

    def resume(self, arrays: Mapping[str, Array], plain: Mapping[str, Any], batches: int) -> None:
        """Go on from a state, from which so many batches of the epoch have been fetched.

        Rows that are held back for a shuffle are read again: they follow from the order, and from the files.
        """
        if self._generator is not None and plain.get("window", 0) != self._window:
            was, now = (
                f"of {n} rows" if n else "of all rows" for n in (plain.get("window", 0), self._window)
            )
            raise ValueError(f"it was shuffled in a buffer {was}, and would now be in one {now}")
        if self.order is not None:
            put(self.order, arrays, "order")
        if self._generator is not None:
            self._generator.bit_generator.state = plain["shuffle"]
        if self._augmenter is not None:
            self._augmenter.resume(plain)
        self._start()
        for batch in self.batches[:batches]:
            if batch.places is not None:
                for held in self._lazy:
                    held.skip(batch.places)

    def fetch(self, batch: Batch) -> None:
        """Put a batch's rows where its plan reads them, augmented where they are to be."""
        if batch.places is not None:
            fetch(self._inputs, batch.places, batch.inputs)
            if self._targets is None:
                np.copyto(batch.fetched, batch.inputs)
            elif isinstance(self._targets, PackedTargets):
                self._targets.pack(batch.places, batch.inputs, batch.fetched)
            else:
                fetch(self._targets, batch.places, batch.fetched)
            if batch.change is not None:
                batch.change()


def _apart(held: Held) -> Held:
    return held if isinstance(held, np.ndarray) else held.apart()


def shuffle_within(window: int, order: Array, generator: np.random.Generator) -> None:
    """Fill `order` with a permutation that puts no row more than `window` places ahead of its own.

    A pool of `window` rows is shuffled, its first half given out and replaced by the rows that come next, again
    and again; at the end all of it is given out.
    """
    rows = len(order)
    pool = np.arange(min(window, rows))
    half, given, come = max(1, window // 2), 0, len(pool)
    while come < rows:
        generator.shuffle(pool)
        count = min(half, rows - come)
        order[given : given + count] = pool[:count]
        pool[:count] = np.arange(come, come + count)
        given, come = given + count, come + count
    generator.shuffle(pool)
    order[given:] = pool
