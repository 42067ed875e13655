"""The code of one pass over a matrix, column by column: sums over its rows, or a matrix that is made of it.

What belongs to a column, its sums or what it is multiplied with, stays in registers while the pass goes down the rows,
for up to eight vectors of columns at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from specnet.engines.numba.vector_code import VectorCode, constant, function_of

Formula = Callable[[VectorCode, Sequence[Any], Sequence[Any]], list[Any]]


@dataclass(frozen=True)
class ColumnPass:
    """What a pass reads of each row, and what it makes of it: a matrix, or sums to which it adds."""

    name: str
    reads: int
    """Matrices."""
    formula: Formula
    """What becomes of a vector of each, and of what belongs to its columns: a result, or the sums with it."""
    sums: int = 0
    """How many of what belongs to columns are sums: the first ones."""
    given: int = 0
    """How many are not."""


def _sums(code: VectorCode, read: Sequence[Any], own: Sequence[Any]) -> list[Any]:
    return [code.builder.fadd(own[0], read[0])]


def _squares(code: VectorCode, read: Sequence[Any], own: Sequence[Any]) -> list[Any]:
    total, mean = own
    apart = code.builder.fsub(read[0], mean)
    return [code.plus(apart, apart, total)]


def _with_products(code: VectorCode, read: Sequence[Any], own: Sequence[Any]) -> list[Any]:
    (x, y), (total, product) = read, own
    return [code.builder.fadd(total, x), code.plus(x, y, product)]


def _with_products_of_rest(code: VectorCode, read: Sequence[Any], own: Sequence[Any]) -> list[Any]:
    (x, y), (total, product, mean) = read, own
    return [code.builder.fadd(total, x), code.plus(x, code.builder.fsub(y, mean), product)]


def _normalised(code: VectorCode, read: Sequence[Any], own: Sequence[Any]) -> list[Any]:
    mean, root = own
    return [code.builder.fmul(code.builder.fsub(read[0], mean), root)]


def _scaled(code: VectorCode, read: Sequence[Any], own: Sequence[Any]) -> list[Any]:
    factor, more = own
    return [code.plus(read[0], factor, more)]


def _combined(code: VectorCode, read: Sequence[Any], own: Sequence[Any]) -> list[Any]:
    (x, y), (by_x, by_y, more) = read, own
    return [code.plus(x, by_x, code.plus(y, by_y, more))]


SUMS = ColumnPass("sums", 1, _sums, sums=1)
SQUARES = ColumnPass("squares", 1, _squares, sums=1, given=1)
PRODUCTS = ColumnPass("products", 2, _with_products, sums=2)
PRODUCTS_OF_REST = ColumnPass("products_of_rest", 2, _with_products_of_rest, sums=2, given=1)
NORMALISED = ColumnPass("normalised", 1, _normalised, given=2)
SCALED = ColumnPass("scaled", 1, _scaled, given=2)
COMBINED = ColumnPass("combined", 2, _combined, given=3)


def column_function(module: Any, item: int, width: int, of: ColumnPass, *, masked: bool) -> Any:
    """Return the function for passes with vectors of so many bytes; columns that fill no vector need it `masked`.

    Its arguments are how many rows and columns there are, the bytes from row to row, and addresses: of two matrices
    that it may read and one that it may write, and of three rows of what belongs to columns.
    """
    name = f"specnet_columns_{of.name}_{8 * item}_{width}_{masked:d}"
    return function_of(
        module, name, 9, lambda made: _ColumnCode(made, item, width, of, masked=masked).write()
    )


class _ColumnCode(VectorCode):
    def __init__(self, function: Any, item: int, width: int, of: ColumnPass, *, masked: bool) -> None:
        super().__init__(function, item, width)
        self.of, self.masked, self.width = of, masked, width
        self.rows, self.count, self.step, *places = function.args
        self.places = list(map(self.address, places))

    def write(self) -> None:
        """Write it."""
        builder = self.builder
        most = 8 if self.width == 64 else 4
        per_pass = constant(most * self.lanes)
        whole = builder.sdiv(self.count, per_pass)
        left = builder.sub(self.count, builder.mul(whole, per_pass))
        places = self.loop(whole, self.places, partial(self._vectors, most), perhaps_none=True)
        while most > 1:
            most //= 2
            there = builder.icmp_signed(">=", left, constant(most * self.lanes))
            count = builder.zext(there, left.type)
            places = self.loop(count, places, partial(self._vectors, most), perhaps_none=True)
            left = builder.sub(left, builder.mul(count, constant(most * self.lanes)))
        if self.masked:
            with builder.if_then(builder.icmp_signed(">", left, constant(0))):
                self._vectors(1, places, self.mask_of(left))
        builder.ret_void()

    def _vectors(self, count: int, places: list[Any], mask: Any | None = None) -> list[Any]:
        """Write a pass over so many vectors of columns; return the addresses of the next ones."""
        *matrices, a, b, c = places
        of, apart = self.of, [constant(self.width * number) for number in range(count)]
        owned = [[self.builder.gep(address, [place]) for place in apart] for address in (a, b, c)]
        held = [[self.read(place, mask) for place in own] for own in owned[: of.sums + of.given]]

        def row(states: list[Any]) -> list[Any]:
            x, y, out, *rest = states
            sums, new = [rest[n * count : (n + 1) * count] for n in range(of.sums)], []
            for number, place in enumerate(apart):
                read = [self.read(self.builder.gep(each, [place]), mask) for each in (x, y)[: of.reads]]
                own = [vectors[number] for vectors in (*sums, *held[of.sums :])]
                found = of.formula(self, read, own)
                if of.sums == 0:
                    self.put(found[0], self.builder.gep(out, [place]), mask)
                new.append(found)
            following = [self.builder.gep(each, [self.step]) for each in (x, y, out)]
            return [*following, *(found[n] for n in range(of.sums) for found in new)]

        start = [*matrices, *(vector for vectors in held[: of.sums] for vector in vectors)]
        _, _, _, *sums = self.loop(self.rows, start, row, perhaps_none=True)
        for place, vector in zip((place for own in owned[: of.sums] for place in own), sums, strict=True):
            self.put(vector, place, mask)
        return [self.builder.gep(place, [constant(count * self.width)]) for place in places]
