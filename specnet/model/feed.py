from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from specnet.data.small_pages import empty
from specnet.data.streamed import ArrayOrStreamed, Streamed, fetch, taken, whole
from specnet.engines.execution import Bound
from specnet.engines.ranks import RankShares
from specnet.engines.workers import Workers
from specnet.graph.sizes import Sizes
from specnet.model.augmenter import Augmenter
from specnet.model.batch import Arrays, Batch
from specnet.model.state import TrainingState, drawn, put

AT_ONCE = 1 << 15
"""Places that are written at once."""

SHARED = 1 << 20
"""Bytes of a batch's rows that are worth sharing out over the workers of a plan."""

Array = np.ndarray[Any, Any]
Bind = Callable[[Sizes, Arrays], Bound]
"""What binds a plan to arrays of some sizes; a number is that of rows."""


class Feed:
    """Brings the arrays of a split to a plan, batch by batch, in memory that is allocated once.

    `arrays` are those of the plan, by name. Those that are one object are fetched once, and lie in the same memory
    unless an `augmenter` changes some of them. The order is that of the split, or with a generator a new one
    whenever `shuffle` is called. With an `augmenter` each batch is changed after it is fetched, and a full batch is
    a copy of the split. With `in_streams`, each place in a batch goes through a part of the split of its own, whose
    rows follow on each other from batch to batch. With `shares`, the process has some rows of each batch, and brings
    no others.
    """

    def __init__(
        self,
        arrays: Mapping[str, ArrayOrStreamed],
        batch_size: int,
        generator: np.random.Generator | None,
        bind: Bind,
        *,
        drop_last: bool,
        augmenter: Augmenter | None = None,
        in_streams: bool = False,
        shares: RankShares | None = None,
    ) -> None:
        rows = len(next(iter(arrays.values())))
        self._augmenter = augmenter
        self._generator = generator if batch_size < rows else None
        self.order: Array | None = None
        self._window = 0
        self._streamed: list[Streamed] = []
        """What reads from files: each but once, since their rows may come in order."""
        once = {id(held): held for held in arrays.values()}
        if batch_size >= rows and augmenter is None:
            own_rows = part_of(shares, rows)
            all_rows = {key: rows_of(held, own_rows) for key, held in once.items()}
            read = {name: all_rows[id(held)] for name, held in arrays.items()}
            self.batches = [Batch(rows, bind(rows, read), None, read)]
            return
        batch_size = min(batch_size, rows)
        self.order = streams_of(rows, batch_size) if in_streams else _in_order(rows)
        own = {key: apart(held) for key, held in once.items()}
        self._streamed = [held for held in own.values() if not isinstance(held, np.ndarray)]
        window = max((held.window for held in self._streamed), default=0)
        self._window = 0 if window >= rows else window
        sizes = [batch_size]
        if rows % batch_size and not drop_last:
            sizes.append(rows % batch_size)
        # Where rows are changed by other rows, all of a batch are fetched and changed, as one process does it.
        apart_from_others = augmenter is None or augmenter.by_row
        parts = {size: part_of(shares if apart_from_others else None, size) for size in sizes}
        most = max(map(_length, parts.values()))
        memory = {key: np.empty((most, *held.shape[1:]), held.dtype) for key, held in own.items()}
        copies = [(own[key], array) for key, array in memory.items()]
        fetched: Arrays = {}
        copied = []
        for name, held in arrays.items():
            array = memory[id(held)]
            if augmenter is not None and any(array is other for other in fetched.values()):
                copied.append((array, np.empty_like(array)))
                array = copied[-1][1]
            fetched[name] = array
        read = fetched if augmenter is None else augmenter.read(fetched)
        ready: dict[int, Batch] = {}
        for size in sizes:
            count = _length(parts[size])
            given = _first(read, count)
            if not apart_from_others:
                given = {name: array[part_of(shares, size)] for name, array in given.items()}
            ready[size] = Batch(
                size,
                bind(size, given),
                None,
                given,
                tuple((held, array[:count]) for held, array in copies),
                tuple((array[:count], copy[:count]) for array, copy in copied),
                None
                if augmenter is None
                else augmenter.bind(_first(fetched, count), _first(read, count), size),
            ).fetched_in_step()
        self.batches = []
        for start in range(0, rows, batch_size):
            size = min(batch_size, rows - start)
            if size in ready:
                places, part = self.order[start : start + size], parts[size]
                ours = places[part]
                others: tuple[Array, ...] = ()
                if len(ours) < size:
                    others = tuple(each for each in (places[: part.start], places[part.stop :]) if len(each))
                self.batches.append(ready[size].at(ours, others))

    @property
    def rows(self) -> int:
        """How many rows an epoch takes."""
        return sum(batch.rows for batch in self.batches)

    @property
    def computes(self) -> bool:
        """Whether rows are read, computed or changed when they are fetched."""
        return bool(self._streamed) or self._augmenter is not None

    def begin(self) -> None:
        """Begin an epoch, in a new order where there is a generator to draw it with.

        Raises RunError where rows stay in files, and these are no longer what they were.
        """
        self._start()
        if self._generator is not None and self.order is not None:
            if self._window:
                shuffle_within(self._window, self.order, self._generator)
            else:
                self._generator.shuffle(self.order)
        self._expect(self.batches)

    def _start(self) -> None:
        for held in self._streamed:
            held.begin(shuffled=self._generator is not None)

    def _expect(self, batches: list[Batch]) -> None:
        for held in self._streamed:
            held.expect(batch.places for batch in batches if batch.places is not None)

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
                self._pass_over(batch.others)
                for held in self._streamed:
                    held.skip(batch.places)
        self._expect(self.batches[batches:])

    def _pass_over(self, places: tuple[Array, ...]) -> None:
        """Go on in files whose rows come in order as if rows had been fetched, which other processes have."""
        for part in places:
            for held in self._streamed:
                if held.window:
                    held.skip(part)

    def bring(self, batch: Batch) -> None:
        """Fetch a batch, or have the next step of its plan do so, which must come before anything else reads it."""
        if batch.in_step is None or batch.places is None:
            self.fetch(batch)
        else:
            batch.in_step(batch.places)

    def fetch(self, batch: Batch) -> None:
        """Put a batch's rows where its plan reads them, augmented where they are to be."""
        if batch.places is not None:
            self._pass_over(batch.others)
            for held, array in batch.copies:
                if array.nbytes < SHARED:
                    fetch(held, batch.places, array)
                else:
                    fetch_together(batch.bound.workers, held, batch.places, array)
            for array, copy in batch.copied:
                np.copyto(copy, array)
            if batch.change is not None:
                batch.change()


