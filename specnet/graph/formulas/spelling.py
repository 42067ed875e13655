"""Formulas as expressions of Python: over numbers, and as a person writes them in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from specnet.graph.expressions import ATOM, Expression, fill, literal
from specnet.graph.formulas.formula import OPERANDS, Name, Number, Term, parse
from specnet.graph.formulas.primitives import Primitive, primitive


@cache
def scalar(text: str) -> str:
    """Return a formula over Python's numbers, in which `{a}` is an input and `{name}` an attribute."""
    return _spell(parse(text).term, lambda row: row.scalar, repr, "{{{}}}").text


def _spell(
    term: Term, form: Callable[[Primitive], str], number: Callable[[float], str], name: str
) -> Expression:
    """Return a term in one of the forms of its primitives."""
    if isinstance(term, Number):
        return literal(number(term.number))
    if isinstance(term, Name):
        return Expression(name.format(term.name), ATOM)
    operands = {
        letter: _spell(x, form, number, name) for letter, x in zip(OPERANDS, term.operands, strict=False)
    }
    return fill(form(primitive(term.primitive)), operands.__getitem__)
