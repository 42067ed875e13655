from __future__ import annotations

from typing import ClassVar, Literal

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import Value
from specnet.graph.windows import cells
from specnet.vocabulary.layers import Layer, images
from specnet.vocabulary.layers.images import Length, Lengths, along, pair
from specnet.vocabulary.layers.pooling import LOWEST
from specnet.vocabulary.layers.sequences import places


class AdaptiveMaxPooling1D(Layer):
    """Take the maximum of each of `output_size` cells.  x (batch, steps, channels) -> y (batch, output_size, channels).

    Cell i extends from floor(i * steps / output_size) to ceil((i + 1) * steps / output_size), as in PyTorch, so
    adjacent cells may overlap by a step. Steps that are padding do not count, and are in no cell.
    """

    type: Literal["adaptive_max_pooling1d"] = "adaptive_max_pooling1d"
    output_size: Length
    """The number of cells that the steps are divided into."""

    masking: ClassVar[MaskUse] = "own"

    def lower(self, build: Builder, x: Value) -> Value:
        (_, steps), (_, count) = images.size_of(images.rows(self.type, x)), along(self.output_size)
        mask = build.mask_of(x)
        if mask is None:
            return ops.largest_of_windows(x, [cells(steps, count)])
        batch, _, features = x.shape
        among = ops.reshape(_cells_of(mask, count), shape=(batch, count, steps, 1))
        shown = ops.reshape(x, shape=(batch, 1, steps, features))
        largest = ops.reduce_max(ops.where(ops.greater(among, 0.0), shown, LOWEST), axis=2)
        return ops.reshape(largest, shape=(batch, count, features))


class AdaptiveMaxPooling2D(Layer):
    """Take the maximum of each cell of a grid.

    x (batch, height, width, channels) -> y (batch, *output_size, channels). Along each axis, cell i extends from
    floor(i * size / output_size) to ceil((i + 1) * size / output_size), as in PyTorch, so adjacent cells may overlap
    by a row or column.
    """

    type: Literal["adaptive_max_pooling2d"] = "adaptive_max_pooling2d"
    output_size: Lengths
    """The number of cells that an image is divided into, down and across."""

    def lower(self, build: Builder, x: Value) -> Value:
        sizes = images.size_of(images.images(self.type, x))
        return ops.largest_of_windows(x, list(map(cells, sizes, pair(self.output_size))))


class AdaptiveAveragePooling1D(Layer):
    """Take the mean of each of `output_size` cells.  x (batch, steps, channels) -> y (batch, output_size, channels).

    Cell i extends from floor(i * steps / output_size) to ceil((i + 1) * steps / output_size), as in PyTorch, so
    adjacent cells may overlap by a step. Steps that are padding do not count, and are in no cell.
    """

    type: Literal["adaptive_average_pooling1d"] = "adaptive_average_pooling1d"
    output_size: Length
    """The number of cells that the steps are divided into."""

    masking: ClassVar[MaskUse] = "own"

    def lower(self, build: Builder, x: Value) -> Value:
        (_, steps), (_, count) = images.size_of(images.rows(self.type, x)), along(self.output_size)
        mask = build.mask_of(x)
        if mask is None:
            return ops.mean_of_windows(x, [cells(steps, count)])
        among = _cells_of(mask, count)
        return ops.MATMUL(among / ops.sum_last(among), build.without_padding(x))


class AdaptiveAveragePooling2D(Layer):
    """Take the mean of each cell of a grid.

    x (batch, height, width, channels) -> y (batch, *output_size, channels). Along each axis, cell i extends from
    floor(i * size / output_size) to ceil((i + 1) * size / output_size), as in PyTorch, so adjacent cells may overlap
    by a row or column.
    """

    type: Literal["adaptive_average_pooling2d"] = "adaptive_average_pooling2d"
    output_size: Lengths
    """The number of cells that an image is divided into, down and across."""

    def lower(self, build: Builder, x: Value) -> Value:
        sizes = images.size_of(images.images(self.type, x))
        return ops.mean_of_windows(x, list(map(cells, sizes, pair(self.output_size))))


def _cells_of(mask: Value, count: int) -> Value:
    """Return 1 where a step that exists is in a cell, else 0: (batch, cells, steps)."""
    batch, steps = mask.shape
    assert isinstance(steps, int)
    number = places(mask.graph, steps)
    before = ops.where(ops.less(ops.reshape(number, shape=(steps, 1)), number), 1.0, 0.0)
    # The number of a step among those that exist, and how many there are.
    place = ops.reshape(mask @ before, shape=(batch, 1, steps))
    length = ops.reshape(ops.reduce_sum(mask, axes=(1,)), shape=(batch, 1, 1))
    cell = ops.reshape(places(mask.graph, count), shape=(count, 1))
    # The floor of i * length / count, and the ceiling for i + 1, in whole numbers.
    start = ops.floor_divide(cell * length, float(count))
    stop = -ops.floor_divide(-((cell + 1.0) * length), float(count))
    inside = ops.where(ops.greater_equal(place, start), 1.0, 0.0) * ops.where(ops.less(place, stop), 1.0, 0.0)
    return inside * ops.reshape(mask, shape=(batch, 1, steps))
