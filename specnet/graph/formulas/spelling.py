"""Formulas as expressions of Python, as functions of the readable program, and as operators of ONNX."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from specnet.graph.expressions import ATOM, SUM, Expression, fill, literal
from specnet.graph.formulas.formula import Call, Name, Number, Term, calls, parse, with_numbers
from specnet.graph.formulas.primitives import Primitive, primitive
from specnet.graph.record import LETTERS

SHORT = 3
"""Operations of a formula that stands where it is used; a longer one is a function."""


@cache
def scalar(text: str) -> str:
    """Return a formula over Python's numbers, in which `{a}` is an input and `{name}` an attribute."""
    return _spell(parse(text).term, lambda row: row.scalar, repr, "{{{}}}".format).text


@cache
def printed(text: str, *, arrays: bool = True) -> str:
    """Return the template of a formula as a person writes it; nothing for one that is a function of its own."""
    formula = parse(text)
    if not arrays:
        return _spell(formula.term, lambda row: row.printed_of_numbers, _shortly, "{{{}}}".format).text
    if _is_long(text):
        return ""
    return _spell(formula.term, lambda row: row.printed, _shortly, "{{{}}}".format).text


@cache
def helper(name: str, text: str, *, overflows: bool = False) -> tuple[str, ...]:
    """Return the function that computes a long formula; where it `overflows` it does so silently."""
    if not _is_long(text):
        return ()
    lines = parse(text).lines
    names = dict.fromkeys(x for line in lines.values() for x in _names(line) if x.name not in lines)
    inputs = sorted(x.name for x in names if x.is_input)
    called = {"a": "x"} if len(inputs) == 1 else {}
    arguments = [*(called.get(x, x) for x in inputs), *(x.name for x in names if not x.is_input)]
    body = []
    for bound, line in lines.items():
        expression = _spell(line, lambda row: row.printed, _shortly, lambda x: called.get(x, x)).text
        body.append(f"{bound} = {expression}" if bound else f"return {expression}")
    if overflows:
        body = ['with np.errstate(over="ignore"):', *(f"    {line}" for line in body)]
    return ("\n    ".join([f"def {name}({', '.join(arguments)}):", *body]),)


@cache
def onnx(text: str, truths: str = "") -> str:
    """Return a formula as operators of ONNX; the inputs among `truths` hold truth values."""
    term = with_numbers(parse(text).term, truths)
    made = list(calls(term))
    lines: list[str] = []
    known: dict[Term, str] = {}
    for call in dict.fromkeys(made):
        operands = zip(LETTERS, call.operands, strict=False)
        known[call] = primitive(call.primitive).onnx.format(
            **{letter: _operand(x, known) for letter, x in operands}
        )
        if made.count(call) > 1:
            lines.append(f"shared{len(lines)} = {known[call]}")
            known[call] = f"shared{len(lines) - 1}"
    return "\n".join([*lines, known[term]])


def _operand(term: Term, known: dict[Term, str]) -> str:
    if isinstance(term, Number):
        return repr(term.number)
    if isinstance(term, Name):
        return term.name if term.is_input else f"{{{term.name}}}"
    return known[term]


def _is_long(text: str) -> bool:
    formula = parse(text)
    return len(formula.lines) > 1 or formula.operations > SHORT


def _names(term: Term) -> list[Name]:
    if isinstance(term, Call):
        return [name for operand in term.operands for name in _names(operand)]
    return [term] if isinstance(term, Name) else []


def _shortly(number: float) -> str:
    return repr(int(number)) if number.is_integer() else repr(number)


def _spell(
    term: Term, form: Callable[[Primitive], str], number: Callable[[float], str], name: Callable[[str], str]
) -> Expression:
    """Return a term in one of the forms of its primitives."""
    if isinstance(term, Number):
        return literal(number(term.number))
    if isinstance(term, Name):
        return Expression(name(term.name), ATOM)
    spelt = [_spell(operand, form, number, name) for operand in term.operands]
    if term.primitive == "add" and spelt[1].binds == SUM:
        spelt[1] = Expression(f"({spelt[1].text})", ATOM)  # sums are rounded in their order
    operands = dict(zip(LETTERS, spelt, strict=False))
    return fill(form(primitive(term.primitive)), operands.__getitem__)
