"""The code of a block of matrix products, in vectors.

The compiler would not keep the sums of a loop over several rows in registers, so the loop is written for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from specnet.engines.numba.vector_code import VectorCode, constant, function_of

AHEAD = 32
"""Rows of vectors from the one that is multiplied to the one that the cache is asked for: as many as are multiplied
while it comes from another core's cache. It may lie beyond the matrix, even where no memory is, which does no harm."""


@dataclass(frozen=True)
class BlockShape:
    """How large blocks are on a processor: as many sums as it has registers, but for those of the factors."""

    width: int
    """Bytes of a vector."""
    rows: int
    vectors: int
    masks: bool = True
    """Whether it reads and writes a part of a vector as fast as all of it."""


def block_shape(triple: str, features: str) -> BlockShape:
    """Return the shape of blocks for a processor, by LLVM's names."""
    has = set(features.split(","))
    if "+avx512f" in has:
        return BlockShape(64, 8, 3)
    if "+avx" in has:
        return BlockShape(32, 6, 2)
    if triple.startswith(("aarch64", "arm64")):
        return BlockShape(16, 8, 3, masks=False)
    return BlockShape(16, 6, 2, masks=False)


def block_function(module: Any, item: int, shape: BlockShape, vectors: int, *, masked: bool) -> Any:
    """Return the function for blocks of so many vectors, of which the last one may be `masked`."""
    name = f"specnet_block_{8 * item}_{shape.width}_{shape.rows}_{vectors}_{masked:d}"
    return function_of(
        module, name, 6, lambda made: _BlockWriter(made, item, shape, vectors, masked=masked).write()
    )


def dots_function(module: Any, item: int, shape: BlockShape) -> Any:
    """Return the function for inner products."""
    name = f"specnet_dots_{8 * item}_{shape.width}_{shape.rows}"
    return function_of(module, name, 6, lambda made: _DotsWriter(made, item, shape, 1, masked=True).write())


class _BlockWriter(VectorCode):
    """Writes the function for blocks of so many vectors."""

    def __init__(self, function: Any, item: int, shape: BlockShape, vectors: int, *, masked: bool) -> None:
        super().__init__(function, item, shape.width)
        self.rows, self.vectors, self.masked = shape.rows, vectors, masked

    def write(self) -> None:
        """Write it."""
        builder = self.builder
        last, steps, rows, y, bias, adds = self.function.args
        self._prepare(last, steps, rows)
        self.ahead = builder.mul(self.numbers[8], constant(AHEAD))
        start = self._given(bias, self._load, self.zeros)
        found = self._loop(0, constant(0), self.address(y), start * self.rows)
        out = self._addresses(rows, self.rows)
        with builder.if_else(builder.icmp_signed("!=", adds, constant(0))) as (then, otherwise):
            with then:
                # All are read before any is written, since rows may be the same.
                before = [vector for row in out for vector in self._load(row)]
                self._store(out, [builder.fadd(a, b) for a, b in zip(before, found, strict=True)])
            with otherwise:
                self._store(out, found)
        builder.ret_void()

    def _prepare(self, last: Any, steps: Any, rows: Any) -> None:
        """Read what the loops need."""
        self.mask = self.mask_of(last)
        self.numbers = [self.entry(steps, place) for place in range(9)]
        self.x = self._addresses(rows, 0)

    def _given(self, bias: Any, load: Callable[[Any], list[Any]], zero: Any) -> list[Any]:
        """Return what is loaded from an address, or zeros where that is 0."""
        builder = self.builder
        entry, biased, after = builder.block, self.new("biased"), self.new("unbiased")
        builder.cbranch(builder.icmp_signed("!=", bias, constant(0)), biased, after)
        builder.position_at_end(biased)
        loaded = load(self.address(bias))
        builder.branch(after)
        builder.position_at_end(after)
        return self.joined([(entry, [zero] * len(loaded)), (biased, loaded)])

    def _loop(self, level: int, x: Any, y: Any, sums: list[Any]) -> list[Any]:
        """Write the loop over a, b or c and what is within it; return what the sums are after it."""
        if level == 3:
            return self._multiply(x, y, sums)
        count, x_step, y_step = self.numbers[level::3]

        def body(states: list[Any]) -> list[Any]:
            x_here, y_here, *here = states
            new = self._loop(level + 1, x_here, y_here, here)
            return [self.builder.add(x_here, x_step), self.builder.gep(y_here, [y_step]), *new]

        return self.loop(count, [x, y, *sums], body)[2:]

    def _multiply(self, x: Any, y: Any, sums: list[Any]) -> list[Any]:
        """Write the products of a number of each row with each vector; return the sums with them."""
        builder, columns, new = self.builder, self._load(y), []
        for place in self._places(builder.gep(y, [self.ahead])):
            self.prefetch(place, writes=False)
        for row in range(self.rows):
            address = builder.bitcast(builder.gep(self.x[row], [x]), self.real.as_pointer())
            factor = self.spread(builder.load(address, align=self.item), self.vector)
            own = sums[row * self.vectors : (row + 1) * self.vectors]
            new += [self.plus(factor, column, number) for column, number in zip(columns, own, strict=True)]
        return new

    # Memory

    def _load(self, address: Any) -> list[Any]:
        """Return the vectors at an address; nothing beyond the last column is read."""
        return [
            self.read(place, mask) for place, mask in zip(self._places(address), self._masks(), strict=True)
        ]

    def _store(self, rows: list[Any], vectors: list[Any]) -> None:
        for number, row in enumerate(rows):
            own = vectors[number * self.vectors : (number + 1) * self.vectors]
            for vector, place, mask in zip(own, self._places(row), self._masks(), strict=True):
                self.put(vector, place, mask)

    def _masks(self) -> list[Any]:
        """Return the masks of a row's vectors."""
        return [None] * (self.vectors - 1) + [self.mask if self.masked else None]

    def _places(self, address: Any) -> list[Any]:
        """Return the addresses of the vectors from an address on."""
        offsets = [constant(number * self.lanes * self.item) for number in range(self.vectors)]
        return [self.builder.gep(address, [offset]) for offset in offsets]

    def _addresses(self, table: Any, first: int) -> list[Any]:
        return [self.address(self.entry(table, first + row)) for row in range(self.rows)]


