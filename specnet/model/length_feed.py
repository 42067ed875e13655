"""Batches of sequences of similar length, each as long as its own longest one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

import numpy as np

from specnet.data.streamed import ArrayOrStreamed, fetch
from specnet.engines.ranks import RankShares
from specnet.graph.sizes import Shape, Size, at
from specnet.model.batch import Arrays, Batch
from specnet.model.batching import Batching
from specnet.model.feed import Bind, Feed, apart, part_of
from specnet.model.state import TrainingState, put

Array = np.ndarray[Any, Any]


class LengthFeed(Feed):
    """Brings the arrays of a split to a plan in the batches of a `batching`, as `Feed` does.

    `shapes` are those of the plan's arrays, by name. All batches lie in the same memory, and a plan is bound to it once
    for each of the sizes that batches have. With a generator, `begin` shuffles rows of equal length, and the batches.
    """

    def __init__(
        self,
        arrays: Mapping[str, ArrayOrStreamed],
        shapes: Mapping[str, Shape],
        batching: Batching,
        generator: np.random.Generator | None,
        bind: Bind,
        shares: RankShares | None = None,
    ) -> None:
        self.batching = batching
        self._augmenter, self._window = None, 0
        self._generator = generator
        self.order = order = self._ordered = batching.order.copy()
        self.sequence = np.arange(len(batching.cuts))
        """The order of the batches."""
        once = {(id(held), shapes[name]): held for name, held in arrays.items()}
        own = {key: apart(held) for key, held in once.items()}
        self._streamed = [held for held in own.values() if not isinstance(held, np.ndarray)]
        ranks = 1 if shares is None else shares.ranks.size
        forms = [{**form, "batch": -(-form["batch"] // ranks)} for form in batching.forms]
        memory = {
            key: np.empty(max(prod(at(key[1], form)) for form in forms), held.dtype)
            for key, held in own.items()
        }
        most = max(form["batch"] for form in forms)
        index = _Index(most, max(prod(form.values()) for form in forms) if forms else 0)
        whole = {key: _Rows(held, most, index) for key, held in own.items()}
        ready: dict[tuple[tuple[str, int], ...], Batch] = {}
        self._all: list[Batch] = []
        for cut in batching.cuts:
            sizes = batching.sizes(cut)
            key = tuple(sizes.items())
            part = part_of(shares, sizes["batch"])
            if key not in ready:
                own_sizes = {**sizes, "batch": part.stop - part.start}
                shaped = {of: at(of[1], own_sizes) for of in memory}
                views = {of: room[: prod(shaped[of])].reshape(shaped[of]) for of, room in memory.items()}
                read: Arrays = {name: views[id(held), shapes[name]] for name, held in arrays.items()}
                copies = tuple(
                    (whole[of].cut(view) if _varies(of[1]) else own[of], view) for of, view in views.items()
                )
                ready[key] = Batch(sizes["batch"], bind(sizes, read), None, read, copies)
            self._all.append(ready[key].at(order[cut.start : cut.stop][part]))
        self.batches = list(self._all)

    def begin(self) -> None:
        """Begin an epoch: with a generator, in a new order."""
        self._start()
        if self._generator is not None:
            for start, stop in self.batching.ties:
                self._generator.shuffle(self._ordered[start:stop])
            self._generator.shuffle(self.sequence)
            self._arrange()

    def _arrange(self) -> None:
        for place, number in enumerate(self.sequence):
            self.batches[place] = self._all[number]

    def state(self) -> TrainingState:
        """Return the order of the rows and of the batches, and where the generator of orders stands."""
        found = super().state()
        return TrainingState({**found.arrays, "batch_order": self.sequence}, found.plain)

    def resume(self, arrays: Mapping[str, Array], plain: Mapping[str, Any], batches: int) -> None:
        """Go on from a state, from which so many batches of the epoch have been fetched."""
        put(self.sequence, arrays, "batch_order")
        self._arrange()
        super().resume(arrays, plain, batches)


def _varies(shape: Shape) -> bool:
    return any(isinstance(dim, Size) for dim in shape[1:])


class _Index:
    """Scratch memory for the places of steps among those of all rows."""

    def __init__(self, rows: int, steps: int) -> None:
        self.rows, self.steps = np.empty(rows, np.intp), np.empty(steps, np.intp)


class _Rows:
    """Rows of sequences, held or in a file, of which the first steps are wanted."""

    def __init__(self, held: ArrayOrStreamed, rows: int, index: _Index) -> None:
        self.held, self.index = held, index
        self.room = None if isinstance(held, np.ndarray) else np.empty((rows, *held.shape[1:]), held.dtype)
        """Where whole rows are put that stay in their file."""

    def cut(self, view: Array) -> _FirstSteps:
        """Return what puts the first steps of rows into a view (rows, steps, ...)."""
        return _FirstSteps(self, view.shape[1])


class _FirstSteps:
    """The first steps of the rows of a split."""

    def __init__(self, of: _Rows, steps: int) -> None:
        self.of, self.steps = of, steps
        self.shape = (len(of.held), steps, *of.held.shape[2:])
        self.dtype, self.window = of.held.dtype, 0
        self._numbers = np.arange(steps)

    def __len__(self) -> int:
        return len(self.of.held)

    def begin(self, *, shuffled: bool = False) -> None:
        """Do nothing: the rows themselves are begun."""

    def expect(self, parts: Iterable[Array]) -> None:
        """Do nothing, as `begin`."""

    def skip(self, places: Array) -> None:
        """Do nothing: any row can be read at any time."""

    def apart(self) -> _FirstSteps:
        """Return itself: nothing else reads with its scratch memory."""
        return self

    def fetch(self, places: Array, out: Array) -> None:
        """Put the first steps of the rows at these places into `out`, without an array being allocated."""
        held, index = self.of.held, self.of.index
        if self.of.room is not None:
            room = self.of.room[: len(places)]
            fetch(held, places, room)
            np.copyto(out, room[:, : self.steps])
            return
        assert isinstance(held, np.ndarray)
        rows, most = len(places), held.shape[1]
        first = np.multiply(places, most, out=index.rows[:rows])
        steps = index.steps[: rows * self.steps].reshape(rows, self.steps)
        np.add(first[:, np.newaxis], self._numbers, out=steps)
        np.take(held.reshape(-1, *held.shape[2:]), steps, 0, out, "clip")
