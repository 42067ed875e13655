"""Blocks of matrix products, which convolutions are made of, and what compiled functions do with bare addresses.

A block is some rows by some vectors of columns, whose sums stay in the processor's registers:

    out[i][j] = bias[j] + the sum over a, b and c of x[i][a * s0 + b * s1 + c * s2] * y[a * t0 + b * t1 + c * t2 + j]

Each row of x and of `out` has an address of its own, so that what a kernel sees need not be laid out. Each sum of a
block is taken in the order of a, b and c: its bits do not depend on which columns are computed together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from specnet.engines.numba.blocks import BlockShape, block_function, block_shape, dots_function
from specnet.engines.numba.compiling import inner
from specnet.engines.numba.vector_code import constant

__all__ = [
    "block",
    "block_rows",
    "block_vectors",
    "bytes_of",
    "copy_bytes",
    "copy_number",
    "dots",
    "fill_zeros",
    "stack_lines",
    "stack_numbers",
    "stack_panel",
    "turn_square",
    "vector_bytes",
]

_I64 = ir.IntType(64)
_BYTES = ir.IntType(8).as_pointer()

STACK = 32
"""Integers that a function has on its stack."""

LINES, PANEL = 1 << 14, 3 << 14
"""Bytes that it has there of 256 lines of a cache, and of as many rows of a block."""


def shape_for(context: Any) -> BlockShape:
    """Return the shape for the processor that code is compiled for: the one by which numba tells kept code apart."""
    triple, _, features = context.codegen().magic_tuple()
    return block_shape(triple, features)


def _constant(choose: Callable[[BlockShape], int]) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def number(typing_context: Any) -> Any:  # noqa: ARG001  numba reads the names
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            return constant(choose(shape_for(context)))

        return types.int64(), generate

    return number


block_rows = _constant(lambda shape: shape.rows)
block_vectors = _constant(lambda shape: shape.vectors)
vector_bytes = _constant(lambda shape: shape.width)


@intrinsic  # type: ignore[untyped-decorator]
def bytes_of(typing_context: Any, like: Any) -> Any:  # noqa: ARG001
    """Return the bytes of a number of a type."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return constant(like.bitwidth // 8)

    return types.int64(like), generate


def _stack(size: int) -> Any:
    """Return a function that gives the address of so many bytes, which last as long as the calling function runs."""

    @intrinsic  # type: ignore[untyped-decorator]
    def address(typing_context: Any) -> Any:  # noqa: ARG001  numba reads the names
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            # `alloca_once` of numba would fill them with zeros.
            with builder.goto_entry_block():
                place = builder.alloca(ir.ArrayType(ir.IntType(8), size))
            place.align = 64
            return builder.ptrtoint(place, _I64)

        return types.int64(), generate

    return address


stack_numbers = _stack(8 * STACK)
stack_lines, stack_panel = _stack(LINES), _stack(PANEL)


