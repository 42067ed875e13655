"""Fold the repeating of pixels into the convolution that reads them.

Where each pixel is repeated s times, neighbouring taps of a kernel of k meet the same pixel, and may as well be added
up first. The convolution of the enlarged images is a transposed convolution of the small ones, with strides of s and a
kernel of k + s - 1 whose numbers are sums of the kernel's: of 3 x 3 taps on images twice as high and wide, each small
pixel takes 16 multiplications instead of 36, and nothing stores the enlarged images. What flows back to the small
images is then a convolution with strides, and what flows back to the kernel is summed likewise.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, TypeVar

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Region, Value
from specnet.graph.sizes import Shape, static
from specnet.passes.pruning import prune
from specnet.passes.rewriting import Replaced, Rewriting
from specnet.passes.simplify import Simplifier

G = TypeVar("G", bound=Graph)
Pair = tuple[int, int]

LARGEST = 16_384
"""Numbers of the matrix of zeros and ones by which kernels are summed: one of 9 x 9 taps has 8,100."""


def fold_enlargements(graph: G) -> G:
    """Return a graph with the same results, within rounding, whose convolutions read images that are not enlarged."""
    if not any(node.op is ops.expand or node.regions for node in graph):
        return graph
    return prune(_Folding(graph, Simplifier()).run())  # type: ignore[return-value]


class _Folding(Rewriting):
    def within(self, region: Region) -> Region:
        return fold_enlargements(region)

    def visit(self, node: Node) -> Replaced:
        found = None
        if node.op is ops.conv2d:
            found = self._output(node)
        elif node.op is ops.conv2d_kernel:
            found = self._kernel(node)
        elif node.op is ops.reduce_sum:
            found = self._images(node)
        return self.copy(node) if found is None else (found,)

    def _output(self, node: Node) -> Value | None:
        """Return what stands for the convolution of enlarged images, if node is one."""
        x, w, *bias = node.inputs
        fold = _fold(_scale(x), x.shape, w.shape, ops.conv2d.of(node))
        if fold is None:
            return None
        y = ops.conv2d_input(
            self._small(x, fold), self._summed(w, fold), size=node.value.shape[1:3], **fold.settings
        )
        return y + self.of(bias[0]) if bias else y

    def _kernel(self, node: Node) -> Value | None:
        """Return what stands for what flows back to the kernel of such a convolution, if node is that."""
        x, g = node.inputs
        shape = node.value.shape
        fold = _fold(_scale(x), x.shape, shape, ops.conv2d_kernel.of(node).forward)
        if fold is None:
            return None
        slopes = ops.conv2d_kernel(self.of(g), self._small(x, fold), size=fold.taps, **fold.settings)
        slopes = ops.transpose(slopes, axes=(0, 1, 3, 2))
        return self._mixed(slopes, fold.matrix(back=True), shape)

    def _images(self, node: Node) -> Value | None:
        """Return what stands for what flows back to the small images, if node sums that over each one's copies."""
        (spread,) = node.inputs
        if spread.op is not ops.reshape or spread.inputs[0].op is not ops.conv2d_input:
            return None
        g, w = spread.inputs[0].inputs
        shape = spread.inputs[0].shape
        scale = _factors(spread.shape, shape)
        copies = tuple(axis for axis in range(2, spread.rank - 1, 2) if spread.shape[axis] != 1)
        fold = _fold(scale, shape, w.shape, ops.conv2d_input.of(spread.inputs[0]).forward)
        if fold is None or ops.reduce_sum.of(node).axes != copies:
            return None
        y = ops.conv2d(self.of(g), self._summed(w, fold), **fold.settings)
        return ops.reshape(y, shape=node.value.shape)

    def _small(self, x: Value, fold: _Fold) -> Value:
        """Return the images that are enlarged."""
        repeated = x.inputs[0].inputs[0]
        return ops.reshape(self.of(repeated), shape=(x.shape[0], *fold.small, x.shape[3]))

    def _summed(self, w: Value, fold: _Fold) -> Value:
        """Return the kernel of the transposed convolution: (rows, columns, filters, channels)."""
        summed = self._mixed(self.of(w), fold.matrix(), (*fold.taps, *w.shape[2:]))
        return ops.transpose(summed, axes=(0, 1, 3, 2))

    def _mixed(self, w: Value, matrix: list[list[float]], shape: Shape) -> Value:
        """Return the product of a matrix with the taps of a kernel, which gives it another shape."""
        table = ops.fixed(self.target, [number for row in matrix for number in row])
        taps = ops.reshape(w, shape=(len(matrix[0]), static(w.shape[2]) * static(w.shape[3])))
        return ops.reshape(ops.reshape(table, shape=(len(matrix), len(matrix[0]))) @ taps, shape=shape)


