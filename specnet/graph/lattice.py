"""The images of a depthwise convolution with zeros around them, laid out as strides say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

Pair = tuple[int, int]

STRETCH = 65_536
"""Elements that a depthwise convolution works on at once: 256 KiB of float32, three of which share an L2 cache."""

MAXIMUM = 16
"""Images in a tile: more would leave the last worker waiting."""


@dataclass(frozen=True)
class Lattice:
    """Every so many places of an image with zeros around it, as strides say: there is one lattice for each offset.

    In one of them, the places that a tap sees lie at the same distance from those of the output, which has fewer.
    """

    size: Pair
    """Rows and columns."""
    channels: int
    kernel: Pair
    strides: Pair
    dilation: Pair
    made: int
    """Filters of a channel."""

    @property
    def row(self) -> int:
        """Numbers of one row."""
        return self.size[1] * self.channels

    @cached_property
    def images(self) -> int:
        """Images in a tile."""
        return max(1, min(MAXIMUM, STRETCH // (prod(self.size) * self.channels)))

    @property
    def numbers(self) -> int:
        """Numbers of all images of a tile."""
        return self.images * self.size[0] * self.row

    @property
    def reach(self) -> int:
        """How far the last tap is from the first one, in numbers."""
        return sum(
            (kernel - 1) * dilation // stride * step
            for kernel, dilation, stride, step in zip(
                self.kernel, self.dilation, self.strides, (self.row, self.channels), strict=True
            )
        )

    @property
    def stretch(self) -> int:
        """Numbers of the rows that are worked on at once."""
        return max(1, min(self.images * self.size[0], STRETCH // self.row)) * self.row

    @property
    def scratch(self) -> int:
        """How many numbers of scratch memory a worker needs: for all lattices, sums, the kernel and a bias."""
        lattices = prod(self.strides) * (self.numbers + self.reach)
        kernel = prod(self.kernel) * self.made * self.row
        rest = max(self.row, self.channels + self.stretch // self.channels)
        return lattices + self.numbers + self.stretch + kernel + rest
