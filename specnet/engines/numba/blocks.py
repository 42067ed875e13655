"""The code of a block of matrix products, in vectors.

The compiler would not keep the sums of a loop over several rows in registers, so the loop is written for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba.core import cgutils

_I1, _I8, _I32, _I64, _VOID = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64), ir.VoidType()
_BYTES, _NUMBERS = _I8.as_pointer(), _I64.as_pointer()


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
    return _function_of(module, name, lambda made: _BlockWriter(made, item, shape, vectors, masked=masked))


def dots_function(module: Any, item: int, shape: BlockShape) -> Any:
    """Return the function for inner products."""
    name = f"specnet_dots_{8 * item}_{shape.width}_{shape.rows}"
    return _function_of(module, name, lambda made: _DotsWriter(made, item, shape, 1, masked=True))


def _function_of(module: Any, name: str, writer: Callable[[Any], _BlockWriter]) -> Any:
    """Return a module's function of a name, which is written where it is not there."""
    function = module.globals.get(name)
    if function is None:
        function = ir.Function(module, ir.FunctionType(_VOID, [_I64] * 6), name)
        # Where several compiled functions have it, one is kept.
        function.linkage = "linkonce_odr"
        for attribute in ("noinline", "nounwind", "optsize"):  # loops are not to be unrolled further
            function.attributes.add(attribute)
        writer(function).write()
    return function


