"""Depthwise convolutions as passes over rows of images, from a table.

A table of integers says, in bytes, where everything lies: a header, and an entry for each pass over an image.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.engines.numba.compiling import inner, kernel
from specnet.engines.numba.language import int64_at
from specnet.engines.numba.row_code import PASS
from specnet.engines.numba.rows import pass_over_rows
from specnet.engines.numba.vectors import bytes_of

(
    IMAGES,  # how many
    CHANNELS,  # bytes of a place
    X,  # what is read: the address, and from one image to the next
    X_IMAGE,
    Y,  # what is written, or else what the kernel is multiplied with
    Y_IMAGE,
    W,  # the taps
    START,  # what sums begin with
    PASSES,  # how many
    HEADER,  # where the passes begin
) = range(10)

(
    CODE,  # which function
    X_AT,  # where its first place is in an image
    Y_AT,
    W_AT,
    CONTINUES,  # whether sums begin with what is in y
    TABLE,  # what `row_code` reads
) = range(6)
ENTRY = TABLE + PASS
"""Integers of a pass."""


@kernel
def compute_float32(table: int) -> None:
    """Make the passes of a table."""
    _compute(int64_at(table), table, np.float32(0))


@kernel
def compute_float64(table: int) -> None:
    """Do the same with float64."""
    _compute(int64_at(table), table, np.float64(0))


COMPUTE = {"float32": compute_float32, "float64": compute_float64}


@inner
def _compute(t: Any, table: int, like: Any) -> None:
    channels = t[CHANNELS] // bytes_of(like)
    for image in range(t[IMAGES]):
        for number in range(t[PASSES]):
            p = HEADER + number * ENTRY
            x = t[X] + image * t[X_IMAGE] + t[p + X_AT]
            y = t[Y] + image * t[Y_IMAGE] + t[p + Y_AT]
            w, start = t[W] + t[p + W_AT], y if t[p + CONTINUES] else t[START]
            pass_over_rows(like, t[p + CODE], channels, table + 8 * (p + TABLE), x, w, y, start)
