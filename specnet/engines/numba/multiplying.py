"""Products of matrices by blocks of sums in registers, which read both matrices where they lie if they can.

The matrix library first copies matrices into the order in which it reads them. For a few rows that takes as long as a
part of the product, and without it each sum is also the same for any number of rows and columns, and so in any part of
a product that threads share. Only what blocks would read in the wrong order is copied, a panel at a time: numbers of
the first matrix that lie column by column and are read for many columns, and a second matrix that lies column by
column.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.engines.numba.compiling import inner, kernel
from specnet.engines.numba.language import int64_at
from specnet.engines.numba.vector_products import multiply_vector
from specnet.engines.numba.vectors import (
    block,
    block_rows,
    block_vectors,
    bytes_of,
    copy_bytes,
    copy_number,
    stack_lines,
    stack_numbers,
    stack_panel,
    turn_square,
    vector_bytes,
)

DEPTH = 256
"""Rows of the second matrix whose products are added up before the next ones are read, which stay in cache."""

DEEP = 64
"""Numbers that are added up for each sum, from which on it pays to copy a first matrix that lies column by column."""

FIRST_TURNED, SECOND_TURNED = 1, 2
"""Which of the matrices lies column by column; 0 for none."""

LINE = 64
"""Bytes of a cache line."""

PANELS = 4
"""Blocks of columns from which on it takes less time to copy the numbers of a first matrix that lies column by column,
of which each block would read a part of a line."""


@kernel
def multiply_float32(
    lies: int, n: int, m: int, k: int, a: int, a_step: int, b: int, b_step: int, out: int, step: int
) -> None:
    """Write the product of an n x k matrix and a k x m matrix.

    `lies` says which of them lies column by column: where there is one row, none or the first. Others are addresses,
    and the elements from one row, or column, to the next.
    """
    _multiply(np.float32(0), lies, n, m, k, a, a_step, b, b_step, out, step)


@kernel
def multiply_float64(
    lies: int, n: int, m: int, k: int, a: int, a_step: int, b: int, b_step: int, out: int, step: int
) -> None:
    """Do the same with float64."""
    _multiply(np.float64(0), lies, n, m, k, a, a_step, b, b_step, out, step)


@inner
def _multiply(
    like: Any,
    lies: int,
    n: int,
    m: int,
    k: int,
    a: int,
    a_step: int,
    b: int,
    b_step: int,
    out: int,
    step: int,
) -> None:
    item, count = bytes_of(like), block_rows()
    if n == 1:
        multiply_vector(like, m, k, a, (a_step if lies else 1) * item, b, b_step * item, out)
        return
    a_step, b_step, step = a_step * item, b_step * item, step * item
    rows = stack_numbers()
    steps = rows + 16 * count
    s = int64_at(steps)
    down, along = (item, a_step) if lies == FIRST_TURNED else (a_step, item)
    width, panel_step = vector_bytes() // item, block_vectors() * vector_bytes()
    vectors = -(-m // width)
    blocks = -(-vectors // block_vectors())
    copies = lies == FIRST_TURNED and blocks >= PANELS and k >= DEEP
    lines, panel = stack_lines(), stack_panel()
    group = LINE // item // count * count if copies else n
    for place in range(9):
        s[place] = 0
    s[0], s[1] = 1, 1
    s[5], s[8] = LINE if copies else along, panel_step if lies == SECOND_TURNED else b_step
    for first in range(0, k, DEPTH):
        depth = min(DEPTH, k - first)
        s[2] = depth
        for top in range(0, n, group):
            bottom = min(top + group, n)
            x, x_down = a + top * down + first * along, down
            if copies:
                _copy_lines(x, along, (bottom - top) * item, depth, lines)
                x, x_down = lines, item
            for j in range(blocks):
                begin = vectors * j // blocks * width
                columns = min(vectors * (j + 1) // blocks * width, m) - begin
                y = b + first * b_step + begin * item
                if lies == SECOND_TURNED:
                    _turn(like, b + begin * b_step + first * item, b_step, columns, depth, panel, panel_step)
                    y = panel
                to = out + top * step + begin * item
                _multiply_panel(like, bottom - top, columns, steps, rows, x, x_down, y, to, step, first)


@inner
def _multiply_panel(
    like: Any,
    n: int,
    columns: int,
    steps: int,
    rows: int,
    x: int,
    down: int,
    y: int,
    out: int,
    step: int,
    adds: int,
) -> None:
    """Compute one block below the other, of so many rows; `rows` is room for their addresses."""
    count, r = block_rows(), int64_at(rows)
    for i in range(0, n, count):
        for row in range(count):
            own = min(i + row, n - 1)
            r[row] = x + own * down
            r[count + row] = out + own * step
        block(like, columns, steps, rows, y, 0, adds)


@inner
def _copy_lines(source: int, source_step: int, size: int, count: int, to: int) -> None:
    """Copy so many pieces of a line, or of less, which lie apart, each to the begin of a line."""
    if size == LINE:
        # A size that is known when this is compiled makes a copy one load and one store.
        for number in range(count):
            copy_bytes(to + number * LINE, source + number * source_step, LINE)
    else:
        for number in range(count):
            copy_bytes(to + number * LINE, source + number * source_step, size)


@inner
def _turn(like: Any, source: int, source_step: int, n: int, m: int, to: int, to_step: int) -> None:
    """Write the transpose of an n x m matrix, given the bytes from row to row of both."""
    item = bytes_of(like)
    side = vector_bytes() // item
    down, right = n // side * side, m // side * side
    for i in range(0, down, side):
        for j in range(0, right, side):
            turn_square(
                like, source + i * source_step + j * item, source_step, to + j * to_step + i * item, to_step
            )
    for i in range(n):
        for j in range(right if i < down else 0, m):
            copy_number(like, to + j * to_step + i * item, source + i * source_step + j * item)
