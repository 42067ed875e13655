"""How many numbers of scratch memory a worker needs for a convolution."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from specnet.graph.frames import FRAME, LARGEST, WIDEST_STRIDE
from specnet.graph.geometry import Geometry, Pair
from specnet.graph.lattice import MAXIMUM
from specnet.graph.stride_parts import stride_parts
from specnet.graph.winograd import Winograd


@dataclass(frozen=True)
class ConvolutionScratch:
    """The numbers that a worker needs for each op of a convolution, for whichever engine needs more."""

    how: Geometry

    @property
    def forward(self) -> int:
        """Those for the output."""
        how = self.how
        if how.depthwise:
            return self._depthwise
        return max(_forward(how.winograd), self._products)

    @property
    def input(self) -> int:
        """Those for what flows back to the images."""
        how = self.how
        if how.depthwise:
            return self._depthwise
        if how.pointwise:
            return 0
        sizes = how.winograd_back
        turned = 0 if sizes is None else how.depth * how.filters
        return max(_forward(sizes) + turned, self._products_back, self._direct_back)

    @property
    def kernel(self) -> int:
        """Those for what flows back to the kernel, beside its sums."""
        how = self.how
        if how.depthwise:
            return self._depthwise
        patches = self._patches + self._grouped(how.tile) if how.strips is None else self.strips
        sizes = how.winograd
        if sizes is None or not sizes.worth_back:
            return patches
        return max(patches, sizes.scratch(MAXIMUM) + 2 * prod(sizes.transformed))

    @property
    def _depthwise(self) -> int:
        """Return the numbers of an image's lattice, or of one with a channel for each filter."""
        how = self.how
        return max(how.lattice.scratch, prod(how.size) * how.filters if how.made > 1 else 0)

    @property
    def _products(self) -> int:
        """Return the numbers for the output by products of patches."""
        how = self.how
        if how.strips is not None:
            return self.strips
        joined = (how.depth + 1) * how.filters if how.joins else 0
        return self._patches + joined + self._grouped(how.tile)

    @property
    def _products_back(self) -> int:
        """Return the numbers for what flows back to the images by products of matrices."""
        how, turned = self.how, self.how.turned
        if turned is not None and turned.strips is None:
            return ConvolutionScratch(turned).forward + how.depth * how.filters
        if turned is not None:
            whole = prod(how.out) * how.filters if how.phases != (1, 1) else 0
            return ConvolutionScratch(turned).strips + whole * turned.strip_tile[0]
        parts = stride_parts(how)
        if parts is not None:
            return max(
                ConvolutionScratch(part.geometry).forward
                + part.geometry.depth * part.geometry.filters
                + part.numbers * parts.images
                for part in parts.parts
            )
        places = self._places(how.spread_tile)
        sent = places * (how.depth if how.across else how.own)
        ordered = 0 if how.phases == (1, 1) else places * how.filters
        return sent + ordered + self._grouped(how.spread_tile)

    @property
    def _direct_back(self) -> int:
        """Return the numbers of the kernel in another order, and of a frame."""
        how = self.how
        kernel = how.depth * how.filters
        if kernel * how.item > LARGEST or max(how.strides) > WIDEST_STRIDE:
            return 0
        frame = how.back_frame
        return kernel + frame.numbers(frame.band(FRAME // how.item))

    @property
    def strips(self) -> int:
        """Return the numbers of a tile's strips, of the kernel, and of a bias laid out over a row."""
        how = self.how
        assert how.strips is not None
        row = how.out[1] * how.filters
        return how.strips.numbers(prod(how.strip_tile)) + how.depth * how.filters + row

    @property
    def _patches(self) -> int:
        return 0 if self.how.pointwise else self.how.patch_numbers + self.how.padded_numbers

    def _grouped(self, tile: Pair) -> int:
        """Return the numbers of the kernel by groups, and of one group's part of a tile's output, if any."""
        how = self.how
        return 0 if how.groups == 1 else how.depth * how.filters + self._places(tile) * how.made

    def _places(self, tile: Pair) -> int:
        """Return how many places of the output a tile has."""
        return tile[0] * tile[1] * self.how.out[1]


def _forward(sizes: Winograd | None) -> int:
    """Return the numbers for an output by transformed tiles: these, the kernel, and a bias laid out over a row."""
    if sizes is None or not sizes.worth:
        return 0
    return sizes.scratch(MAXIMUM) + prod(sizes.transformed) + sizes.grid[1] * sizes.filters
