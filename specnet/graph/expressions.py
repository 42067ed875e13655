"""Expressions of Python as text, put together from templates with the parentheses that are needed."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

ANY, COMPARED, SUM, PRODUCT, UNARY, POWER, ATOM = range(7)
"""How tightly an expression binds, by its outermost operator."""

FIELD = re.compile(r"\{([a-z_]+(?:\.[a-z])*)\}")
"""Where a template has a field: `{a}` and `{axis}`, or `{a.b}`, the second operand of the first."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression, and how tightly its outermost operator binds."""

    text: str
    binds: int

    def at(self, minimum: int) -> str:
        """Return it in parentheses where its place needs a tighter binding."""
        return self.text if self.binds >= minimum else f"({self.text})"

    @property
    def negated(self) -> bool:
        """Whether it begins with a minus sign that belongs to all of it."""
        return self.text.startswith("-") and self.binds >= PRODUCT


@dataclass(frozen=True, slots=True)
class Template:
    """A template, parsed."""

    texts: tuple[str, ...]
    """What stands before, between and behind the fields."""
    fields: tuple[tuple[str, int], ...]
    """Each field, and how tightly its place binds."""
    binds: int


def fill(template: str, operand: Callable[[str], Expression]) -> Expression:
    """Return a template as an expression, with the operands that `operand` gives for its fields.

    Operands stand in parentheses where their places need them. A sum of two fields has no two signs in a row.
    """
    parsed = _parse(template)
    operands = [(operand(name), minimum) for name, minimum in parsed.fields]
    if parsed.texts == ("", ""):
        return operands[0][0]
    if parsed.texts in (("", " + ", ""), ("", " - ", "")):
        return _sum(parsed.texts[1].strip(), *(each for each, _ in operands))
    texts = [text + each.at(minimum) for text, (each, minimum) in zip(parsed.texts, operands, strict=False)]
    return Expression("".join([*texts, parsed.texts[-1]]), parsed.binds)


def literal(text: str) -> Expression:
    """Return a number, or a tuple of some, as an expression."""
    return Expression(text, UNARY if text.startswith("-") else ATOM)


def _sum(sign: str, left: Expression, right: Expression) -> Expression:
    if right.negated:
        return Expression(f"{left.at(SUM)} {'-' if sign == '+' else '+'} {right.text[1:]}", SUM)
    if sign == "+" and left.negated:
        return Expression(f"{right.at(SUM)} - {left.text[1:]}", SUM)
    return Expression(f"{left.at(SUM)} {sign} {right.at(SUM if sign == '+' else PRODUCT)}", SUM)


@cache
def _parse(template: str) -> Template:
    pieces = FIELD.split(template)
    texts, names = pieces[::2], pieces[1::2]
    stand_ins = [f"field_{number}_" for number in range(len(names))]
    source = "".join(f"{text}{name}" for text, name in zip(texts, [*stand_ins, ""], strict=True))
    tree = ast.parse(source, mode="eval").body
    places = {
        part.id: _place(parent, part)
        for parent in ast.walk(tree)
        for part in ast.iter_child_nodes(parent)
        if isinstance(part, ast.Name)
    }
    fields = [(name, places.get(stand_in, ANY)) for name, stand_in in zip(names, stand_ins, strict=True)]
    return Template(tuple(texts), tuple(fields), ATOM if tree.col_offset else _binds(tree))


def _binds(tree: ast.AST) -> int:
    """Return how tightly an expression binds."""
    match tree:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return SUM
        case ast.BinOp(op=ast.Pow()):
            return POWER
        case ast.BinOp():
            return PRODUCT
        case ast.UnaryOp(op=ast.USub()):
            return UNARY
        case ast.Compare():
            return COMPARED
        case ast.IfExp() | ast.BoolOp() | ast.Lambda():
            return ANY
    return ATOM


def _place(parent: ast.AST, part: ast.AST) -> int:
    """Return how tightly an operand must bind to stand in its parent without parentheses."""
    match parent:
        case ast.BinOp(op=ast.Add()):
            return SUM
        case ast.BinOp(op=ast.Sub()):
            return SUM if part is parent.left else PRODUCT
        case ast.BinOp(op=ast.Pow()):
            return ATOM if part is parent.left else UNARY
        case ast.BinOp(op=ast.MatMult()):
            return UNARY  # a reader takes neither side of a matrix product for one of numbers
        case ast.BinOp():
            return PRODUCT if part is parent.left else UNARY
        case ast.UnaryOp():
            return UNARY
        case ast.Compare():
            return SUM
        case ast.IfExp():
            return ANY if part is parent.orelse else COMPARED
        case ast.Attribute() | ast.Subscript():
            return ATOM if part is parent.value else ANY
    return ANY
