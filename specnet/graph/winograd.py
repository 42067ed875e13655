"""Convolutions of stride 1 with fewer multiplications: two by two places of the output at a time."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

Pair = tuple[int, int]

POINTS = 4
"""Products on each axis, for two places and three taps."""

LEAST = 17.0
"""Multiplications saved for each number that is transformed: from here on it pays."""

LEAST_BACK = 11.0
"""The same for what flows back to a kernel, of which no output has to be put together."""

OWN = 6
"""Multiplications saved that pay for one of those that transform the kernel itself."""

AMORTISED = 60
"""So many that it takes little of what is saved."""

LENGTHS = (3, 5, 7)
"""Taps of an axis for which there are tiles: more would take a large matrix to transform a kernel."""

LARGEST = 4 * 1024 * 1024
"""Bytes of a transformed kernel that are not too many: each worker has one or two of its own."""

ROOM = 3584 * 1024
"""Bytes of the tiles and products that are worked on at once.

They are more than a core's L2 cache has, as longer products and fewer calls are worth more.
"""

FEWEST = 96
"""Tiles that matrix products need to be about as fast as they can be."""


@dataclass(frozen=True)
class Winograd:
    """Tiles of 4 x 4 pixels, of which 2 x 2 places take 16 multiplications, where 3 x 3 taps take 36.

    Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016: F(2 x 2, 3 x 3), after S. Winograd,
    "Arithmetic Complexity of Computations", 1980. A longer kernel is a sum of parts, of two taps each and the last one
    of three, which see the same transformed tiles: their own, the next one, and so on. A part of two taps takes three
    products on an axis, so that 5 x 5 taps take 49 multiplications and not 100.
    """

    out: Pair
    kernel: Pair
    channels: int
    filters: int
    item: int

    @property
    def grid(self) -> Pair:
        """Tiles of an image, the last of which may compute a row or a column in vain."""
        return -(-self.out[0] // 2), -(-self.out[1] // 2)

    @property
    def parts(self) -> Pair:
        """Parts of the kernel, down and across."""
        return self.kernel[0] // 2, self.kernel[1] // 2

    @property
    def blocks(self) -> int:
        """Numbers of a transformed kernel, for each channel and filter."""
        return prod((POINTS - 1) * parts + 1 for parts in self.parts)

    @property
    def transformed(self) -> tuple[int, int, int]:
        """The shape of a transformed kernel."""
        return self.blocks, self.channels, self.filters

    @property
    def saved(self) -> int:
        """Multiplications saved in an image, for each channel and filter."""
        return prod(self.out) * prod(self.kernel) - prod(self.grid) * self.blocks

    @property
    def numbers(self) -> int:
        """Numbers that are transformed for an image."""
        seen = prod(tiles + parts for tiles, parts in zip(self.grid, self.parts, strict=True))
        return POINTS**2 * (seen * self.channels + prod(self.grid) * self.filters)

    @property
    def gain(self) -> float:
        """Multiplications saved for each number that is transformed."""
        return self.saved * self.channels * self.filters / self.numbers

    @property
    def worth(self) -> bool:
        """Whether an output is worth its transforms, given enough images."""
        return self.gain >= LEAST and self._fits

    @property
    def worth_back(self) -> bool:
        """Whether what flows back to a kernel is."""
        return self.gain >= LEAST_BACK and self._fits

    @property
    def _fits(self) -> bool:
        return prod(self.transformed) * self.item <= LARGEST

    def enough(self, images: int) -> bool:
        """Whether so many images save more than what it takes to transform the kernel."""
        return images * self.saved >= OWN * self.blocks * prod(self.kernel)

    @property
    def wanted(self) -> int:
        """How many images save so much that it takes little to transform the kernel, as whole units."""
        images = -(-AMORTISED * self.blocks * prod(self.kernel) // max(1, self.saved))
        unit, _ = self.at_once(images)
        return -(-images // unit) * unit

    def at_once(self, most: int) -> Pair:
        """Return how many images, and rows of tiles of each, are worked on at once."""
        rows, columns = self.grid
        line = (POINTS**2 * columns * (self.channels + self.filters) + self.seen(1, 1)) * self.item
        if line * rows <= ROOM:
            return min(most, max(ROOM // (line * rows), -(-FEWEST // (rows * columns)))), rows
        bands = -(-rows // max(ROOM // line, -(-FEWEST // columns)))
        return 1, -(-rows // bands)

    def padded(self, images: int, rows: int) -> tuple[int, ...]:
        """Return the shape of images with zeros around them, even and odd rows and columns apart.

        It is (parity of rows, parity of columns, images, rows, columns, channels).
        """
        return 2, 2, images, rows + self.parts[0], self.grid[1] + self.parts[1], self.channels

    def lines(self, images: int, rows: int) -> tuple[int, ...]:
        """Return the shape of tiles that are transformed on one axis: (products, parity of columns, images, ...)."""
        return POINTS, 2, images, rows + self.parts[0] - 1, self.grid[1] + self.parts[1], self.channels

    def tiles(self, images: int, rows: int) -> tuple[int, ...]:
        """Return the shape of transformed tiles: (products, products, images, rows, columns, channels)."""
        down, across = self.parts
        return POINTS, POINTS, images, rows + down - 1, self.grid[1] + across - 1, self.channels

    def seen(self, images: int, rows: int) -> int:
        """Return the most numbers of the tiles that all parts of a kernel see at once; 0 if there is one part."""
        if self.parts == (1, 1):
            return 0
        return (POINTS - 1) ** 2 * images * rows * self.grid[1] * prod(self.parts) * self.channels

    def made(self, images: int, rows: int) -> tuple[int, ...]:
        """Return the shape of the products: (products, products, images, rows, columns, filters)."""
        return POINTS, POINTS, images, rows, self.grid[1], self.filters

    def scratch(self, most: int) -> int:
        """Return how many numbers it takes to have tiles of so many images, at most, and their products."""
        size = self.at_once(most)
        passing = max(prod(self.lines(*size)), prod(self.made(*size)))
        return prod(self.padded(*size)) + prod(self.tiles(*size)) + self.seen(*size) + passing
