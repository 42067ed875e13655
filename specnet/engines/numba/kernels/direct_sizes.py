"""Which convolutions are computed directly, which follows from their sizes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from specnet.graph.frames import LARGEST, WIDEST_STRIDE
from specnet.graph.geometry import Geometry

Array = np.ndarray[Any, Any]

NARROW = 16
"""Bytes of columns with which matrix products over patches are no slower: a quarter of the longest vector."""

FEWEST = 16
"""Places of an image, two blocks of the most rows: with fewer, too many rows of blocks would be the same."""

RUN = 64
"""Bytes that lie together and are worth an inner product: the longest vector."""


def is_direct(how: Geometry) -> bool:
    """Return whether the output is computed directly, given the scratch memory that this takes."""
    return not how.depthwise and _fits(how, prod(how.grid))


def forward_pays(how: Geometry, scratch: Array) -> bool:
    """Return whether the output is computed directly, in scratch memory."""
    if not _fits(how, prod(how.grid)):
        return False
    return not is_few(how, how.made) or pays_by_filter(how, scratch)


def input_pays(how: Geometry) -> bool:
    """Return whether what flows back to the images is computed directly."""
    places = prod(how.size) // prod(how.strides)
    if max(how.strides) > WIDEST_STRIDE:
        return False
    # Of small outputs, most of what places get something from are the zeros around them.
    return _fits(how, places) and places <= 2 * prod(how.out) and not is_few(how, how.own)


def kernel_pays(how: Geometry, scratch: Array) -> bool:
    """Return whether what flows back to the kernel is computed directly, in scratch memory."""
    if not _fits(how, prod(how.grid)):
        return False
    return not is_few(how, how.made) or pays_by_channels(how, scratch)


def _fits(how: Geometry, places: int) -> bool:
    """Return whether so many places of an image fill blocks, for which the kernel is read again and again."""
    size = how.depth * how.filters * how.item
    return not how.pointwise and places >= FEWEST and size <= LARGEST


def is_few(how: Geometry, columns: int) -> bool:
    """Return whether so many columns would leave most of a vector empty."""
    return columns * how.item <= NARROW


def pays_by_filter(how: Geometry, scratch: Array) -> bool:
    """Return whether few filters are computed one after the other."""
    space = how.filters * how.depth + how.frame.numbers(1)
    return how.groups == 1 and run_of(how) * how.item >= RUN and scratch.size >= space


def pays_by_channels(how: Geometry, scratch: Array) -> bool:
    """Return whether what flows back to the kernel of few filters is computed with channels as columns."""
    plain = how.strides == how.phases == (1, 1) and how.groups == 1
    space = how.filters * how.depth + how.back_frame.numbers(1)
    return plain and not is_few(how, how.channels) and scratch.size >= space


def run_of(how: Geometry) -> int:
    """Return how many of the numbers that a place sees lie together."""
    return how.own * (how.kernel[1] if how.dilation[1] == 1 else 1)
