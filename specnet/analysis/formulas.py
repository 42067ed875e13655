"""Formulas of a graph as a blackboard has them: with names, and with numbers in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from specnet.engines.numpy.printer import NumpyPrinter
from specnet.graph import ops
from specnet.graph.expressions import ATOM, PRODUCT, SUM, Expression, fill, literal
from specnet.graph.graph import Value
from specnet.graph.leaves import CONSTANT, scalar_of
from specnet.graph.ops.linear import MATMUL
from specnet.graph.record import LETTERS

Array = np.ndarray[Any, Any]
Place = tuple[int, ...]

TERMS = 8
"""Terms of a sum that are written out."""

SHOWN_TERMS = 3
"""Terms of a longer sum."""


class NoFormula(Exception):  # noqa: N818 (nothing went wrong: the numbers are only not written out)
    """An operation whose elements are not written as a formula of numbers."""


@dataclass(frozen=True, slots=True)
class Stated:
    """One line: a value, its name in the program, and the expression that computes it."""

    value: Value
    name: str
    text: str


@dataclass
class Lines(NumpyPrinter):
    """The lines of a graph, with the values that they are about."""

    stated: list[Stated] = field(default_factory=list)

    def state(self, value: Value, name: str) -> None:
        """Note the line that gives a value its name."""
        self.stated.append(Stated(value, name, self._computed(value).text))
        self.known[value.index] = name

    def template(self, value: Value) -> str:
        """Return the template of the expression that computes a value."""
        printed = value.op.printed if isinstance(value.op.printed, str) else value.op.printed(self, value)
        return printed or f"{value.op}({{inputs}})"


@dataclass
class Numbers:
    """Elements of a graph's values, written as formulas of the numbers that other values hold."""

    lines: Lines
    held: Mapping[int, Array]
    """The numbers of each value that has a name, or comes from outside, by its index."""
    rows: int
    """The size of the batch."""

    def element(self, value: Value, place: Place) -> str:
        """Return the formula of one element of a value; raises NoFormula."""
        return self._computed(value, place).text

    def _operand(self, value: Value, place: Place) -> Expression:
        if value.index in self.held:
            return literal(short(self.held[value.index][place]))
        return self._computed(value, place)

    def _computed(self, value: Value, place: Place) -> Expression:
        op = value.op
        if op is CONSTANT:
            known = scalar_of(value)
            assert known is not None
            return literal(short(known[0] * prod(self.rows**power for _, power in known[1])))
        if op is ops.expand:
            return self._operand(value.inputs[0], _within(value.inputs[0], place))
        if op is MATMUL and value.rank == 2:
            return self._product(value, place)
        if op is ops.reduce_sum:
            return self._sum(value, place)
        if op is ops.inner:
            return self._inner(value)
        if op is ops.take_along_axis:
            x, index = value.inputs
            if index.index in self.held:
                return self._operand(x, (*place, int(self.held[index.index][place])))
        if not op.elementwise:
            raise NoFormula
        return fill(self.lines.template(value), lambda name: self._field(value, place, name))

    def _field(self, value: Value, place: Place, name: str) -> Expression:
        first, _, rest = name.partition(".")
        if len(first) == 1:
            operand = value.inputs[LETTERS.index(first)]
            inner = _within(operand, place)
            return self._field(operand, inner, rest) if rest else self._operand(operand, inner)
        if name == "inputs":
            texts = [self._operand(each, _within(each, place)).text for each in value.inputs]
            return Expression(", ".join(texts), ATOM)
        if name == "rows":
            return literal(str(self.rows))
        if name in ("dtype", "shape"):
            raise NoFormula
        return literal(repr(value.attributes.named()[name]))

    def _product(self, value: Value, place: Place) -> Expression:
        a, b = value.inputs
        settings = MATMUL.of(value)
        count = self._size(a, 0 if settings.a_t else 1)
        row, column = place

        def term(k: int) -> str:
            left = self._operand(a, (k, row) if settings.a_t else (row, k))
            right = self._operand(b, (column, k) if settings.b_t else (k, column))
            return f"{_factor(left)} * {_factor(right)}"

        return _terms(term, count, PRODUCT)

    def _sum(self, value: Value, place: Place) -> Expression:
        (x,) = value.inputs
        axes = ops.reduce_sum.of(value).axes
        sizes = [self._size(x, axis) for axis in axes]
        kept = [axis for axis in range(x.rank) if axis not in axes]

        def term(k: int) -> str:
            at = dict(zip(kept, place, strict=True))
            at |= dict(zip(axes, map(int, np.unravel_index(k, sizes)), strict=True))
            return self._operand(x, tuple(at[axis] for axis in range(x.rank))).at(SUM)

        return _terms(term, prod(sizes), SUM)

    def _inner(self, value: Value) -> Expression:
        a, b = value.inputs
        shape = [self._size(a, axis) for axis in range(a.rank)]

        def term(k: int) -> str:
            at = tuple(map(int, np.unravel_index(k, shape)))
            left, right = self._operand(a, at), self._operand(b, at)
            return f"{_factor(left)}**2" if a is b else f"{_factor(left)} * {_factor(right)}"

        return _terms(term, prod(shape), PRODUCT)

    def _size(self, value: Value, axis: int) -> int:
        dim = value.shape[axis]
        return dim if isinstance(dim, int) else dim.at(self.rows)


