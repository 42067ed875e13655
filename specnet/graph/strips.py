"""Patches that overlap in memory, so that each number of an image is copied once for each row of a kernel."""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[int, int]

WASTED = 4
"""Products, for each place of the output, that cost as much as the copies of a patch: fewer are worth wasting."""


@dataclass(frozen=True)
class Strips:
    """Lines of places, each of which holds a column of a patch, (rows of the kernel, channels).

    The patch of a place is its own column and those of the places behind it. So it lies in one piece, and the patches
    of every so many places, as many as a kernel has columns, are the rows of a matrix. What is right of a line is also
    left of the next one, as far as both are zeros.
    """

    columns: int
    """Places of a line: those of the output, and those that are computed in vain."""
    kernel: Pair
    channels: int
    filters: int

    @property
    def column(self) -> int:
        """Numbers of a column of a patch."""
        return self.kernel[0] * self.channels

    @property
    def line(self) -> int:
        """Numbers that a line needs, of patches and of the output."""
        return self.columns * (self.column + self.filters)

    def pays(self, lines: int, places: int) -> bool:
        """Whether little is computed in vain in so many lines, where so many places are needed."""
        return (lines * self.columns - places) * self.filters <= WASTED * places

    def rows(self, lines: int) -> int:
        """Return how many rows each of the matrices of so many lines has."""
        return -(-lines * self.columns // self.kernel[1])

    def places(self, lines: int) -> int:
        """Return how many places the matrices have together."""
        return self.rows(lines) * self.kernel[1]

    def numbers(self, lines: int) -> int:
        """Return how many numbers patches and output of so many lines are."""
        places = self.places(lines)
        return (places + self.kernel[1] - 1) * self.column + places * self.filters
