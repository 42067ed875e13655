"""Code that is written in vectors of a processor's length, where the compiler would not keep sums in registers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

I1, I8, I32, I64, VOID = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64), ir.VoidType()
BYTES = I8.as_pointer()


def constant(value: int) -> Any:
    """Return a constant of 64 bits."""
    return ir.Constant(I64, value)


def function_of(module: Any, name: str, arguments: int, write: Callable[[Any], None]) -> Any:
    """Return a module's function of a name and of so many integers, which is written where it is not there."""
    function = module.globals.get(name)
    if function is None:
        function = ir.Function(module, ir.FunctionType(VOID, [I64] * arguments), name)
        # Where several compiled functions have it, one is kept.
        function.linkage = "linkonce_odr"
        for attribute in ("noinline", "nounwind", "optsize"):  # loops are not to be unrolled further
            function.attributes.add(attribute)
        write(function)
    return function


class VectorCode:
    """Writes a function over vectors of so many bytes, of numbers of `item` bytes each."""

    def __init__(self, function: Any, item: int, width: int) -> None:
        self.function, self.builder = function, ir.IRBuilder(function.append_basic_block("entry"))
        self.item, self.lanes = item, width // item
        self.real = ir.FloatType() if item == 4 else ir.DoubleType()
        self.vector, self.mask_kind = ir.VectorType(self.real, self.lanes), ir.VectorType(I1, self.lanes)
        self.zeros = ir.Constant(self.vector, [0.0] * self.lanes)

    def mask_of(self, count: Any) -> Any:
        """Return the mask of a vector's first numbers."""
        kind = ir.VectorType(I32, self.lanes)
        places = ir.Constant(kind, list(range(self.lanes)))
        return self.builder.icmp_signed("<", places, self.spread(self.builder.trunc(count, I32), kind))

    def loop(
        self,
        count: Any,
        start: Sequence[Any],
        body: Callable[[list[Any]], list[Any]],
        *,
        perhaps_none: bool = False,
    ) -> list[Any]:
        """Write a loop; return its states after it, which `body` makes of those before.

        The count is 1 at least, or else 0 at least.
        """
        builder = self.builder
        before, block, after = builder.block, self.new("loop"), self.new("after")
        if perhaps_none:
            builder.cbranch(builder.icmp_signed(">", count, constant(0)), block, after)
        else:
            builder.branch(block)
        builder.position_at_end(block)
        left, *states = (builder.phi(value.type) for value in (count, *start))
        new = body(states)
        fewer, end = builder.sub(left, constant(1)), builder.block
        for state, first, value in zip((left, *states), (count, *start), (fewer, *new), strict=True):
            state.add_incoming(first, before)
            state.add_incoming(value, end)
        builder.cbranch(builder.icmp_signed(">", fewer, constant(0)), block, after)
        builder.position_at_end(after)
        return self.joined([(before, start), (end, new)]) if perhaps_none else new

    def joined(self, ways: Sequence[tuple[Any, Sequence[Any]]]) -> list[Any]:
        """Return values that depend on from which block a block is reached."""
        found = [self.builder.phi(value.type) for value in ways[0][1]]
        for block, values in ways:
            for state, value in zip(found, values, strict=True):
                state.add_incoming(value, block)
        return found

    def plus(self, a: Any, b: Any, number: Any) -> Any:
        """Return a * b + number; a processor without fused products rounds twice."""
        return self.builder.call(
            self.llvm("fmuladd", ir.FunctionType(self.vector, [self.vector] * 3)), [a, b, number]
        )

    def spread(self, number: Any, kind: Any) -> Any:
        """Return a vector with the same number everywhere."""
        none, first = ir.Constant(kind, ir.Undefined), ir.Constant(I32, 0)
        one = self.builder.insert_element(none, number, first)
        return self.builder.shuffle_vector(
            one, none, ir.Constant(ir.VectorType(I32, self.lanes), [first] * self.lanes)
        )

    def read(self, address: Any, mask: Any | None) -> Any:
        """Return the vector at an address, without what a mask leaves out."""
        place = self.builder.bitcast(address, self.vector.as_pointer())
        if mask is None:
            return self.builder.load(place, align=self.item)
        kind = ir.FunctionType(self.vector, [place.type, I32, self.mask_kind, self.vector])
        given = [place, ir.Constant(I32, self.item), mask, self.zeros]
        return self.builder.call(self.llvm("masked.load", kind, ".p0"), given)

    def put(self, vector: Any, address: Any, mask: Any | None) -> None:
        """Write a vector to an address, without what a mask leaves out."""
        place = self.builder.bitcast(address, self.vector.as_pointer())
        if mask is None:
            self.builder.store(vector, place, align=self.item)
            return
        kind = ir.FunctionType(VOID, [self.vector, place.type, I32, self.mask_kind])
        given = [vector, place, ir.Constant(I32, self.item), mask]
        self.builder.call(self.llvm("masked.store", kind, ".p0"), given)

    def prefetch(self, address: Any, *, writes: bool) -> None:
        """Fetch what lies at an address, if anything does, which is to be read or written soon."""
        function = cgutils.get_or_insert_function(
            self.function.module, ir.FunctionType(VOID, [BYTES, I32, I32, I32]), "llvm.prefetch.p0"
        )
        self.builder.call(function, [address, *(ir.Constant(I32, number) for number in (int(writes), 3, 1))])

    def entry(self, table: Any, place: int) -> Any:
        """Return a number of a table, whose address is an integer."""
        pointer = self.builder.inttoptr(table, I64.as_pointer())
        return self.builder.load(self.builder.gep(pointer, [constant(place)]))

    def address(self, integer: Any) -> Any:
        """Return an integer as an address."""
        return self.builder.inttoptr(integer, BYTES)

    def new(self, name: str) -> Any:
        """Return a new block of statements."""
        return self.function.append_basic_block(name)

    def llvm(self, name: str, kind: Any, ending: str = "") -> Any:
        """Return one of LLVM's functions of vectors."""
        full = f"llvm.{name}.v{self.lanes}f{8 * self.item}{ending}"
        return cgutils.get_or_insert_function(self.function.module, kind, full)