@intrinsic  # type: ignore[untyped-decorator]
def copy_bytes(typing_context: Any, to: Any, source: Any, count: Any) -> Any:  # noqa: ARG001
    """Copy so many bytes from one address to another."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        to, source, count = arguments
        cgutils.raw_memcpy(builder, builder.inttoptr(to, _BYTES), builder.inttoptr(source, _BYTES), count, 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def fill_zeros(typing_context: Any, to: Any, count: Any) -> Any:  # noqa: ARG001
    """Write so many bytes of zeros to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        cgutils.memset(builder, builder.inttoptr(arguments[0], _BYTES), arguments[1], 0)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def _block(
    typing_context: Any,  # noqa: ARG001
    like: Any,
    columns: Any,  # noqa: ARG001
    steps: Any,  # noqa: ARG001
    rows: Any,  # noqa: ARG001
    y: Any,  # noqa: ARG001
    bias: Any,  # noqa: ARG001
    adds: Any,  # noqa: ARG001
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        shape = shape_for(context)
        _, columns, *given = arguments
        item = like.bitwidth // 8
        lanes = constant(shape.width // item)
        # As many vectors as hold the columns; of the last one, so many elements.
        vectors = builder.sdiv(builder.add(columns, builder.sub(lanes, constant(1))), lanes)
        last = builder.sub(columns, builder.mul(builder.sub(vectors, constant(1)), lanes))
        whole = builder.zext(builder.icmp_signed("==", last, lanes), _I64)
        after = builder.append_basic_block("after")
        switch = builder.switch(builder.add(builder.mul(vectors, constant(2)), whole), after)
        for case in range(2, 2 * shape.vectors + 2):
            count, is_whole = divmod(case, 2)
            masked = shape.masks or not is_whole
            with builder.goto_block(builder.append_basic_block(f"case_{case}")):
                switch.add_case(constant(case), builder.block)
                function = block_function(builder.module, item, shape, count, masked=masked)
                builder.call(function, [last, *given])
                builder.branch(after)
        builder.position_at_end(after)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 6), generate


@inner
def block(like: Any, columns: int, steps: int, rows: int, y: int, bias: int, adds: int) -> None:
    """Compute a block of so many columns, of which there are no more than `block_vectors` hold.

    `like` is a number of the elements' type, and the others are addresses: `steps` of how many a, b and c there are
    and of the bytes s0, s1, s2, t0, t1, t2; `rows` of the addresses of the rows of x, and then of those of `out`, some
    of which may be the same row; `bias` is 0 where there is none. If it `adds`, sums are added to what `out` has.
    """
    _block(like, columns, steps, rows, y, bias, adds)


@intrinsic  # type: ignore[untyped-decorator]
def _dots(
    typing_context: Any,  # noqa: ARG001
    like: Any,
    count: Any,  # noqa: ARG001
    steps: Any,  # noqa: ARG001
    rows: Any,  # noqa: ARG001
    y: Any,  # noqa: ARG001
    bias: Any,  # noqa: ARG001
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        shape, item = shape_for(context), like.bitwidth // 8
        _, count, *given = arguments
        lanes = constant(shape.width // item)
        whole = builder.sdiv(builder.sub(count, constant(1)), lanes)
        last = builder.sub(count, builder.mul(whole, lanes))
        builder.call(dots_function(builder.module, item, shape), [last, *given, whole])
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 5), generate


@inner
def dots(like: Any, count: int, steps: int, rows: int, y: int, bias: int) -> None:
    """Compute inner products of rows with y, over a, b and so many c, which lie next to each other.

    out[i] = bias + the sum of x[i][a * s0 + b * s1 + c] * y[a * t0 + b * t1 + c]; what is given is as `block` has it.
    The order of the sum depends on how long the processor's vectors are.
    """
    _dots(like, count, steps, rows, y, bias)


@intrinsic  # type: ignore[untyped-decorator]
def turn_square(
    typing_context: Any,  # noqa: ARG001
    like: Any,
    source: Any,  # noqa: ARG001
    source_line: Any,  # noqa: ARG001
    to: Any,  # noqa: ARG001
    to_line: Any,  # noqa: ARG001
) -> Any:
    """Transpose a matrix of as many rows and columns as a vector has elements, with so many bytes from row to row."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        _, source, source_line, to, to_line = arguments
        item = like.bitwidth // 8
        count = shape_for(context).width // item
        vector = ir.VectorType(context.get_value_type(like), count)

        def at(address: Any, line: Any, row: int) -> Any:
            place = builder.add(address, builder.mul(line, constant(row)))
            return builder.inttoptr(place, vector.as_pointer())

        rows = [builder.load(at(source, source_line, row), align=item) for row in range(count)]
        apart = count // 2
        while apart:
            # Of each two rows, every other piece changes places.
            for row in range(count):
                if row & apart == 0:
                    pair = rows[row], rows[row + apart]
                    places = range(count)
                    first = [j if j & apart == 0 else count + j - apart for j in places]
                    second = [j + apart if j & apart == 0 else count + j for j in places]
                    rows[row], rows[row + apart] = (
                        builder.shuffle_vector(
                            *pair, ir.Constant(ir.VectorType(ir.IntType(32), count), chosen)
                        )
                        for chosen in (first, second)
                    )
            apart //= 2
        for row, value in enumerate(rows):
            builder.store(value, at(to, to_line, row), align=item)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 4), generate


@intrinsic  # type: ignore[untyped-decorator]
def copy_number(typing_context: Any, like: Any, to: Any, source: Any) -> Any:  # noqa: ARG001
    """Copy a number of a type from one address to another."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        _, to, source = arguments
        pointer, item = context.get_value_type(like).as_pointer(), like.bitwidth // 8
        number = builder.load(builder.inttoptr(source, pointer), align=item)
        builder.store(number, builder.inttoptr(to, pointer), align=item)
        return context.get_dummy_value()

    return types.void(like, types.int64, types.int64), generate
