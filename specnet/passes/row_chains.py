"""Chains of ops that work on each row of the batch by itself, and where they end."""

from __future__ import annotations

from specnet.graph import geometry, lattice
from specnet.graph.graph import Value
from specnet.graph.ops.convolution import tiles_of
from specnet.graph.sizes import ITEM_BYTES, Sizes, count, grows, named, value_of
from specnet.passes.aliases import root


def is_sum(value: Value) -> bool:
    """Whether a value is a sum over the batch, to which its rows can be added one after the other."""
    return bool(value.op.sums(value)) and grows(value.inputs[0].shape[0])


def by_rows(value: Value) -> bool:
    """Whether an op works on each row of the batch by itself, or adds them up."""
    if is_sum(value):
        return all(leads(i) or _whole(i) for i in value.inputs)
    if not leads(value):
        return False
    if value.op.calls:
        return bool(value.attributes.named().get("axis", 1) > 0)
    return value.op.elementwise and all(_whole(i) or i.shape[0] == value.shape[0] for i in value.inputs)


def _whole(value: Value) -> bool:
    """Whether a value is the same for all rows of the batch."""
    return not any(map(grows, value.shape))


def leads(value: Value) -> bool:
    """Whether the batch is the first axis, and no other."""
    first, *others = value.shape or (1,)
    return grows(first) and not any(map(grows, others))


def images_at_once(chain: list[Value], sizes: Sizes) -> int:
    """Return how many rows of the batch are worked on at once.

    What passes on stays in cache, except where a convolution has to transform its kernel for each few images.
    """
    one = {**named(sizes), "batch": 1}
    most = max(
        sum(count(v.shape).at(one) * ITEM_BYTES[v.dtype] for v in (*value.inputs, value) if leads(v))
        for value in chain
    )
    wanted = [tiles.wanted for value in chain if (tiles := tiles_of(value)) is not None]
    return min(lattice.MAXIMUM, value_of("batch", sizes), max(1, geometry.ROOM // most, *wanted))


class RowChains:
    """Where chains of row-wise ops end, by the position of the op that starts them.

    A chain takes every row-wise op after its first one, and ends before the first op that needs a whole array that the
    chain computes: before the first op that so needs a row-wise op at the chain's start or after it. Of all that an op
    needs whole, only the last position counts, and the end never moves back as the start moves on. So all ends are
    found in one pass, however often a chain turns out to be of no use.
    """

    def __init__(self, waiting: list[Value], *, fuse: bool) -> None:
        self._waiting, self._fuse = waiting, fuse
        self.joins = [by_rows(v) for v in waiting]
        self.next_call = self._next_call()
        """For each position, that of the first row-wise op from there on that has calls."""
        self._needed_whole = self._last_needed_whole()
        self._stop = 0

    def stop(self, start: int) -> int:
        """Return where the chain ends that starts here; starts must not go back from one question to the next."""
        if not self._fuse:
            return start + 1
        self._stop = max(self._stop, start + 1)
        while self._stop < len(self._waiting) and self._needed_whole[self._stop] < start:
            self._stop += 1
        return self._stop

    def joining(self, start: int, stop: int) -> list[Value]:
        """Return the ops of the chain between two positions."""
        return [self._waiting[place] for place in range(start, stop) if self.joins[place]]

    def passed_over(self, start: int, stop: int) -> list[Value]:
        """Return the other ops between two positions, which run before the chain."""
        return [self._waiting[place] for place in range(start, stop) if not self.joins[place]]

    def _next_call(self) -> list[int]:
        found, places = len(self._waiting), []
        for place in reversed(range(len(self._waiting))):
            if self.joins[place] and self._waiting[place].op.calls:
                found = place
            places.append(found)
        return places[::-1]

    def _last_needed_whole(self) -> list[int]:
        """Return for each op the last position of a row-wise op that must be done before it; -1 where there is none."""
        place_of = {v.index: place for place, v in enumerate(self._waiting)}
        found = []
        for place, value in enumerate(self._waiting):
            last = -1
            for source in value.inputs:
                made = place_of.get(root(source).index)
                if made is None or not self.joins[made]:
                    continue
                if not self.joins[place] or not leads(source) or is_sum(self._waiting[made]):
                    last = max(last, made)
            found.append(last)
        return found
