"""Matrix products that workers share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from specnet.engines.blas import limited
from specnet.engines.workers import Workers

MOST = 1 << 20
"""Elements of matrices for which it is found out whether their product has the same bits in parts."""

Layout = tuple[tuple[int, int], bool, Any]
"""The shape of a matrix, whether its rows lie one after the other, and not its columns, and its type."""

Share = tuple[int, int]


def shared_dot(workers: Workers, a: Any, b: Any, out: Any) -> None:
    """Write the product of two matrices into `out`, by parts of its rows or columns, whichever there are more of.

    A thread that does all parts itself computes the product as a whole, where that gives the same bits.
    """
    shares = workers.shares(max(out.shape))
    if len(shares) > 1 and workers.alone and _is_alike(tuple(shares), *map(_layout, (a, b, out))):
        np.matmul(a, b, out)
    else:
        workers.run(partial(_part, shares, a, b, out), len(shares))


def prepare_dot(workers: Workers, a: Any, b: Any, out: Any) -> None:
    """Find out before the first product what `shared_dot` asks: it takes memory, and about as long as two products."""
    if workers.count > 1:
        with limited(1):
            _is_alike(tuple(workers.shares(max(out.shape))), *map(_layout, (a, b, out)))


def _part(shares: Sequence[Share], a: Any, b: Any, out: Any, number: int) -> None:
    start, stop = shares[number]
    # Unlike np.dot, it takes parts of matrices without a copy.
    if len(out) >= out.shape[1]:
        np.matmul(a[start:stop], b, out[start:stop])
    else:
        np.matmul(a, b[:, start:stop], out[:, start:stop])


def _layout(matrix: Any) -> Layout:
    return matrix.shape, bool(matrix.strides[0] >= matrix.strides[1]), matrix.dtype


@cache
def _is_alike(shares: tuple[Share, ...], *layouts: Layout) -> bool:
    """Whether products of such matrices have the same bits as a whole and in parts.

    The matrix library adds up in an order that follows from sizes alone, and may be another one for those of parts. Of
    random numbers, a sum in another order would differ in some last bit.
    """
    if sum(rows * columns for (rows, columns), _, _ in layouts) > MOST:
        return False
    rng = np.random.default_rng(0)
    a, b, whole = (
        rng.random(shape, dtype) if by_rows else rng.random(shape[::-1], dtype).T
        for shape, by_rows, dtype in layouts
    )
    np.matmul(a, b, whole)
    parts = whole.copy("K")
    for number in range(len(shares)):
        _part(shares, a, b, parts, number)
    return bool((whole == parts).all())