class _DotsWriter(_BlockWriter):
    """Writes the function for inner products of rows with one vector, whose sums are added up at the end."""

    def write(self) -> None:
        """Write it."""
        builder = self.builder
        last, steps, rows, y, bias, self.whole = self.function.args
        self._prepare(last, steps, rows)
        real = self.real.as_pointer()
        (start,) = self._given(
            bias,
            lambda address: [builder.load(builder.bitcast(address, real), align=self.item)],
            ir.Constant(self.real, 0.0),
        )
        found = self._loop(0, constant(0), self.address(y), [self.zeros] * self.rows)
        kind = ir.FunctionType(self.real, [self.real, self.vector])
        add_up = self.llvm("vector.reduce.fadd", kind)
        for row, vector in zip(self._addresses(rows, self.rows), found, strict=True):
            total = builder.call(add_up, [start, vector], fastmath=("reassoc",))
            builder.store(total, builder.bitcast(row, real), align=self.item)
        builder.ret_void()

    def _loop(self, level: int, x: Any, y: Any, sums: list[Any]) -> list[Any]:
        if level < 2:
            return super()._loop(level, x, y, sums)
        width = constant(self.lanes * self.item)

        def body(states: list[Any]) -> list[Any]:
            x_here, y_here, *here = states
            new = self._add_vector(x_here, y_here, here, None)
            return [self.builder.add(x_here, width), self.builder.gep(y_here, [width]), *new]

        x_end, y_end, *so_far = self.loop(self.whole, [x, y, *sums], body, perhaps_none=True)
        return self._add_vector(x_end, y_end, so_far, self.mask)

    def _add_vector(self, x: Any, y: Any, sums: list[Any], mask: Any | None) -> list[Any]:
        """Write the products of a vector of each row with one of y; return the sums with them."""
        factor = self.read(y, mask)
        return [
            self.plus(self.read(self.builder.gep(row, [x]), mask), factor, number)
            for row, number in zip(self.x, sums, strict=True)
        ]
