"""Convolutions without patches: sums over what a kernel sees, read from where it lies.

A table of integers says, in bytes, where everything lies: a header, and an entry for each part of the output, which is
a phase, a group of channels, or both. Sums are taken by `vectors.block`, whose rows are places of the output, or, for
what flows back to a kernel, numbers of the kernel; its columns are filters. Images with zeros around them, or whose
phases lie apart, are first copied into a frame, a band of rows at a time.
"""

from __future__ import annotations

from typing import Any

from specnet.engines.numba.compiling import inner, kernel
from specnet.engines.numba.language import int64_at
from specnet.engines.numba.vectors import (
    block,
    block_rows,
    block_vectors,
    bytes_of,
    copy_bytes,
    copy_number,
    dots,
    fill_zeros,
    stack_numbers,
    turn_square,
    vector_bytes,
)

WORK = 0
"""The place in every table of what is to be done."""

CONVOLVE, CORRELATE, TRANSPOSE = range(3)

(
    SOURCE,  # images: the address
    IMAGES,  # how many
    IMAGE,  # from one to the next
    HEIGHT,
    WIDTH,
    PIXEL,  # from a place to the next
    DOWN,  # phases that lie apart
    ACROSS,
    FRAME,  # the address, or 0 where images are read where they are
    FRAME_SIZE,
    LINE,  # from a row of what is read to the next
    TOP,  # where an image begins in the frame
    LEFT,
    ROWS,  # of the largest part
    BAND,  # rows of parts for which a frame is filled at once
    LEAD,  # rows of what is read from a part's row to its next
    EXTENT,  # rows of what is read that a row of any part sees
    PARTS,  # how many
    OUT,
    OUT_IMAGE,
    TIMES,  # a kernel, or what flows back to the output
    TIMES_IMAGE,
    BIAS,  # the address, or 0
    CACHED_ROWS,  # rows that are read again for all numbers of a kernel while they are in cache
    OFFSETS,  # the address of where each number of a kernel is in what is read
    DEPTH,  # how many
    RUN,  # of them that lie together, where filters are computed one by one; else 0
    OUT_LINE,  # from the filters of one of them to those of the next
    HEADER,  # where the parts begin
) = range(1, 30)

(
    PART_ROWS,
    PART_COLUMNS,
    X,  # where its first place is in what is read
    X_ROW,
    X_COLUMN,
    Y,  # where it is in the output
    Y_ROW,
    Y_COLUMN,
    W,  # where it is in TIMES
    FILTERS,
    BIASES,  # where its bias begins
    STEPS,  # those of `vectors.block`
) = range(12)
PART = STEPS + 9
"""Integers of a part."""

(
    TAP,  # the address of the first tap of a kernel that is transposed
    TAP_ROWS,
    TAP_COLUMNS,
    TAP_ROW,  # from a row of taps to the next
    TAP_COLUMN,
    TAP_LINE,  # from a channel of a tap to the next
    GROUPS,
    CHANNELS,  # of a group
    TURNED,  # filters of a group
    TURNED_TO,  # the address of the result
    TURN,  # how many integers these are
) = range(1, 12)


@kernel
def compute(table: int, like: Any) -> None:
    """Write a convolution, add what flows back to a kernel, or transpose a kernel, as a table says.

    Numbers have the type of `like`. One function does all three, since these have the same blocks, which take longest
    to compile.
    """
    t = int64_at(table)
    if t[WORK] == CONVOLVE:
        _convolve(t, table, like)
    elif t[WORK] == CORRELATE:
        _correlate(t, like)
    else:
        _turn(t, like)


@inner
def _turn(t: Any, like: Any) -> None:
    channels, filters, item, count = t[CHANNELS], t[TURNED], bytes_of(like), vector_bytes() // bytes_of(like)
    to = t[TURNED_TO]
    for group in range(t[GROUPS]):
        for i in range(t[TAP_ROWS]):
            for j in range(t[TAP_COLUMNS]):
                tap = t[TAP] + i * t[TAP_ROW] + j * t[TAP_COLUMN] + group * filters * item
                for c in range(0, channels, count):
                    for k in range(0, filters, count):
                        if c + count <= channels and k + count <= filters:
                            there = to + (k * channels + c) * item
                            turn_square(
                                like, tap + c * t[TAP_LINE] + k * item, t[TAP_LINE], there, channels * item
                            )
                            continue
                        for a in range(c, min(c + count, channels)):
                            for b in range(k, min(k + count, filters)):
                                there = to + (b * channels + a) * item
                                copy_number(like, there, tap + a * t[TAP_LINE] + b * item)
                to += channels * filters * item


@inner
def _convolve(t: Any, table: int, like: Any) -> None:
    rows = stack_numbers()
    if t[FRAME]:
        fill_zeros(t[FRAME], t[FRAME_SIZE])
    for image in range(t[IMAGES]):
        for first in range(0, t[ROWS], t[BAND]):
            stop = min(first + t[BAND], t[ROWS])
            seen = _rows_of(t, image, first, stop)
            for part in range(t[PARTS]):
                p = HEADER + part * PART
                places = (min(stop, t[p + PART_ROWS]) - first) * t[p + PART_COLUMNS]
                if places <= 0:
                    continue
                x = seen + t[p + X]
                y = t[OUT] + image * t[OUT_IMAGE] + t[p + Y] + first * t[p + Y_ROW]
                blocks = t[p + FILTERS] if t[RUN] else _blocks(t[p + FILTERS], like)
                for j in range(blocks):
                    begin, end = j, j + 1
                    if t[RUN] == 0:
                        begin, end = _filters(t[p + FILTERS], j, blocks, like)
                    skipped = begin * bytes_of(like)
                    w = t[TIMES] + t[p + W] + skipped * (t[DEPTH] if t[RUN] else 1)
                    b = t[BIAS] + t[p + BIASES] + skipped if t[BIAS] else 0
                    _write(t, p, table, rows, like, x, y + skipped, places, end - begin, w, b)


