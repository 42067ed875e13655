"""Products of matrices by blocks of sums in registers, which read both matrices where they lie.

The matrix library first copies matrices into the order in which it reads them. For a few rows that takes as long as a
part of the product, and without it each sum is also the same for any number of rows and columns, and so in any part of
a product that threads share.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numba import types
from numba.core.registry import cpu_target

from specnet.engines.blas import product_addresses
from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.blocks import BlockShape, block_shape
from specnet.engines.numba.compiling import inner, kernel
from specnet.engines.numba.entries import GEMM
from specnet.engines.numba.language import int64_at
from specnet.engines.numba.matrices import BY_BLOCKS
from specnet.engines.numba.vector_products import most_vectors, multiply_vector
from specnet.engines.numba.vectors import (
    block,
    block_rows,
    block_vectors,
    bytes_of,
    stack_numbers,
    stack_squares,
    turn_square,
    vector_bytes,
)

Array = np.ndarray[Any, Any]

DEPTH = 256
"""Rows of the second matrix whose products are added up before the next ones are read, which stay in cache."""

FEW_ROWS = 256
"""Rows up to which the library's copies of a large second matrix take longer than reading it again and again."""

LARGE, HUGE = 1 << 20, 1 << 22
"""Bytes of a second matrix for any number of rows, and for few, from which on the library's copies pay."""

DEEP = 64
"""Numbers that are added up for each of a square, which is then transposed in a tenth of the time."""

TURNED = 2
"""How the first matrix lies where both lie column by column."""

TILE = 16
"""Rows or columns that a part of a product has a multiple of."""

ARGUMENTS = 10
"""Whether the first matrix lies column by column, sizes (n, m, k), and addresses and steps from row to row of both and
of the result."""


@kernel
def multiply_float32(
    a_t: int, n: int, m: int, k: int, a: int, a_step: int, b: int, b_step: int, out: int, step: int
) -> None:
    """Write the product of an n x k matrix and a k x m matrix.

    The first one may lie column by column (`a_t` is 1), and so may both (2, where `is_turned`).
    """
    _multiply(np.float32(0), a_t, n, m, k, a, a_step, b, b_step, out, step)


@kernel
def multiply_float64(
    a_t: int, n: int, m: int, k: int, a: int, a_step: int, b: int, b_step: int, out: int, step: int
) -> None:
    """Do the same with float64."""
    _multiply(np.float64(0), a_t, n, m, k, a, a_step, b, b_step, out, step)


