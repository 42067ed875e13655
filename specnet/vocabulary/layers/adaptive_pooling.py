from __future__ import annotations

from typing import Literal

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.graph.windows import cells
from specnet.vocabulary.layers import Layer, images
from specnet.vocabulary.layers.images import Length, Lengths, along, pair


class AdaptiveMaxPooling1D(Layer):
    """Take the maximum of each of `output_size` cells.  x (batch, steps, channels) -> y (batch, output_size, channels).

    Cell i extends from floor(i * steps / output_size) to ceil((i + 1) * steps / output_size), as in PyTorch, so
    adjacent cells may overlap by a step.
    """

    type: Literal["adaptive_max_pooling1d"] = "adaptive_max_pooling1d"
    output_size: Length
    """The number of cells that the steps are divided into."""

    def lower(self, build: Builder, x: Value) -> Value:
        size = images.size_of(images.rows(self.type, x))
        return ops.largest_of_windows(x, [cells(size[1], along(self.output_size)[1])])


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
    adjacent cells may overlap by a step.
    """

    type: Literal["adaptive_average_pooling1d"] = "adaptive_average_pooling1d"
    output_size: Length
    """The number of cells that the steps are divided into."""

    def lower(self, build: Builder, x: Value) -> Value:
        size = images.size_of(images.rows(self.type, x))
        return ops.mean_of_windows(x, [cells(size[1], along(self.output_size)[1])])


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