@dataclass(frozen=True, slots=True)
class _Fold:
    """A convolution of enlarged images as a transposed one of the small images."""

    small: Pair
    """Height and width of the images before they are enlarged."""
    scale: Pair
    """How often each pixel is repeated down and across."""
    kernel: Pair
    padding: tuple[Pair, Pair]
    """That of the convolution of enlarged images."""

    @property
    def taps(self) -> Pair:
        """Height and width of the kernel of the transposed convolution."""
        (down, right), (rows, columns) = self.scale, self.kernel
        return rows + down - 1, columns + right - 1

    @property
    def settings(self) -> dict[str, Any]:
        """The attributes of the transposed convolution but for its size."""
        padding = tuple((k - 1 - p, k - 1 - q) for k, (p, q) in zip(self.kernel, self.padding, strict=True))
        return ops.PLAIN | {"strides": self.scale, "padding": padding}

    @property
    def pays(self) -> bool:
        """Whether it takes fewer multiplications, for a single image and with the sums of its kernel."""
        pixels, taps, kernel = prod(self.small), prod(self.taps), prod(self.kernel)
        return taps * kernel <= LARGEST and taps * (pixels + kernel) < prod(self.scale) * kernel * pixels

    def matrix(self, *, back: bool = False) -> list[list[float]]:
        """Return which taps of the kernel each one of the transposed convolution is the sum of, or the transpose.

        A pixel's copy number c is seen by tap a of the kernel for the place that tap c - a + k - 1 sends the pixel to.
        """
        down, right = (
            [[float(0 <= tap + a - k + 1 < s) for a in range(k)] for tap in range(taps)]
            for taps, k, s in zip(self.taps, self.kernel, self.scale, strict=True)
        )
        rows = [[y * z for y in row for z in column] for row in down for column in right]
        return [list(column) for column in zip(*rows, strict=True)] if back else rows


def _fold(scale: Pair | None, enlarged: Shape, kernel: Shape, how: ops.ConvolutionAttributes) -> _Fold | None:
    """Return the fold of a convolution of enlarged images, unless they are not, or it cannot be, or does not pay."""
    plain = how.strides == how.dilation == how.phases == (1, 1) and how.groups == 1
    if scale is None or not plain:
        return None
    height, width = (static(size) // s for size, s in zip(enlarged[1:3], scale, strict=True))
    found = _Fold((height, width), scale, (static(kernel[0]), static(kernel[1])), how.padding)
    fits = all(max(around) < k for around, k in zip(how.padding, found.kernel, strict=True))
    return found if fits and found.pays else None


def _scale(x: Value) -> Pair | None:
    """Return how often each pixel of an image is repeated down and across; None where it is not."""
    if x.op is not ops.reshape or x.inputs[0].op is not ops.expand:
        return None
    stretched = x.inputs[0]
    scale = _factors(stretched.shape, x.shape)
    before = list(stretched.shape)
    before[2:-1:2] = [1] * len(before[2:-1:2])
    return scale if stretched.inputs[0].shape == tuple(before) else None


def _factors(copies: Shape, whole: Shape) -> Pair | None:
    """Return the numbers of copies where images have axes for them: behind height and width, or behind the only one."""
    if len(whole) != 4:
        return None
    batch, height, width, channels = whole
    if len(copies) == 6:
        rows, down, columns, right = map(static, copies[1:5])
        return (down, right) if whole == (copies[0], rows * down, columns * right, copies[5]) else None
    if len(copies) == 4 and (copies[0], copies[3]) == (batch, channels):
        steps, times = map(static, copies[1:3])
        if (height, width) == (steps * times, 1):
            return times, 1
        return (1, times) if (height, width) == (1, steps * times) else None
    return None
