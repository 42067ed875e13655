"""How a convolution goes over its images: sizes, and the tiles that stay in a core's cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

from specnet.graph.frames import ConvolutionFrame, Taps, taps_of
from specnet.graph.lattice import MAXIMUM, Lattice
from specnet.graph.strips import Strips
from specnet.graph.winograd import LENGTHS, Winograd

Pair = tuple[int, int]
Unit = tuple[int, int, int, int]
"""A tile: images from, to; rows of the output from, to."""

ROOM = 2048 * 1024
"""Bytes of a tile's patches, of which a core's L2 cache holds a good part when they are multiplied.

Smaller tiles take more calls, at each of which a worker may have to wait for the interpreter's lock.
"""


WHOLE = {(1, 1), (2, 2)}
"""Phases of an output whose places are computed two by two."""


@dataclass(frozen=True)
class Geometry:
    """One convolution of images (rows, height, width, channels) with a kernel (kh, kw, channels / groups, filters)."""

    size: Pair
    channels: int
    kernel: Pair
    filters: int
    strides: Pair
    padding: tuple[Pair, Pair]
    dilation: Pair
    groups: int
    item: int
    """Bytes of a number."""
    phases: Pair = (1, 1)
    """Every how many rows and columns of the output lie together: see `laid`."""

    @cached_property
    def out(self) -> Pair:
        """Height and width of the output; of several phases, what does not fill all of them is left out."""
        height, width = (
            spots(*axis) // phases * phases
            for phases, *axis in zip(
                self.phases, self.size, self.kernel, self.strides, self.padding, self.dilation, strict=True
            )
        )
        return height, width

    @cached_property
    def laid(self) -> tuple[int, ...]:
        """How the output of an image lies in memory: (height, width, filters), or phase by phase.

        With phases (2, 2) it is (4, height / 2, width / 2, filters): of each 2 x 2 places the first ones, the second
        ones and so on, so that whoever compares these reads contiguous memory.
        """
        if self.phases == (1, 1):
            return *self.out, self.filters
        return prod(self.phases), *self.grid, self.filters

    @property
    def grid(self) -> Pair:
        """Height and width of one phase of the output."""
        return self.out[0] // self.phases[0], self.out[1] // self.phases[1]

    @cached_property
    def padded(self) -> Pair:
        """Height and width of an image with the zeros around it."""
        return self.size[0] + sum(self.padding[0]), self.size[1] + sum(self.padding[1])

    @property
    def pads(self) -> bool:
        """Whether there are zeros around an image."""
        return self.padding != ((0, 0), (0, 0))

    @property
    def taps(self) -> int:
        """How many places of an image a place of the output looks at."""
        return self.kernel[0] * self.kernel[1]

    @property
    def own(self) -> int:
        """Channels of a group."""
        return self.channels // self.groups

    @property
    def made(self) -> int:
        """Filters of a group."""
        return self.filters // self.groups

    @property
    def depth(self) -> int:
        """How many numbers of an image a number of the output sums."""
        return self.taps * self.own

    @property
    def depthwise(self) -> bool:
        """Whether each channel is a group of its own, so that there are no matrices to multiply."""
        return self.groups > 1 and self.own == 1

    @property
    def pointwise(self) -> bool:
        """Whether the images themselves are the patches."""
        plain = self.strides == self.phases == (1, 1) and not self.pads
        return self.taps == 1 and plain and self.groups == 1

    @property
    def across(self) -> bool:
        """Whether patches are laid out tap by tap, along rows of the image, since a place of it holds so little."""
        return self.own * (self.kernel[1] if self.dilation[1] == 1 else 1) < 16

    @cached_property
    def tile(self) -> Pair:
        """Images in a tile, and the rows of the output that it has of each."""
        if self.depthwise:
            return self.lattice.images, self.out[0]
        return self._fitting(self.out[1] * self.depth)

    @cached_property
    def spread_tile(self) -> Pair:
        """The same for what flows back to the images, tap by tap: there are no patches."""
        if self.across or self.pointwise:
            return self.tile
        return self._fitting(self.out[1] * (self.filters + 2 * self.own * self.strides[0] * self.strides[1]))

    @cached_property
    def strips(self) -> Strips | None:
        """How patches are laid out that overlap in memory; None where they are not worth it, or cannot."""
        plain = self.groups == self.dilation[1] == 1 and self.strides == (1, 1)
        if not plain or self.across or self.kernel[1] == 1:
            return None
        if min(self.padding[1]) >= self.kernel[1]:
            return None  # a line would be shorter than its output, which has places that see zeros alone
        found = Strips(self.size[1] + max(self.padding[1]), self.kernel, self.channels, self.filters)
        return found if found.pays(self.out[0], prod(self.out)) else None

    @cached_property
    def strip_tile(self) -> Pair:
        """Images in a tile of strips, and the rows of the output that it has of each."""
        assert self.strips is not None
        # Half of what a tile needs may lie in the next cache: larger products are worth more.
        images, rows = self._fitting(self.strips.line // 2)
        return (images, rows) if self.phases == (1, 1) else (images, self.out[0])

    @cached_property
    def winograd(self) -> Winograd | None:
        """How it would take fewer multiplications; None where it cannot.

        In double precision numbers are wanted for their digits, and sums are those of the formula alone.
        """
        plain = self.groups == 1 and self.strides == self.dilation == (1, 1) and self.phases in WHOLE
        if not plain or self.item != 4 or not all(taps in LENGTHS for taps in self.kernel):
            return None
        return Winograd(self.out, self.kernel, self.channels, self.filters, self.item)

    @property
    def winograd_back(self) -> Winograd | None:
        """How what flows back to the images would take fewer multiplications; None where it cannot."""
        return self.flipped.winograd if self.flipped is not None and self.phases in WHOLE else None

    @cached_property
    def flipped(self) -> Geometry | None:
        """What flows back to the images as a convolution with the kernel turned round; None where it is none."""
        if self.strides != (1, 1) or self.groups > 1:
            return None
        before = [
            (k - 1) * d - p[0] for k, d, p in zip(self.kernel, self.dilation, self.padding, strict=True)
        ]
        behind = [size + p[0] - out for size, p, out in zip(self.size, self.padding, self.out, strict=True)]
        if min(*before, *behind) < 0:
            return None
        (top, left), (bottom, right) = before, behind
        padding = (top, bottom), (left, right)
        return Geometry(
            self.out, self.filters, self.kernel, self.channels, (1, 1), padding, self.dilation, 1, self.item
        )

    @cached_property
    def turned(self) -> Geometry | None:
        """The same where its patches are worth it; None where it is better done tap by tap.

        It has strips, or patches of so few channels that these are laid out `across`.
        """
        turned = self.flipped
        if turned is None or self.across:
            return None
        if turned.strips is not None:
            return turned if turned.strips.pays(self.size[0], prod(self.out)) else None
        few = turned.across and self.phases == (1, 1) and 2 * prod(self.size) <= 3 * prod(self.out)
        return turned if few and not turned.pointwise else None

    def _fitting(self, row: int) -> Pair:
        """Return how many images, or rows of one, are a tile, where a row takes so many numbers."""
        row *= self.item
        whole = row * self.out[0]
        return (min(MAXIMUM, ROOM // whole), self.out[0]) if whole <= ROOM else (1, max(1, ROOM // row))

    def units(self, start: int, stop: int, tile: Pair) -> Iterator[Unit]:
        """Go through some images, tile by tile, of about the same size each."""
        images, rows = tile
        tiles = -(-(stop - start) // images)
        images = -(-(stop - start) // max(1, tiles))
        for first in range(start, stop, images):
            for top in range(0, self.out[0], rows):
                yield first, min(first + images, stop), top, min(top + rows, self.out[0])

    @property
    def patch_numbers(self) -> int:
        """How many numbers a tile's patches of one group are."""
        return self.tile[0] * self.tile[1] * self.out[1] * (self.depth + self.joins)

    @property
    def padded_numbers(self) -> int:
        """How many numbers a tile's images are with the zeros around them."""
        return self.tile[0] * self.padded[0] * self.padded[1] * self.channels if self.pads else 0

    @property
    def joins(self) -> bool:
        """Whether a bias is one more row of the kernel, and a row of ones one more of the patches."""
        return self.across and self.groups == 1 and not self.pointwise

    @cached_property
    def lattice(self) -> Lattice:
        """The images of a depthwise convolution as their taps see them."""
        return Lattice(self.out, self.channels, self.kernel, self.strides, self.dilation, self.made)

    @cached_property
    def seen(self) -> list[tuple[slice, slice, slice, slice]]:
        """For each tap, where it falls within the images: see `places`."""
        return [self.places(*divmod(tap, self.kernel[1])) for tap in range(self.taps)]

    @cached_property
    def frame(self) -> ConvolutionFrame:
        """What the places of the output see of an image; a row of places is one of each phase."""
        reach, width = (
            (places - 1) * stride + (taps - 1) * dilation + 1
            for places, stride, taps, dilation in zip(
                (self.phases[0], self.out[1]), self.strides, self.kernel, self.dilation, strict=True
            )
        )
        (top, _), (left, _) = self.padding
        line = (width if self.pads else self.size[1]) * self.channels
        return ConvolutionFrame(
            self.grid[0], self.phases[0] * self.strides[0], reach, top, left, line, self.pads
        )

    @cached_property
    def back_taps(self) -> tuple[list[Taps], list[Taps]]:
        """For each phase of the rows of an image, and of its columns, the taps that send something there."""
        rows, columns = (
            [taps_of(phase, *axis) for phase in range(axis[1])]
            for axis in zip(
                self.kernel, self.strides, self.dilation, (each[0] for each in self.padding), strict=True
            )
        )
        return rows, columns

    @cached_property
    def back_frame(self) -> ConvolutionFrame:
        """What the places of an image get something from; a row of places is one of each phase of the strides."""
        around = []
        for axis in (0, 1):
            own = [taps for taps in self.back_taps[axis] if taps.count]
            before = max(0, -min(taps.first for taps in own))
            extent = max(taps.first + before + (taps.count - 1) * taps.step + 1 for taps in own)
            around.append((before, extent, -(-self.size[axis] // self.strides[axis])))
        (top, extent, rows), (left, reach, columns) = around
        ends = extent + rows - 1, reach + columns - 1
        inside = ends[0] <= self.out[0] and ends[1] <= self.out[1]
        copied = self.phases != (1, 1) or top > 0 or left > 0 or not inside
        line = (ends[1] if copied else self.out[1]) * self.filters
        return ConvolutionFrame(rows, 1, extent, top, left, line, copied)

    def places(self, *tap: int) -> tuple[slice, slice, slice, slice]:
        """Return where in the output a tap falls within the images, (rows, columns), and where in them it does."""
        found = []
        for axis in (0, 1):
            lead = tap[axis] * self.dilation[axis] - self.padding[axis][0]
            stride, size, spots = self.strides[axis], self.size[axis], self.out[axis]
            first = max(0, -(lead // stride))
            stop = max(first, min(spots, (size - 1 - lead) // stride + 1))
            begin = first * stride + lead
            found.append(
                (slice(first, stop), slice(begin, max(begin, (stop - 1) * stride + lead + 1), stride))
            )
        return found[0][0], found[1][0], found[0][1], found[1][1]


def spots(size: int, kernel: int, stride: int, padding: Pair, dilation: int) -> int:
    """Return in how many places a kernel fits on an axis; 0 or less where it does in none."""
    return (size + sum(padding) - (kernel - 1) * dilation - 1) // stride + 1