@inner
def _multiply(
    like: Any,
    a_t: int,
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
        multiply_vector(like, m, k, a, (a_step if a_t else 1) * item, b, b_step * item, out)
        return
    rows = stack_numbers()
    steps = rows + 16 * count
    r, s = int64_at(rows), int64_at(steps)
    if a_t == TURNED:
        _multiply_turned(like, n, m, k, a, a_step, b, b_step, out, step)
        return
    down, along = (item, a_step * item) if a_t else (a_step * item, item)
    for place in range(9):
        s[place] = 0
    s[0], s[1], s[5], s[8] = 1, 1, along, b_step * item
    width = vector_bytes() // item
    vectors = -(-m // width)
    blocks = -(-vectors // block_vectors())
    for first in range(0, k, DEPTH):
        s[2] = min(DEPTH, k - first)
        for j in range(blocks):
            begin = vectors * j // blocks * width
            columns = min(vectors * (j + 1) // blocks * width, m) - begin
            y = b + first * b_step * item + begin * item
            for i in range(0, n, count):
                for row in range(count):
                    own = min(i + row, n - 1)
                    r[row] = a + own * down + first * along
                    r[count + row] = out + (own * step + begin) * item
                block(like, columns, steps, rows, y, 0, first)


@inner
def _multiply_turned(
    like: Any, n: int, m: int, k: int, a: int, a_step: int, b: int, b_step: int, out: int, step: int
) -> None:
    """Write the product of two matrices that lie column by column.

    Transposed, they lie row by row, and the product of the second by the first is that of these. Each square of it is
    transposed when it is complete.
    """
    item, count, squares = bytes_of(like), block_rows(), stack_squares()
    side, line = vector_bytes() // item, block_vectors() * vector_bytes()
    rows = stack_numbers()
    steps = rows + 16 * count
    r, s = int64_at(rows), int64_at(steps)
    for place in range(9):
        s[place] = 0
    s[0], s[1], s[5], s[8] = 1, 1, item, a_step * item
    vectors = n // side
    blocks = -(-vectors // block_vectors())
    for j in range(blocks):
        begin = vectors * j // blocks * side
        columns = vectors * (j + 1) // blocks * side - begin
        for i in range(0, m, side):
            for top in range(0, side, count):
                for first in range(0, k, DEPTH):
                    s[2] = min(DEPTH, k - first)
                    for row in range(count):
                        r[row] = b + ((i + top + row) * b_step + first) * item
                        r[count + row] = squares + (top + row) * line
                    block(like, columns, steps, rows, a + (first * a_step + begin) * item, 0, first)
            for column in range(0, columns, side):
                place = out + ((begin + column) * step + i) * item
                turn_square(like, squares + column * item, line, place, step * item)


@cache
def _shape() -> BlockShape:
    triple, _, features = cpu_target.target_context.codegen().magic_tuple()
    return block_shape(triple, features)


@cache
def is_by_blocks(n: int, m: int, k: int, item: int) -> bool:
    """Return whether blocks compute a product with a k x m matrix, which lies row by row, faster than the library."""
    shape = _shape()
    lanes = shape.width // item
    if n == 1:
        return m <= most_vectors(shape) * lanes
    if n <= shape.rows // 2:
        return False
    # The rest of a block is computed for nothing. The library copies matrices for few rows, too.
    padded = -(-n // shape.rows) * shape.rows * -(-m // lanes) * lanes
    used = 5 if n <= 2 * shape.rows or m <= lanes else 7
    return 8 * n * m >= used * padded and k * m * item <= (HUGE if n <= FEW_ROWS else LARGE)


@cache
def is_turned(n: int, m: int, k: int, item: int) -> bool:
    """Return whether blocks compute a product of matrices that lie column by column faster than the library.

    They do where its squares are filled by whole blocks, and take little time compared with their sums.
    """
    shape = _shape()
    side = shape.width // item
    fits = side % shape.rows == 0 and n % side == 0 and m % side == 0
    return fits and k >= DEEP and n * k * item <= (HUGE if m <= FEW_ROWS else LARGE)


def product_parts(a: Array, b: Array, out: Array, parts: int) -> list[int]:
    """Return what `gemm32` and `gemm64` are told of each part of a product's rows or columns."""
    a, b = np.atleast_2d(a), b if b.ndim == 2 else b[:, np.newaxis]
    (n, k), m, size = a.shape, b.shape[1], a.itemsize
    (a_t, a_step), (b_t, b_step) = _layout(a), _layout(b)
    by_rows = n >= m
    # Whole tiles of the library's kernels, but for the last.
    tiles = -(-max(n, m) // TILE)
    ends = [min(tiles * part // parts * TILE, max(n, m)) for part in range(parts + 1)]
    step = out.strides[0] // size if out.ndim == 2 and n > 1 else m
    found: list[int] = []
    for start, stop in pairwise(ends):
        own = (stop - start, m) if by_rows else (n, stop - start)
        first = address_of(a) + (start * a.strides[0] if by_rows else 0)
        second = address_of(b) + (0 if by_rows else start * b.strides[1])
        result = address_of(out) + start * size * (step if by_rows else 1)
        if m == 1 == step and a_t and is_by_blocks(1, own[0], k, size):
            # A column is as good as a row.
            found += [1 + BY_BLOCKS, 0, 1, own[0], k, second, b_step, first, a_step, result, own[0]]
            continue
        lies = a_t + BY_BLOCKS * (not b_t and is_by_blocks(*own, k, size))
        if a_t and b_t and is_turned(*own, k, size):
            lies = TURNED + BY_BLOCKS
        found += [lies, b_t, *own, k, first, a_step, second, b_step, result, step]
    return found


def calls_library(parts: Sequence[int]) -> bool:
    """Return whether the matrix library computes one of the parts of a product, see `gemm32`."""
    entries = [parts[place : place + GEMM] for place in range(0, len(parts), GEMM)]
    return any(
        lies < BY_BLOCKS and n > 1 and (m > 1 or (m == 1 and step > 1)) for lies, _, n, m, *_, step in entries
    )


def _layout(matrix: Array) -> tuple[int, int]:
    """Return whether a matrix lies column by column, and the elements from one row or column to the next."""
    rows, columns = (step // matrix.itemsize for step in matrix.strides)
    if columns == 1 or matrix.shape[1] == 1:
        return 0, max(rows, matrix.shape[1])
    return 1, max(columns, matrix.shape[0])


@cache
def product_functions(item: int) -> int:
    """Return the address of two addresses: of the library's product of numbers of so many bytes, and of that by blocks.

    0 where the library is not known.
    """
    known = product_addresses()
    if known is None:
        return 0
    function: Any = multiply_float32 if item == 4 else multiply_float64
    result = function.get_compile_result(types.void(*[types.int64] * ARGUMENTS))
    own = result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name)
    # Of several threads that ask first, all are given the one that is kept.
    table = _TABLES.setdefault(item, np.array([known[item == 8], own], np.int64))
    return address_of(table)


_TABLES: dict[int, Array] = {}
"""What addresses were given of, by the bytes of a number."""
