"""Formulas as Python writes them, and the terms that they stand for."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from specnet.graph.formulas.primitives import primitive
from specnet.graph.record import LETTERS


@dataclass(frozen=True, slots=True)
class Name:
    """An input, an attribute, or what a line of the formula binds."""

    name: str

    @property
    def is_input(self) -> bool:
        """Whether it is an input of the op."""
        return len(self.name) == 1 and self.name in LETTERS


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    number: float


@dataclass(frozen=True, slots=True)
class Call:
    """A primitive over terms. Equal calls are one: what a formula says twice is computed once."""

    primitive: str
    operands: tuple[Term, ...]


Term = Name | Number | Call


@dataclass(frozen=True, slots=True)
class Formula:
    """The lines of a formula: names that it binds, and last, by no name, the result."""

    lines: Mapping[str, Term]

    @property
    def term(self) -> Term:
        """The result over inputs and attributes alone."""
        known: dict[str, Term] = {}
        for name, line in self.lines.items():
            known[name] = _put(line, known)
        return known[""]

    @property
    def operations(self) -> int:
        """How many operations it takes to compute it for one element."""
        return len(set(calls(self.term)))


def calls(term: Term) -> Iterator[Call]:
    """Return the calls in a term, each before what reads it, as often as it is read."""
    if isinstance(term, Call):
        for operand in term.operands:
            yield from calls(operand)
        yield term


def _put(term: Term, known: Mapping[str, Term]) -> Term:
    """Return a term with what names are bound to in their places."""
    if isinstance(term, Call):
        return Call(term.primitive, tuple(_put(operand, known) for operand in term.operands))
    return known.get(term.name, term) if isinstance(term, Name) else term


def is_truth(term: Term, truths: str) -> bool:
    """Whether a term is true or false; the inputs among `truths` are."""
    if isinstance(term, Call):
        return primitive(term.primitive).is_truth
    return isinstance(term, Name) and term.is_input and term.name in truths


def with_numbers(term: Term, truths: str) -> Term:
    """Return a term in which truth values are made numbers where an operation takes numbers."""
    if not isinstance(term, Call):
        return term
    operands = tuple(with_numbers(operand, truths) for operand in term.operands)
    if not primitive(term.primitive).takes_truth:
        operands = tuple(Call("number", (x,)) if is_truth(x, truths) else x for x in operands)
    return Call(term.primitive, operands)


@cache
def parse(text: str) -> Formula:
    """Return the formula that a text says, such as `max(a, 0) + log1p(exp(-abs(a)))`."""
    lines: dict[str, Term] = {}
    for line in ast.parse(text).body:
        match line:
            case ast.Assign(targets=[ast.Name(id=name)], value=tree):
                lines[name] = _term(tree)
            case ast.Expr(value=tree):
                lines[""] = _term(tree)
    return Formula(lines)


def _term(tree: ast.expr) -> Term:
    match tree:
        case ast.Constant(value=int() | float() as number):
            return Number(float(number))
        case ast.Name(id=name):
            return Name(name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return Number(-float(number))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Call("negative", (_term(operand),))
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=2)):
            return Call("square", (_term(left),))
        case ast.BinOp(left=left, op=sign, right=right):
            return Call(_SIGNS[type(sign)], (_term(left), _term(right)))
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            return Call(_SIGNS[type(sign)], (_term(left), _term(right)))
        case ast.Call(func=ast.Name(id=name), args=operands):
            return Call(_SHORT.get(name, name), tuple(map(_term, operands)))
    raise AssertionError(f"no formula says {ast.unparse(tree)}")


_SIGNS: dict[type[ast.operator | ast.cmpop], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.FloorDiv: "floor_divide",
    ast.Pow: "power",
    ast.Eq: "equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
}

_SHORT = {"abs": "absolute", "max": "maximum", "min": "minimum"}
"""What formulas call by Python's names."""
