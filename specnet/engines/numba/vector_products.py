"""Products of a vector and a matrix, which read the matrix once and in the order in which it lies.

What is added up for the columns of a matrix stays in the processor's registers, as long as there are enough of them.
The matrix is then read at the speed of the cache that it lies in. Of a wider one only a part of each row could be read
at once, which takes as long as four rows at once whose sums are in memory, see `matrices`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from specnet.engines.numba.blocks import BlockShape
from specnet.engines.numba.compiling import inner
from specnet.engines.numba.vector_code import VectorCode, constant, function_of
from specnet.engines.numba.vectors import bytes_of, shape_for


def most_vectors(shape: BlockShape) -> int:
    """Return how many vectors a row of a matrix may have, which is a power of 2."""
    return 16 if shape.rows * shape.vectors > 16 else 8


class _VectorProductWriter(VectorCode):
    """Writes the function for rows of so many vectors, of which the last one may be `masked`."""

    def __init__(self, function: Any, item: int, shape: BlockShape, vectors: int, *, masked: bool) -> None:
        super().__init__(function, item, shape.width)
        self.vectors, self.masked = vectors, masked
        self.ways = max(1, most_vectors(shape) // vectors)
        """Rows that are added up side by side, since each sum waits for the one before."""

    def write(self) -> None:
        """Write it."""
        builder = self.builder
        last, count, x, self.x_step, w, self.w_step, out = self.function.args
        mask = self.mask_of(last) if self.masked else None
        self.masks = [None] * (self.vectors - 1) + [mask]
        several = builder.sdiv(count, constant(self.ways))
        start = [self.address(x), self.address(w), *[self.zeros] * (self.ways * self.vectors)]
        states = self.loop(several, start, lambda states: self._rows(states, self.ways), perhaps_none=True)
        if self.ways > 1:
            rest = builder.sub(count, builder.mul(several, constant(self.ways)))
            states = self.loop(rest, states, lambda states: self._rows(states, 1), perhaps_none=True)
        sums = states[2:]
        while len(sums) > self.vectors:
            middle = (len(sums) // self.vectors + 1) // 2 * self.vectors
            pairs = zip(sums, sums[middle:], strict=False)
            sums = [*(builder.fadd(a, b) for a, b in pairs), *sums[len(sums) - middle : middle]]
        for vector, place, of in zip(sums, self._places(self.address(out)), self.masks, strict=True):
            self.put(vector, place, of)
        builder.ret_void()

    def _rows(self, states: list[Any], count: int) -> list[Any]:
        """Write the products of so many rows; return the next addresses, and the sums with them."""
        builder = self.builder
        x, w, *sums = states
        for way in range(count):
            factor = builder.load(builder.bitcast(x, self.real.as_pointer()), align=self.item)
            spread = self.spread(factor, self.vector)
            for number, (place, mask) in enumerate(zip(self._places(w), self.masks, strict=True)):
                at = way * self.vectors + number
                sums[at] = self.plus(spread, self.read(place, mask), sums[at])
            x, w = builder.gep(x, [self.x_step]), builder.gep(w, [self.w_step])
        return [x, w, *sums]

    def _places(self, address: Any) -> list[Any]:
        """Return the addresses of the vectors from an address on."""
        offsets = (constant(number * self.lanes * self.item) for number in range(self.vectors))
        return [self.builder.gep(address, [offset]) for offset in offsets]


@intrinsic  # type: ignore[untyped-decorator]
def _multiply_vector(
    typing_context: Any,  # noqa: ARG001  numba reads the names
    like: Any,
    columns: Any,  # noqa: ARG001
    count: Any,  # noqa: ARG001
    x: Any,  # noqa: ARG001
    x_step: Any,  # noqa: ARG001
    w: Any,  # noqa: ARG001
    w_step: Any,  # noqa: ARG001
    out: Any,  # noqa: ARG001
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        shape, item = shape_for(context), like.bitwidth // 8
        _, columns, *given = arguments
        lanes = constant(shape.width // item)
        vectors = builder.sdiv(builder.add(columns, builder.sub(lanes, constant(1))), lanes)
        last = builder.sub(columns, builder.mul(builder.sub(vectors, constant(1)), lanes))
        whole = builder.zext(builder.icmp_signed("==", last, lanes), ir.IntType(64))
        after = builder.append_basic_block("after")
        switch = builder.switch(builder.add(builder.mul(vectors, constant(2)), whole), after)
        for case in range(2, 2 * most_vectors(shape) + 2):
            count, is_whole = divmod(case, 2)
            with builder.goto_block(builder.append_basic_block(f"case_{case}")):
                switch.add_case(constant(case), builder.block)
                function = _function(builder.module, item, shape, count, masked=not is_whole)
                builder.call(function, [last, *given])
                builder.branch(after)
        builder.position_at_end(after)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 7), generate


@intrinsic  # type: ignore[untyped-decorator]
def _most_columns(typing_context: Any, like: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        shape = shape_for(context)
        return constant(most_vectors(shape) * shape.width * 8 // like.bitwidth)

    return types.int64(like), generate


def _function(module: Any, item: int, shape: BlockShape, vectors: int, *, masked: bool) -> Any:
    name = f"specnet_vector_{8 * item}_{shape.width}_{vectors}_{masked:d}"
    return function_of(
        module, name, 7, lambda made: _VectorProductWriter(made, item, shape, vectors, masked=masked).write()
    )


@inner
def multiply_vector(
    like: Any, columns: int, count: int, x: int, x_step: int, w: int, w_step: int, out: int
) -> None:
    """Write the product of `count` numbers and as many rows of a matrix, as many columns at a time as there are sums.

    `like` is a number of the elements' type; x, w and `out` are addresses, and the steps the bytes from each number and
    from each row to the next. There may be no numbers.
    """
    item, most = bytes_of(like), _most_columns(like)
    for first in range(0, columns, most):
        skipped = first * item
        _multiply_vector(
            like, min(most, columns - first), count, x, x_step, w + skipped, w_step, out + skipped
        )
