"""Passes over rows of images, channel by channel, for compiled functions: see `row_code`."""

from __future__ import annotations

from itertools import product
from typing import Any

from numba import types
from numba.extending import intrinsic

from specnet.engines.numba.blocks import BlockShape
from specnet.engines.numba.compiling import inner
from specnet.engines.numba.row_code import MOST_TAPS, row_function
from specnet.engines.numba.vector_code import constant
from specnet.engines.numba.vectors import shape_for

MASKED_WIDTH = 64
"""Bytes of vectors of which a part is read and written as fast as all of it: those of AVX-512."""


@intrinsic  # type: ignore[untyped-decorator]
def _pass_over_rows(
    typing_context: Any,  # noqa: ARG001
    like: Any,
    code: Any,  # noqa: ARG001
    channels: Any,  # noqa: ARG001
    table: Any,  # noqa: ARG001
    x: Any,  # noqa: ARG001
    w: Any,  # noqa: ARG001
    y: Any,  # noqa: ARG001
    start: Any,  # noqa: ARG001
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        shape, item = shape_for(context), like.bitwidth // 8
        _, code, channels, table, *places = arguments
        after = builder.append_basic_block("after")
        switch = builder.switch(code, after)
        counts = range(1, MOST_TAPS + 1)
        for number, (correlates, lines, columns) in enumerate(product((False, True), counts, counts)):
            with builder.goto_block(builder.append_basic_block(f"case_{number}")):
                switch.add_case(constant(number), builder.block)
                for width, masked, count, first in _divided(builder, channels, item, shape):
                    function = row_function(
                        builder.module, item, width, (lines, columns), correlates=correlates, masked=masked
                    )
                    with builder.if_then(builder.icmp_signed(">", count, constant(0))):
                        skipped = builder.mul(first, constant(item))
                        own = [builder.add(place, skipped) for place in places]
                        builder.call(function, [count, builder.sub(channels, first), table, *own])
                builder.branch(after)
        builder.position_at_end(after)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 7), generate


def _divided(builder: Any, channels: Any, item: int, shape: BlockShape) -> list[tuple[int, bool, Any, Any]]:
    """Return how channels become vectors: of how many bytes, whether masked, how many, and from which channel on."""
    lanes = constant(shape.width // item)
    whole = builder.sdiv(channels, lanes)
    done = builder.mul(whole, lanes)
    left = builder.sub(channels, done)
    partly = builder.zext(builder.icmp_signed(">", left, constant(0)), left.type)
    if shape.width == MASKED_WIDTH:
        return [(shape.width, True, builder.add(whole, partly), constant(0))]
    last = (shape.width, True, partly, done) if shape.masks else (item, False, left, done)
    return [(shape.width, False, whole, constant(0)), last]


@inner
def pass_over_rows(
    like: Any, code: int, channels: int, table: int, x: int, w: int, y: int, start: int
) -> None:
    """Make a pass over so many channels.

    `like` is a number of the elements' type, `code` what `pass_code` returns, and the others are addresses: `table` of
    the pass, x of the first place that is read, w of the first tap, y and `start` of the first row's first place.
    """
    _pass_over_rows(like, code, channels, table, x, w, y, start)


def pass_code(taps: tuple[int, int], *, correlates: bool) -> int:
    """Return the number of the function for passes with so many taps, below each other and side by side."""
    lines, columns = taps
    return (correlates * MOST_TAPS + lines - 1) * MOST_TAPS + columns - 1