def fetch_together(workers: Workers | None, held: ArrayOrStreamed, places: Array, out: Array) -> None:
    """Put the rows at these places into `out`: of an array in memory, each worker fetches some."""
    if workers is None or not isinstance(held, np.ndarray):
        fetch(held, places, out)
        return
    shares = workers.shares(len(places))

    def work(worker: int) -> None:
        own = slice(*shares[worker])
        fetch(held, places[own], out[own])

    workers.run(work, len(shares))


def _first(arrays: Arrays, rows: int) -> Arrays:
    return {name: array[:rows] for name, array in arrays.items()}


def part_of(shares: RankShares | None, rows: int) -> slice:
    """Return which rows of a batch of so many a process has."""
    if shares is None:
        return slice(0, rows)
    own = shares.of(rows)
    return slice(own.start, own.stop)


def rows_of(held: ArrayOrStreamed, part: slice) -> Array:
    """Return neighbouring rows: a view of the array that holds them, or an array that is made."""
    if isinstance(held, np.ndarray):
        return held[part]
    return whole(held) if part == slice(0, len(held)) else taken(held, np.arange(part.start, part.stop))


def _in_order(rows: int) -> Array:
    """Return the places of so many rows in order."""
    order = empty((rows,), np.intp)
    for start in range(0, rows, AT_ONCE):
        part = order[start : start + AT_ONCE]
        part[...] = np.arange(start, start + len(part))
    return order


def _length(part: slice) -> int:
    return int(part.stop - part.start)


def apart(held: ArrayOrStreamed) -> ArrayOrStreamed:
    """Return rows that another reader does not move on in."""
    return held if isinstance(held, np.ndarray) else held.apart()


def streams_of(rows: int, batch_size: int) -> Array:
    """Return the order in which batches take rows from parallel streams, each a part of all rows.

    The first streams are longer by a row where rows cannot be divided equally; these make up the last batch.
    """
    length, more = divmod(rows, batch_size)
    stream = np.arange(batch_size)
    starts = stream * length + np.minimum(stream, more)
    whole = (starts + np.arange(length)[:, None]).reshape(-1)
    return np.concatenate([whole, starts[:more] + length])


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
