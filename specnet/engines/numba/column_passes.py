"""Passes over matrices, column by column, for compiled functions: see `column_code`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from specnet.engines.numba import column_code as code
from specnet.engines.numba.compiling import inner
from specnet.engines.numba.vector_code import constant
from specnet.engines.numba.vectors import shape_for

Array = np.ndarray[Any, Any]

BAND = 16 * 1024
"""Bytes of the rows that are in the innermost cache while all columns have their turn."""

WIDEST = 512
"""Elements of rows that are taken as one, if several fit in it."""


def wide_columns(columns: int, item: int, most: int) -> int:
    """Return of how many elements wide rows are, each of several rows of so many columns, of up to `most` elements.

    Vectors of all processors divide them, if that is possible.
    """
    counts = range(1, max(1, min(WIDEST, most) // columns) + 1)
    for least in (8 * 64 // item, 64 // item):
        found = next((n for n in counts if n * columns % least == 0), None)
        if found is not None:
            return found * columns
    return counts[-1] * columns


def _pass_over_band(of: code.ColumnPass) -> Any:
    """Return what makes a pass over a band: so many rows and columns, the bytes from row to row, and addresses."""

    @intrinsic  # type: ignore[untyped-decorator]
    def made(
        typing_context: Any,  # noqa: ARG001
        like: Any,
        rows: Any,  # noqa: ARG001
        columns: Any,  # noqa: ARG001
        step: Any,  # noqa: ARG001
        x: Any,  # noqa: ARG001
        y: Any,  # noqa: ARG001
        out: Any,  # noqa: ARG001
        a: Any,  # noqa: ARG001
        b: Any,  # noqa: ARG001
        c: Any,  # noqa: ARG001
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            shape, item = shape_for(context), like.bitwidth // 8
            _, rows, columns, step, *places = arguments
            masked = shape.masks
            function = code.column_function(builder.module, item, shape.width, of, masked=masked)
            builder.call(function, [rows, columns, step, *places])
            if not masked:
                lanes = constant(shape.width // item)
                left = builder.srem(columns, lanes)
                skipped = builder.mul(builder.sub(columns, left), constant(item))
                own = [builder.add(place, skipped) for place in places]
                function = code.column_function(builder.module, item, item, of, masked=False)
                builder.call(function, [rows, left, step, *own])
            return context.get_dummy_value()

        return types.void(like, *[types.int64] * 9), generate

    return made


@inner
def _at(x: Array) -> Any:
    return np.int64(x.ctypes.data)


def _pass(of: code.ColumnPass) -> Any:
    """Return what makes a pass over a matrix x, band by band, with addresses of what else it reads, writes and adds to.

    y and `out` are matrices of x's shape, and a, b and c belong to columns; the address of one that the pass does not
    have is ignored.
    """
    pass_over_band = _pass_over_band(of)

    @inner
    def over_bands(x: Array, y: int, out: int, a: int, b: int, c: int) -> None:
        like, columns, step = x.dtype.type(0), x.shape[1], x.shape[1] * x.itemsize
        band = max(1, BAND // max(1, step))
        for i in range(0, len(x), band):
            rows, on = min(band, len(x) - i), i * step
            pass_over_band(like, rows, columns, step, _at(x) + on, y + on, out + on, a, b, c)

    return over_bands


_sums, _squares, _products, _rest = map(
    _pass, (code.SUMS, code.SQUARES, code.PRODUCTS, code.PRODUCTS_OF_REST)
)
_normalised, _scaled, _combined = map(_pass, (code.NORMALISED, code.SCALED, code.COMBINED))


@inner
def add_sums(x: Array, sums: Array) -> None:
    """Add to each sum the numbers of a column."""
    _sums(x, 0, 0, _at(sums), 0, 0)


@inner
def add_squares(x: Array, means: Array, sums: Array) -> None:
    """Add to each sum the squares of a column's numbers, without its mean."""
    _squares(x, 0, 0, _at(sums), _at(means), 0)


@inner
def add_products(x: Array, y: Array, sums: Array, products: Array) -> None:
    """Add to each sum the numbers of a column of x, and to each product those of x times y."""
    _products(x, _at(y), 0, _at(sums), _at(products), 0)


@inner
def add_products_of_rest(x: Array, y: Array, means: Array, sums: Array, products: Array) -> None:
    """Do the same with what is left of y without the mean of each column."""
    _rest(x, _at(y), 0, _at(sums), _at(products), _at(means))


@inner
def normalised(x: Array, means: Array, roots: Array, out: Array) -> None:
    """Write (x - mean) * root."""
    _normalised(x, 0, _at(out), _at(means), _at(roots), 0)


@inner
def scaled(x: Array, factors: Array, more: Array, out: Array) -> None:
    """Write x * factor + more."""
    _scaled(x, 0, _at(out), _at(factors), _at(more), 0)


@inner
def combined(x: Array, y: Array, by_x: Array, by_y: Array, more: Array, out: Array) -> None:
    """Write x * by_x + y * by_y + more."""
    _combined(x, _at(y), _at(out), _at(by_x), _at(by_y), _at(more))
