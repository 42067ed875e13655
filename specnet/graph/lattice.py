"""The images of a depthwise convolution with zeros around them, laid out as strides say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import gcd, prod

Pair = tuple[int, int]

TILE_ELEMENTS = 262_144
"""Elements of a tile with several images: 1 MiB of float32. Fewer images cost more calls, and more leave the cache."""

MAXIMUM = 16
"""Images in a tile: more would leave the last worker waiting."""


@dataclass(frozen=True)
class LatticeTaps:
    """The taps of an axis that see one lattice: every so many, each so many places behind the one before."""

    first: int
    """The number of the first tap."""
    every: int
    count: int
    shift: int
    """How far behind the place of the output is what the first tap sees."""
    apart: int

    @property
    def numbers(self) -> slice:
        """Which taps they are."""
        return slice(self.first, self.first + (self.count - 1) * self.every + 1, self.every)


@dataclass(frozen=True)
class Lattice:
    """Every so many places of an image with zeros around it, as strides say: there is one lattice for each offset.

    In one of them, the places that a tap sees lie at the same distance from those of the output, which has fewer.
    """

    out: Pair
    """Rows and columns of the output."""
    channels: int
    kernel: Pair
    strides: Pair
    dilation: Pair
    made: int
    """Filters of a channel."""

    @cached_property
    def reach(self) -> Pair:
        """How many places the last tap is behind the first, in rows and in columns."""
        down, right = (
            (kernel - 1) * dilation // stride
            for kernel, dilation, stride in zip(self.kernel, self.dilation, self.strides, strict=True)
        )
        return down, right

    @cached_property
    def size(self) -> Pair:
        """Rows and columns."""
        return self.out[0] + self.reach[0], self.out[1] + self.reach[1]

    @cached_property
    def around(self) -> Pair:
        """Rows and columns of what flows back, with the zeros before and behind it that taps see from an image."""
        return self.size[0] + self.reach[0], self.size[1] + self.reach[1]

    @property
    def row(self) -> int:
        """Numbers of one row."""
        return self.size[1] * self.channels

    def seeing(self, offset: Pair) -> tuple[LatticeTaps, LatticeTaps] | None:
        """Return the taps that see the lattice of an offset, if any do."""
        down, right = self._taps(0, offset[0]), self._taps(1, offset[1])
        return None if down is None or right is None else (down, right)

    def _taps(self, axis: int, offset: int) -> LatticeTaps | None:
        stride, dilation = self.strides[axis], self.dilation[axis]
        every = stride // gcd(stride, dilation)
        first = next((tap for tap in range(every) if tap * dilation % stride == offset), None)
        if first is None or first >= self.kernel[axis]:
            return None
        count = (self.kernel[axis] - 1 - first) // every + 1
        return LatticeTaps(first, every, count, first * dilation // stride, every * dilation // stride)

    @cached_property
    def images(self) -> int:
        """Images in a tile."""
        return max(1, min(MAXIMUM, TILE_ELEMENTS // (prod(self.strides) * prod(self.size) * self.channels)))

    @property
    def offsets(self) -> list[Pair]:
        """Where each lattice begins."""
        return [(down, right) for down in range(self.strides[0]) for right in range(self.strides[1])]

    @property
    def numbers(self) -> int:
        """Numbers of all images of a tile in one lattice."""
        return self.images * self.size[0] * self.row

    @property
    def image_numbers(self) -> int:
        """Numbers of a tile with the zeros around them: of all lattices, or of what flows back."""
        back = self.images * prod(self.around) * self.channels
        return max(prod(self.strides) * self.numbers, back)

    @property
    def places(self) -> int:
        """Numbers that are made of a tile, where they cannot be written to where they belong."""
        return self.numbers if self.made > 1 or self.strides != (1, 1) else 0

    @property
    def scratch(self) -> int:
        """How many numbers of scratch memory a worker needs: for images, places, the kernel, and a bias or sums."""
        taps = prod(self.kernel)
        rest = max(self.out[1] * self.channels, self.out[1] + taps * self.channels)
        return self.image_numbers + 2 * self.places + self.made * taps * self.row + rest