class _BlockWriter:
    """Writes the function for blocks of so many vectors."""

    def __init__(self, function: Any, item: int, shape: BlockShape, vectors: int, *, masked: bool) -> None:
        self.function, self.builder = function, ir.IRBuilder(function.append_basic_block("entry"))
        self.item, self.rows, self.vectors, self.masked = item, shape.rows, vectors, masked
        self.lanes = shape.width // item
        self.real = ir.FloatType() if item == 4 else ir.DoubleType()
        self.vector, self.mask_kind = ir.VectorType(self.real, self.lanes), ir.VectorType(_I1, self.lanes)
        self.zeros = ir.Constant(self.vector, [0.0] * self.lanes)

    def write(self) -> None:
        """Write it."""
        builder = self.builder
        last, steps, rows, y, bias, adds = self.function.args
        self._prepare(last, steps, rows)
        start = self._given(bias, self._load, self.zeros)
        found = self._loop(0, constant(0), builder.inttoptr(y, _BYTES), start * self.rows)
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
        builder, whole = self.builder, ir.VectorType(_I32, self.lanes)
        places = ir.Constant(whole, list(range(self.lanes)))
        self.mask = builder.icmp_signed("<", places, self._spread(builder.trunc(last, _I32), whole))
        self.numbers = [self._entry(steps, place) for place in range(9)]
        self.x = self._addresses(rows, 0)

    def _given(self, bias: Any, load: Callable[[Any], list[Any]], zero: Any) -> list[Any]:
        """Return what is loaded from an address, or zeros where that is 0."""
        builder = self.builder
        entry, biased, after = builder.block, self._new("biased"), self._new("unbiased")
        builder.cbranch(builder.icmp_signed("!=", bias, constant(0)), biased, after)
        builder.position_at_end(biased)
        loaded = load(builder.inttoptr(bias, _BYTES))
        builder.branch(after)
        builder.position_at_end(after)
        found = [builder.phi(zero.type) for _ in loaded]
        for state, number in zip(found, loaded, strict=True):
            state.add_incoming(zero, entry)
            state.add_incoming(number, biased)
        return found

    def _loop(self, level: int, x: Any, y: Any, sums: list[Any]) -> list[Any]:
        """Write the loop over a, b or c and what is within it; return what the sums are after it."""
        if level == 3:
            return self._multiply(x, y, sums)
        builder = self.builder
        count, x_step, y_step = self.numbers[level::3]
        before, body, after = builder.block, self._new(f"loop_{level}"), self._new(f"after_{level}")
        builder.branch(body)
        builder.position_at_end(body)
        start = [count, x, y, *sums]
        states = [builder.phi(value.type) for value in start]
        left, x_here, y_here, *here = states
        new = self._loop(level + 1, x_here, y_here, here)
        fewer = builder.sub(left, constant(1))
        following = [fewer, builder.add(x_here, x_step), builder.gep(y_here, [y_step]), *new]
        for state, first, value in zip(states, start, following, strict=True):
            state.add_incoming(first, before)
            state.add_incoming(value, builder.block)
        builder.cbranch(builder.icmp_signed(">", fewer, constant(0)), body, after)
        builder.position_at_end(after)
        return new

    def _multiply(self, x: Any, y: Any, sums: list[Any]) -> list[Any]:
        """Write the products of a number of each row with each vector; return the sums with them."""
        builder, columns, new = self.builder, self._load(y), []
        for row in range(self.rows):
            address = builder.bitcast(builder.gep(self.x[row], [x]), self.real.as_pointer())
            factor = self._spread(builder.load(address, align=self.item), self.vector)
            own = sums[row * self.vectors : (row + 1) * self.vectors]
            new += [self._plus(factor, column, number) for column, number in zip(columns, own, strict=True)]
        return new

    def _plus(self, a: Any, b: Any, number: Any) -> Any:
        """Return a * b + number; a processor without fused products rounds twice."""
        multiply = self._function("fmuladd", ir.FunctionType(self.vector, [self.vector] * 3))
        return self.builder.call(multiply, [a, b, number])

    # Memory

    def _load(self, address: Any) -> list[Any]:
        """Return the vectors at an address; nothing beyond the last column is read."""
        *before, last = self._places(address)
        found = [self.builder.load(place, align=self.item) for place in before]
        if not self.masked:
            return [*found, self.builder.load(last, align=self.item)]
        return [*found, self._load_masked(last)]

    def _load_masked(self, place: Any) -> Any:
        kind = ir.FunctionType(self.vector, [place.type, _I32, self.mask_kind, self.vector])
        given = [place, ir.Constant(_I32, self.item), self.mask, self.zeros]
        return self.builder.call(self._function("masked.load", kind, ".p0"), given)

    def _store(self, rows: list[Any], vectors: list[Any]) -> None:
        for number, row in enumerate(rows):
            *own, tail = vectors[number * self.vectors : (number + 1) * self.vectors]
            *places, last = self._places(row)
            for vector, place in zip(own, places, strict=True):
                self.builder.store(vector, place, align=self.item)
            if self.masked:
                kind = ir.FunctionType(_VOID, [self.vector, last.type, _I32, self.mask_kind])
                given = [tail, last, ir.Constant(_I32, self.item), self.mask]
                self.builder.call(self._function("masked.store", kind, ".p0"), given)
            else:
                self.builder.store(tail, last, align=self.item)

    def _places(self, address: Any) -> list[Any]:
        """Return the addresses of the vectors from an address on."""
        offsets = [constant(number * self.lanes * self.item) for number in range(self.vectors)]
        kind = self.vector.as_pointer()
        return [self.builder.bitcast(self.builder.gep(address, [offset]), kind) for offset in offsets]

    def _entry(self, table: Any, place: int) -> Any:
        pointer = self.builder.inttoptr(table, _NUMBERS)
        return self.builder.load(self.builder.gep(pointer, [constant(place)]))

    def _addresses(self, table: Any, first: int) -> list[Any]:
        return [self.builder.inttoptr(self._entry(table, first + row), _BYTES) for row in range(self.rows)]

    # Code

    def _new(self, name: str) -> Any:
        return self.function.append_basic_block(name)

    def _spread(self, number: Any, kind: Any) -> Any:
        """Return a vector with the same number everywhere."""
        none, first = ir.Constant(kind, ir.Undefined), ir.Constant(_I32, 0)
        one = self.builder.insert_element(none, number, first)
        return self.builder.shuffle_vector(
            one, none, ir.Constant(ir.VectorType(_I32, self.lanes), [first] * self.lanes)
        )

    def _function(self, name: str, kind: Any, ending: str = "") -> Any:
        """Return one of LLVM's functions of vectors."""
        full = f"llvm.{name}.v{self.lanes}f{8 * self.item}{ending}"
        return cgutils.get_or_insert_function(self.function.module, kind, full)


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
        found = self._loop(0, constant(0), builder.inttoptr(y, _BYTES), [self.zeros] * self.rows)
        kind = ir.FunctionType(self.real, [self.real, self.vector])
        add_up = self._function("vector.reduce.fadd", kind)
        for row, vector in zip(self._addresses(rows, self.rows), found, strict=True):
            total = builder.call(add_up, [start, vector], fastmath=("reassoc",))
            builder.store(total, builder.bitcast(row, real), align=self.item)
        builder.ret_void()

    def _loop(self, level: int, x: Any, y: Any, sums: list[Any]) -> list[Any]:
        if level < 2:
            return super()._loop(level, x, y, sums)
        builder, width = self.builder, constant(self.lanes * self.item)
        before, body, after = builder.block, self._new("whole"), self._new("rest")
        builder.cbranch(builder.icmp_signed(">", self.whole, constant(0)), body, after)
        builder.position_at_end(body)
        start = [self.whole, x, y, *sums]
        states = [builder.phi(value.type) for value in start]
        left, x_here, y_here, *here = states
        new = self._add_vector(x_here, y_here, here, lambda place: builder.load(place, align=self.item))
        fewer = builder.sub(left, constant(1))
        following = [fewer, builder.add(x_here, width), builder.gep(y_here, [width]), *new]
        for state, first, value in zip(states, start, following, strict=True):
            state.add_incoming(first, before)
            state.add_incoming(value, body)
        builder.cbranch(builder.icmp_signed(">", fewer, constant(0)), body, after)
        builder.position_at_end(after)
        ends = [builder.phi(value.type) for value in start[1:]]
        for end, first, value in zip(ends, start[1:], following[1:], strict=True):
            end.add_incoming(first, before)
            end.add_incoming(value, body)
        x_end, y_end, *so_far = ends
        return self._add_vector(x_end, y_end, so_far, self._load_masked)

    def _add_vector(self, x: Any, y: Any, sums: list[Any], load: Callable[[Any], Any]) -> list[Any]:
        """Write the products of a vector of each row with one of y; return the sums with them."""
        (place,) = self._places(y)
        factor, new = load(place), []
        for row, number in zip(self.x, sums, strict=True):
            (place,) = self._places(self.builder.gep(row, [x]))
            new.append(self._plus(load(place), factor, number))
        return new


def constant(value: int) -> Any:
    """Return a constant of 64 bits."""
    return ir.Constant(_I64, value)
