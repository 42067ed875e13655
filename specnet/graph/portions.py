"""Which part of a vector each of several processes updates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@lru_cache(maxsize=64)
def bounds(size: int, ranks: int) -> tuple[int, ...]:
    """Return where the portions of a vector (size,) begin, one for each process, and where the last one ends.

    They differ by one element at most, and the first ones are the longer.
    """
    each, longer = divmod(size, ranks)
    return tuple(each * rank + min(rank, longer) for rank in range(ranks + 1))


@dataclass(frozen=True, slots=True)
class Portion:
    """The part of a vector of `size` elements that the process `rank` of so many has."""

    size: int
    rank: int
    ranks: int

    @property
    def start(self) -> int:
        """Where it begins in the vector."""
        return bounds(self.size, self.ranks)[self.rank]

    @property
    def stop(self) -> int:
        """Where it ends in the vector."""
        return bounds(self.size, self.ranks)[self.rank + 1]

    def __len__(self) -> int:
        return self.stop - self.start
