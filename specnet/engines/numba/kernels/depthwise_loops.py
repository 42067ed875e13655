"""Depthwise convolutions as passes over rows of images, from a table.

A table of integers says, in bytes, where everything lies: a header, and an entry for each pass over an image.
"""

from __future__ import annotations

from typing import Any

from specnet.engines.numba.compiling import kernel
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
def compute(table: int, like: Any) -> None:
    """Make the passes of a table, with numbers of the type of `like`."""
    t = int64_at(table)
    channels = t[CHANNELS] // bytes_of(like)
    for image in range(t[IMAGES]):
        for number in range(t[PASSES]):
            p = HEADER + number * ENTRY
            x = t[X] + image * t[X_IMAGE] + t[p + X_AT]
            y = t[Y] + image * t[Y_IMAGE] + t[p + Y_AT]
            w, start = t[W] + t[p + W_AT], y if t[p + CONTINUES] else t[START]
            pass_over_rows(like, t[p + CODE], channels, table + 8 * (p + TABLE), x, w, y, start)
