"""What is true or false in a formula, and where it counts as numbers."""

from __future__ import annotations

from specnet.graph.formulas.formula import Call, Name, Term
from specnet.graph.formulas.primitives import primitive


def is_truth(term: Term, truths: str) -> bool:
    """Whether a term is true or false; the inputs among `truths` are."""
    if isinstance(term, Call):
        return primitive(term.primitive).is_truth
    return isinstance(term, Name) and term.name in truths


def with_numbers(term: Term, truths: str) -> Term:
    """Return a term in which truth values are made numbers where an operation takes numbers."""
    if not isinstance(term, Call):
        return term
    operands = tuple(with_numbers(operand, truths) for operand in term.operands)
    if not primitive(term.primitive).takes_truth:
        operands = tuple(Call("number", (x,)) if is_truth(x, truths) else x for x in operands)
    return Call(term.primitive, operands)