@inner
def _write(
    t: Any,
    p: int,
    table: int,
    rows: int,
    like: Any,
    x: int,
    y: int,
    places: int,
    filters: int,
    w: int,
    b: int,
) -> None:
    """Write some filters of so many places of a part, from the first of its rows at x and y on."""
    r, count, columns = int64_at(rows), block_rows(), t[p + PART_COLUMNS]
    x_column, y_column = t[p + X_COLUMN], t[p + Y_COLUMN]
    x_turn, y_turn = t[p + X_ROW] - columns * x_column, t[p + Y_ROW] - columns * y_column
    for first in range(0, places, count):
        # The last places may be partly those before, which get the same numbers again.
        place = max(min(first, places - count), 0)
        row = place // columns
        column = place - row * columns
        seen = x + row * t[p + X_ROW] + column * x_column
        made = y + row * t[p + Y_ROW] + column * y_column
        for k in range(count):
            r[k], r[count + k] = seen, made
            place += 1
            if place < places:
                seen += x_column
                made += y_column
                column += 1
                if column == columns:
                    column = 0
                    seen += x_turn
                    made += y_turn
        if t[RUN]:
            dots(like, t[RUN], table + 8 * (p + STEPS), rows, w, b)
        else:
            block(like, filters, table + 8 * (p + STEPS), rows, w, b, 0)


@inner
def _correlate(t: Any, like: Any) -> None:
    rows = stack_numbers()
    count = block_rows()
    r, offsets, steps = int64_at(rows), int64_at(t[OFFSETS]), rows + 16 * count
    s = int64_at(steps)
    if t[FRAME]:
        fill_zeros(t[FRAME], t[FRAME_SIZE])
    for image in range(t[IMAGES]):
        for first in range(0, t[ROWS], t[BAND]):
            stop = min(first + t[BAND], t[ROWS])
            seen = _rows_of(t, image, first, stop)
            for part in range(t[PARTS]):
                p = HEADER + part * PART
                for k in range(9):
                    s[k] = t[p + STEPS + k]
                for top in range(first, min(stop, t[p + PART_ROWS]), t[CACHED_ROWS]):
                    s[1] = min(top + t[CACHED_ROWS], stop, t[p + PART_ROWS]) - top
                    x = seen + t[p + X] + (top - first) * t[p + X_ROW]
                    g = t[TIMES] + image * t[TIMES_IMAGE] + t[p + W] + top * s[7]
                    blocks = _blocks(t[p + FILTERS], like)
                    for j in range(blocks):
                        begin, end = _filters(t[p + FILTERS], j, blocks, like)
                        skipped = begin * bytes_of(like)
                        y = t[OUT] + t[p + Y] + skipped
                        for k in range(0, t[DEPTH], count):
                            for i in range(count):
                                own = min(k + i, t[DEPTH] - 1)
                                r[i], r[count + i] = x + offsets[own], y + own * t[OUT_LINE]
                            block(like, end - begin, steps, rows, g + skipped, 0, 1)


@inner
def _blocks(filters: int, like: Any) -> Any:
    """Return into how many blocks filters are divided."""
    return -(-filters * bytes_of(like) // (vector_bytes() * block_vectors()))


@inner
def _filters(filters: int, block: int, blocks: int, like: Any) -> Any:
    """Return the filters of a block, from and to: as many whole vectors as the others have, but for one."""
    width = vector_bytes() // bytes_of(like)
    vectors = -(-filters // width)
    return vectors * block // blocks * width, min(vectors * (block + 1) // blocks * width, filters)


@inner
def _rows_of(t: Any, image: int, first: int, stop: int) -> Any:
    """Return the address of what some rows of the parts see of an image; write it into the frame, if there is one."""
    begin, end = first * t[LEAD], (stop - 1) * t[LEAD] + t[EXTENT]
    source = t[SOURCE] + image * t[IMAGE]
    if t[FRAME] == 0:
        return source + begin * t[LINE]
    pixel, down, across = t[PIXEL], t[DOWN], t[ACROSS]
    count, columns = min(t[WIDTH], t[LINE] // pixel - t[LEFT]), t[WIDTH] // across
    phase = t[HEIGHT] // down * columns
    for line in range(begin, end):
        to, y = t[FRAME] + (line - begin) * t[LINE], line - t[TOP]
        if y < 0 or y >= t[HEIGHT]:
            fill_zeros(to, t[LINE])
        elif down == 1 and across == 1:
            copy_bytes(to + t[LEFT] * pixel, source + y * t[WIDTH] * pixel, count * pixel)
        else:
            row = y % down * across * phase + y // down * columns
            for z in range(count):
                place = row + z % across * phase + z // across
                copy_bytes(to + (t[LEFT] + z) * pixel, source + place * pixel, pixel)
    return t[FRAME]
