"""What flows back to images through strides, as convolutions without strides.

Counted from where its padding begins, a place of an image is s * q + r on an axis with strides of s. Of the kernel's
taps, those of number s * j + r reach it, from place q - j of the output. So the places of one remainder r are what a
convolution with these taps, in reverse, makes of the output. Where a kernel has as many taps for each remainder, one
convolution finds the places of all of them, as so many more filters, and patches are laid out once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

from specnet.graph import geometry
from specnet.graph.frames import WIDEST_STRIDE
from specnet.graph.geometry import Geometry, Pair
from specnet.graph.lattice import MAXIMUM


@dataclass(frozen=True)
class StrideAxis:
    """Some remainders of the places of an axis, which have as many taps each."""

    remainders: range
    taps: int
    first: int
    """The q of the first place."""
    places: int
    padding: Pair
    """The zeros before and behind the output of the convolution with strides."""

    def sent(self, remainder: int, stride: int, size: int, before: int) -> tuple[slice, slice]:
        """Return which of its places are within the image for one remainder, and where they are in it."""
        start = -((remainder - before) // stride)
        stop = (size - 1 + before - remainder) // stride + 1
        begin = start * stride + remainder - before
        count = max(0, stop - start)
        return slice(start - self.first, start - self.first + count), slice(
            begin, begin + max(0, (count - 1) * stride + 1), stride
        )


@dataclass(frozen=True)
class StridePart:
    """One convolution without strides, of what flows back to the output of one with strides."""

    how: Geometry
    """The convolution with strides."""
    axes: tuple[StrideAxis, StrideAxis]

    @cached_property
    def geometry(self) -> Geometry:
        """That of the convolution without strides; a filter is (remainder down, remainder across, channel)."""
        how, (down, right) = self.how, self.axes
        filters = len(down.remainders) * len(right.remainders) * how.channels
        kernel, padding = (down.taps, right.taps), (down.padding, right.padding)
        return Geometry(how.out, how.filters, kernel, filters, (1, 1), padding, (1, 1), 1, how.item)

    @property
    def numbers(self) -> int:
        """How many numbers it makes of an image."""
        return prod(self.geometry.laid)

    def remainders(self) -> Iterator[tuple[Pair, Pair]]:
        """Go through its pairs of remainders: which ones among those of the part, and which."""
        down, right = (enumerate(axis.remainders) for axis in self.axes)
        for (y, row), (z, column) in product(down, list(right)):
            yield (y, z), (row, column)

    def sent(self, remainders: Pair) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Return which rows and columns of what it makes an image gets, and which of its own these are."""
        how = self.how
        rows, columns = (
            axis.sent(remainder, stride, size, padding[0])
            for axis, remainder, stride, size, padding in zip(
                self.axes, remainders, how.strides, how.size, how.padding, strict=True
            )
        )
        return (rows[0], columns[0]), (rows[1], columns[1])


@dataclass(frozen=True)
class StrideParts:
    """All parts of a convolution with strides."""

    parts: list[StridePart]
    images: int
    """Images in a tile."""

    @property
    def whole(self) -> bool:
        """Whether they write to every place of an image."""
        how = self.parts[0].how
        return all(k >= s for k, s in zip(how.kernel, how.strides, strict=True))


def stride_parts(how: Geometry) -> StrideParts | None:
    """Return what flows back through strides as convolutions without; None where a product for each tap is better.

    It is where an image holds little and not all remainders have as many taps, since patches are then laid out several
    times, where a tile would not hold an image, and where there would be many parts.
    """
    plain = how.dilation == how.phases == (1, 1) and how.groups == 1
    if how.strides == (1, 1) or max(how.strides) > WIDEST_STRIDE or not plain:
        return None
    axes = [_axes(how, axis) for axis in (0, 1)]
    if how.across and max(map(len, axes)) > 1:
        return None
    parts = [StridePart(how, (down, right)) for down, right in product(*axes)]
    largest = max(part.numbers for part in parts) * how.item
    return StrideParts(parts, min(MAXIMUM, geometry.ROOM // largest)) if largest <= geometry.ROOM else None


def _axes(how: Geometry, axis: int) -> list[StrideAxis]:
    """Return the remainders of an axis, those together that have as many taps."""
    taps, stride, size, out = how.kernel[axis], how.strides[axis], how.size[axis], how.out[axis]
    before = how.padding[axis][0]
    found = []
    together = [range(stride)] if taps % stride == 0 else [range(r, r + 1) for r in range(min(stride, taps))]
    for remainders in together:
        own = -(-(taps - remainders[0]) // stride)
        # Nothing is cut off the output, which costs a place in vain where an end of it reaches no place of the image.
        first = min(own - 1, *(-((r - before) // stride) for r in remainders))
        last = max(out - 1, *((size - 1 + before - r) // stride for r in remainders))
        found.append(StrideAxis(remainders, own, first, last - first + 1, (own - 1 - first, last - out + 1)))
    return found
