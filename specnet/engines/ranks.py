"""The processes of a distributed training: what each has of a batch, and what they tell each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from specnet.graph.portions import bounds
from specnet.graph.sizes import Sizes, named, value_of

Array = np.ndarray[Any, Any]


class Ranks(Protocol):
    """Processes that run the same program. Each method is called by all of them, in the same order."""

    rank: int
    """Which of them this one is, from 0."""
    size: int
    """How many there are."""
    together: bool
    """Whether all of them know how it stands: what is raised then is raised in all of them."""
    led: bool
    """Whether the first has started the others, which know of what its program passes only what it shares."""

    @property
    def machine(self) -> Ranks:
        """Those of them that run on the machine of this one."""
        ...

    def add(self, own: Array, out: Array) -> None:
        """Write the sum of what all processes have, arrays of one shape, to `out`: the same bits in each of them."""

    def total(self, own: float) -> float:
        """Return the sum of what all processes have."""
        ...

    def gather(self, own: Array, out: Array, counts: list[int]) -> None:
        """Write what all processes have, so many elements each, to `out`, one after the other."""

    def pass_on(self, sent: Array, to: int, received: Array, source: int) -> None:
        """Send an array to one process, and receive one from another, which sends it at the same time."""

    def pass_and_add(
        self, sent: Array, to: int, own: Array, out: Array, received: Array, source: int
    ) -> None:
        """Do the same, and write the sum of `own` and what is received to `out`; `received` is scratch."""

    def largest(self, numbers: Array) -> None:
        """Put the largest in the place of each number, of what all processes have."""

    def exchange(self, message: bytes) -> list[bytes]:
        """Return the messages of all processes."""
        ...


class RankRows:
    """The rows that a process has of one batch, and the collectives of a plan that is bound to it.

    A process without any computes on some row, of which nothing counts.
    """

    def __init__(self, ranks: Ranks, rows: int, places: int | None = None) -> None:
        whole = rows if places is None else places
        bounds = [min(whole * rank // ranks.size, rows) for rank in range(ranks.size + 1)]
        self.start, self.stop = bounds[ranks.rank : ranks.rank + 2]
        self.idle = self.start == self.stop
        if self.idle:
            self.start, self.stop = 0, 1
        self._ranks, self._rows = ranks, rows
        self._counts = [stop - start for start, stop in pairwise(bounds)]

    def __len__(self) -> int:
        return self.stop - self.start

    def add(self, own: Array, out: Array) -> None:
        """Write the sum of what all processes have to `out`."""
        if self.idle:
            own.fill(0)
        self._ranks.add(own, out)

    def total(self, own: float) -> float:
        """Return the sum of what all processes have."""
        return self._ranks.total(0.0 if self.idle else own)

    def gather(self, own: Array, out: Array) -> None:
        """Write the rows of all processes to `out`; both are one-dimensional."""
        each = len(out) // self._rows
        self._ranks.gather(own[: 0 if self.idle else len(own)], out, [each * count for count in self._counts])

    def scatter(self, own: Array, out: Array, received: Array) -> None:
        """Write this process's portion of the sum of what all processes have to `out`; `received` is scratch.

        Each sends every other one its portion, pair by pair, and adds up its own in the same order each time.
        """
        if self.idle:
            own.fill(0)
        ranks, ends = self._ranks, bounds(len(own), self._ranks.size)
        so_far = own[ends[ranks.rank] : ends[ranks.rank + 1]]
        for to, source in _pairs(ranks):
            ranks.pass_and_add(own[ends[to] : ends[to + 1]], to, so_far, out, received, source)
            so_far = out

    def join(self, own: Array, out: Array) -> None:
        """Write the portions of all processes to `out`, one after the other."""
        join(self._ranks, own, out)

    def added(self, own: float) -> float:
        """Return the sum of what all processes have of their portions."""
        return self._ranks.total(own)

    def own(self, rows: Array, out: Array) -> None:
        """Write the process's own rows of what all have to `out`."""
        each = len(rows) // self._rows
        np.copyto(out, rows[self.start * each : self.stop * each])

    def draw(self, generator: np.random.Generator, out: Array) -> None:
        """Fill rows of float32 with the numbers in [0, 1) that one process would draw for them in the whole batch."""
        each = out.size // len(self)
        skip(generator, self.start * each)
        generator.random(dtype=out.dtype, out=out)
        skip(generator, (self._rows - self.stop) * each)


def join(ranks: Ranks, own: Array, out: Array) -> None:
    """Write the portions that processes have of a vector to `out`, one after the other; each passes its own on."""
    ends = bounds(len(out), ranks.size)
    np.copyto(out[ends[ranks.rank] : ends[ranks.rank + 1]], own)
    for to, source in _pairs(ranks):
        ranks.pass_on(own, to, out[ends[source] : ends[source + 1]], source)


def _pairs(ranks: Ranks) -> Iterator[tuple[int, int]]:
    """Yield to which process this one sends next, and which one sends to it at the same time."""
    for shift in range(1, ranks.size):
        yield (ranks.rank + shift) % ranks.size, (ranks.rank - shift) % ranks.size


class RankDraws(np.random.Generator):
    """A stream of random numbers for each row of a batch, of which a process draws those of its own rows."""

    def __init__(self, generator: np.random.Generator, rows: RankRows, count: int) -> None:
        super().__init__(generator.bit_generator)
        self._before, self._after = rows.start, count - rows.stop

    def random(self, *, out: Array) -> Array:  # type: ignore[override]
        """Fill float64 numbers, one for each row, with those in [0, 1) that one process would draw for them."""
        bits: Any = self.bit_generator
        bits.advance(self._before)
        super().random(out=out)
        bits.advance(self._after)
        return out


def skip(generator: np.random.Generator, count: int) -> None:
    """Have a generator pass over so many uniform numbers of float32, as if they had been drawn.

    PCG64 makes two of them of 64 bits, and keeps the second until it is asked for.
    """
    bits: Any = generator.bit_generator
    if count and bits.state["has_uint32"]:
        generator.random(dtype=np.float32)
        count -= 1
    if count > 1:
        bits.advance(count // 2)
    if count % 2:
        generator.random(dtype=np.float32)


@dataclass(frozen=True, slots=True)
class RankShares:
    """How batches are shared out over processes: evenly, or by fixed `places` where rows of batches belong together.

    Those are as many as the largest batch has rows. A row of a batch then goes on where that at its place ended in the
    batch before, in the same process.
    """

    ranks: Ranks
    places: int | None = None

    def of(self, rows: int) -> RankRows:
        """Return what this process has of a batch of so many rows."""
        return RankRows(self.ranks, rows, self.places)

    def sizes(self, sizes: Sizes) -> dict[str, int]:
        """Return the sizes that a plan is bound to for a batch of these sizes."""
        rows = value_of("batch", sizes)
        return {**named(sizes), "batch": len(self.of(rows)), "global_batch": rows}
