"""How a pooling goes along one axis: where its windows lie, and which strides of the axis each tap of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

Span = tuple[int, int]
Run = tuple[slice, slice]
"""Windows one after the other, and what they see through one tap."""

ROOM = 128 * 1024
"""Elements of a tile: an input, an output and what passes between them about fill a core's L2 cache."""


@dataclass(frozen=True)
class Windows:
    """Windows along an axis of so many places; a window may begin before the axis and end behind it.

    An array (..., size, ...) is seen as (outer, size, inner).
    """

    spans: tuple[Span, ...]
    size: int
    inner: int

    @cached_property
    def taps(self) -> list[list[Run]]:
        """For each place within a window, the runs of windows that have it on the axis."""
        longest = max(stop - start for start, stop in self.spans)
        found = []
        for tap in range(longest):
            places = [
                (number, start + tap)
                for number, (start, stop) in enumerate(self.spans)
                if start + tap < stop and 0 <= start + tap < self.size
            ]
            if places:
                found.append(_runs(places))
        return found

    @cached_property
    def apart(self) -> bool:
        """Whether no two windows share a place."""
        return all(before[1] <= after[0] for before, after in pairwise(self.spans))

    @cached_property
    def unseen(self) -> list[slice]:
        """The places that no window sees, where windows are apart."""
        edges = [0, *(min(max(edge, 0), self.size) for span in self.spans for edge in span), self.size]
        return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]

    @cached_property
    def full(self) -> bool:
        """Whether the first tap of every window lies on the axis, in one run."""
        return len(self.taps[0]) == 1 and self.taps[0][0][0] == slice(0, len(self.spans))

    @cached_property
    def even(self) -> bool:
        """Whether windows are apart, and each of their taps is one run of all of them."""
        every = slice(0, len(self.spans))
        return self.apart and all(len(runs) == 1 and runs[0][0] == every for runs in self.taps)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many places of the axis each window sees."""
        return tuple(min(stop, self.size) - max(start, 0) for start, stop in self.spans)

    @property
    def rows(self) -> int:
        """How many of `outer` a tile has."""
        return max(1, ROOM // (self.size * self.inner))


def step_of(spans: tuple[Span, ...]) -> int | None:
    """Return the distance at which windows of one size follow each other, or None where they follow no such rule."""
    (first, stop), step = spans[0], spans[1][0] - spans[0][0] if len(spans) > 1 else 1
    rule = tuple((first + i * step, stop + i * step) for i in range(len(spans)))
    return step if step > 0 and spans == rule else None


def _runs(places: Sequence[tuple[int, int]]) -> list[Run]:
    """Join places into runs of windows that follow one another at equal distances."""
    runs: list[list[tuple[int, int]]] = []
    for number, place in places:
        if runs:
            last = runs[-1]
            step = place - last[-1][1]
            follows = number == last[-1][0] + 1 and step > 0
            if follows and (len(last) == 1 or step == last[-1][1] - last[-2][1]):
                last.append((number, place))
                continue
        runs.append([(number, place)])
    return [_slices(run) for run in runs]


def _slices(run: list[tuple[int, int]]) -> Run:
    (first, begin), (last, end) = run[0], run[-1]
    step = run[1][1] - begin if len(run) > 1 else 1
    return slice(first, last + 1), slice(begin, end + 1, step)