def _terms(term: Any, count: int, binds: int) -> Expression:
    """Return a sum, its first terms alone where it is long."""
    if count == 1:
        return Expression(term(0), binds)
    shown = [term(k) for k in range(count if count <= TERMS else SHOWN_TERMS)]
    more = [] if count <= TERMS else [f"... ({count:,} terms)"]
    return Expression(" + ".join([*shown, *more]), SUM)


def _factor(factor: Expression) -> str:
    """Return a factor of a product; negative numbers stand in parentheses."""
    return f"({factor.text})" if factor.text.startswith("-") or factor.binds < ATOM else factor.text


def _within(operand: Value, place: Place) -> Place:
    """Return which element of an operand, which NumPy may broadcast, belongs to an element of the result."""
    own = place[len(place) - operand.rank :] if operand.rank else ()
    return tuple(0 if dim == 1 else at for dim, at in zip(operand.shape, own, strict=True))


def short(number: Any) -> str:
    """Return a number with four significant digits."""
    value = float(number)
    return str(int(value)) if value.is_integer() and abs(value) < 1e6 else f"{value:.4g}"


_NUMBER = r"\d[\d.]*(?:e[-+]?\d+)?"

_MATHS = (
    (r"\bnp\.", ""),
    (r"\bmaximum\(", "max("),
    (r"\bminimum\(", "min("),
    (r" @ ", "·"),
    (r" \* ", "·"),
    (r"\.m?T\b", "ᵀ"),
    (r"\*\*2\b", "²"),
    (r" ?\*\* ?", "^"),
    (r"\bsum\(([^(),]*), axis=0\)", r"Σ_rows \1"),
    (r"\bsum\(", "Σ("),
    (rf"·(-{_NUMBER})", r"·(\1)"),
    (rf"\+ -({_NUMBER})", r"- \1"),
    (rf"- (-{_NUMBER})", r"- (\1)"),
)


def maths(text: str, names: Mapping[str, str] | None = None) -> str:
    """Return an expression of NumPy as a blackboard has it, with other names in the place of some variables."""
    called = names or {}
    text = re.sub(r"(?<![\w.])[A-Za-z_]\w*", lambda found: called.get(found[0], found[0]), text)
    for pattern, new in _MATHS:
        text = re.sub(pattern, new, text)
    return text


def symbol(name: str) -> str:
    """Return what an array of the data is called: `x`, `y`, or of several `x_deep`."""
    for kind, symbol in (("inputs", "x"), ("targets", "y")):
        if name == kind or name.startswith(f"{kind}/"):
            return name.replace(kind, symbol, 1).replace("/", "_")
    return name
