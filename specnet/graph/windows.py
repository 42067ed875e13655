"""Windows of a pooling along one axis: where they lie, and which strides of the axis each tap of them is.

An axis may have more windows than memory can list, and a document is checked before anything is allocated. Windows
are therefore rules, and whatever a check asks of them takes the same time however many there are.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import gcd
from typing import overload

Span = tuple[int, int]
Run = tuple[slice, slice]
"""Windows one after the other, and what they see through one tap."""

ROOM = 128 * 1024
"""Elements of a tile: an input, an output and what passes between them about fill a core's L2 cache."""


class Spans(Sequence[Span]):
    """Windows along an axis, (from, to) each; a window may begin before the axis and end behind it."""

    number: int
    """The number of windows; unlike `len`, without a limit."""

    @abstractmethod
    def at(self, number: int) -> Span:
        """Return a window by its number, counted from 0."""

    @abstractmethod
    def total(self, size: int) -> int:
        """Return how many places all windows see on an axis of a size, where each sees some."""

    @abstractmethod
    def common(self, size: int) -> int | None:
        """Return how many places each window sees on an axis of a size; None where not all see as many."""

    @abstractmethod
    def has_empty(self, size: int) -> bool:
        """Return whether a window sees nothing of an axis of a size."""

    def places(self, number: int, size: int) -> int:
        """Return how many places a window sees on an axis of a size."""
        start, stop = self.at(number)
        return min(stop, size) - max(start, 0)

    def singles(self, size: int) -> bool:
        """Return whether the windows are the places of an axis of a size, one by one and in order."""
        return (
            self.number == size
            and self.common(size) == 1
            and self.at(0) == (0, 1)
            and self.at(size - 1) == (size - 1, size)
        )

    def __len__(self) -> int:
        return self.number

    @overload
    def __getitem__(self, index: int) -> Span: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Span]: ...
    def __getitem__(self, index: int | slice) -> Span | Sequence[Span]:
        chosen = range(self.number)[index]
        return self.at(chosen) if isinstance(chosen, int) else [self.at(number) for number in chosen]


