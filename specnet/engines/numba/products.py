"""Products of matrices in the tables of compiled steps: what computes them, and the parts that threads take."""

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
from specnet.engines.numba.entries import GEMM
from specnet.engines.numba.matrices import BY_BLOCKS
from specnet.engines.numba.multiplying import SECOND_TURNED, multiply_float32, multiply_float64
from specnet.engines.numba.vector_products import most_vectors

Array = np.ndarray[Any, Any]

FEW_ROWS = 256
"""Rows up to which the library's copies of a large second matrix take longer than reading it again and again."""

LARGE, HUGE = 1 << 20, 1 << 22
"""Bytes of a second matrix for any number of rows, and for few, from which on the library's copies pay."""

TILE = 16
"""Rows or columns that a part of a product has a multiple of."""

ARGUMENTS = 10
"""Which matrix lies column by column, sizes (n, m, k), and addresses and steps from row to row of both and
of the result."""


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
def is_second_turned(n: int, m: int, k: int, item: int) -> bool:
    """Return whether blocks compute a product with a matrix that lies column by column faster than the library.

    Transposing it takes half as long as multiplying two blocks of rows by it.
    """
    return n >= 2 * _shape().rows and is_by_blocks(n, m, k, item)


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
        if b_t and not a_t and is_second_turned(*own, k, size):
            lies = SECOND_TURNED + BY_BLOCKS
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