@dataclass(frozen=True)
class Strided(Spans):
    """Windows of one length at equal distances.

    How much of a window lies on the axis is concave in its number, so that the first and the last see the least.
    """

    first: int
    """Where the first window begins."""
    length: int
    step: int
    """From the beginning of a window to that of the next; above 0."""
    number: int
    """The number of windows."""

    def at(self, number: int) -> Span:
        """Return a window by its number, counted from 0."""
        start = self.first + number * self.step
        return start, start + self.length

    def total(self, size: int) -> int:
        """Return how many places all windows see on an axis of a size, where each sees some."""
        _, end = self.at(self.number - 1)
        return self.number * self.length - self._beyond(-self.first) - self._beyond(end - size)

    def _beyond(self, places: int) -> int:
        """Return how many places all windows have beyond an end of the axis, of which the outermost has so many."""
        windows = min(self.number, max(0, -(-places // self.step)))
        return windows * places - self.step * windows * (windows - 1) // 2

    def common(self, size: int) -> int | None:
        """Return how many places each window sees on an axis of a size; None where not all see as many."""
        first, second, last = (self.places(i, size) for i in (0, min(1, self.number - 1), self.number - 1))
        return first if first == second == last else None

    def has_empty(self, size: int) -> bool:
        """Return whether a window sees nothing of an axis of a size."""
        return min(self.places(0, size), self.places(self.number - 1, size)) < 1


@dataclass(frozen=True)
class AdaptiveCells(Spans):
    """PyTorch's cells of adaptive pooling: cell i reaches from floor(i * size / n) to ceil((i + 1) * size / n)."""

    size: int
    number: int
    """The number of cells."""

    def at(self, number: int) -> Span:
        """Return a cell by its number, counted from 0."""
        return number * self.size // self.number, -(-(number + 1) * self.size // self.number)

    def total(self, size: int) -> int:
        """Return how many places all cells see: those of the axis, and one more for each border within a place."""
        assert size == self.size
        return self.size + self.number - gcd(self.size, self.number)

    def common(self, size: int) -> int | None:
        """Return how many places each cell sees; None where not all see as many.

        With size = q n + p, cell i begins r = i p mod n nths into a place. It sees q + 1 places where r + p <= n, and
        one more elsewhere; r goes through the multiples of gcd(p, n) below n.
        """
        assert size == self.size
        whole, left = divmod(size, self.number)
        if not left:
            return whole
        return whole + 1 if left == gcd(left, self.number) else None

    def has_empty(self, size: int) -> bool:
        """Return whether a cell sees nothing: none does."""
        assert size == self.size
        return False


def cells(size: int, number: int) -> Spans:
    """Return the cells of adaptive pooling; strided where they all follow each other at the same distance."""
    whole, left = divmod(size, number)
    return Strided(0, whole + left, whole, number) if whole and left <= 1 else AdaptiveCells(size, number)


@dataclass(frozen=True)
class Shares(Sequence[float]):
    """What each place counts in the mean of its window: 1 / n in one that sees n places."""

    windows: Spans
    size: int

    def __len__(self) -> int:
        return self.windows.number

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[float]: ...
    def __getitem__(self, index: int | slice) -> float | Sequence[float]:
        chosen = range(self.windows.number)[index]
        if isinstance(chosen, int):
            return 1.0 / self.windows.places(chosen, self.size)
        return [1.0 / self.windows.places(number, self.size) for number in chosen]


@dataclass(frozen=True)
class Windows:
    """Windows along an axis of so many places, as kernels go through them.

    An array (..., size, ...) is seen as (outer, size, inner).
    """

    spans: Spans
    size: int
    inner: int

    @cached_property
    def taps(self) -> list[list[Run]]:
        """For each place within a window, the runs of windows that have it on the axis."""
        spans = self.spans
        if isinstance(spans, Strided):
            return [runs for tap in range(spans.length) if (runs := _strided_run(spans, tap, self.size))]
        longest = max(stop - start for start, stop in spans)
        found = []
        for tap in range(longest):
            places = [
                (number, start + tap)
                for number, (start, stop) in enumerate(spans)
                if start + tap < stop and 0 <= start + tap < self.size
            ]
            if places:
                found.append(_runs(places))
        return found

    @cached_property
    def apart(self) -> bool:
        """Whether no two windows share a place."""
        spans = self.spans
        if isinstance(spans, Strided):
            return spans.number == 1 or spans.step >= spans.length
        return all(before[1] <= after[0] for before, after in pairwise(spans))

    @cached_property
    def unseen(self) -> list[slice]:
        """The places that no window sees, where windows are apart."""
        spans: Sequence[Span] = self.spans
        if isinstance(spans, Strided) and spans.step == spans.length:
            spans = [(spans.first, spans.at(spans.number - 1)[1])]
        edges = [0, *(min(max(edge, 0), self.size) for span in spans for edge in span), self.size]
        return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]

    @cached_property
    def full(self) -> bool:
        """Whether the first tap of every window lies on the axis, in one run."""
        return len(self.taps[0]) == 1 and self.taps[0][0][0] == slice(0, self.spans.number)

    @cached_property
    def even(self) -> bool:
        """Whether windows are apart, and each of their taps is one run of all of them."""
        every = slice(0, self.spans.number)
        return self.apart and all(len(runs) == 1 and runs[0][0] == every for runs in self.taps)

    @property
    def rows(self) -> int:
        """How many of `outer` a tile has."""
        return max(1, ROOM // (self.size * self.inner))


def _strided_run(spans: Strided, tap: int, size: int) -> list[Run]:
    """Return the run of windows that have a tap on the axis, if any do."""
    at = spans.first + tap
    first = max(0, -(at // spans.step))
    stop = min(spans.number, (size - 1 - at) // spans.step + 1)
    if first >= stop:
        return []
    return [_run(first, stop, at, spans.step)]


def _run(first: int, stop: int, at: int, step: int) -> Run:
    """Return windows from a first one on, and their places where the window of number 0 would have its at `at`."""
    begin, end = at + first * step, at + (stop - 1) * step + 1
    return slice(first, stop), slice(begin, end, step if stop - first > 1 else 1)


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
