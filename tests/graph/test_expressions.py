"""Expressions put together from templates."""

from __future__ import annotations

import pytest

from specnet.graph.expressions import ATOM, COMPARED, POWER, PRODUCT, SUM, UNARY, Expression, fill, literal

OPERANDS = {
    "n": literal("-2"),
    "x": literal("x"),
    "sum": Expression("x + y", SUM),
    "product": Expression("x * y", PRODUCT),
    "minus": Expression("-x", UNARY),
    "power": Expression("x**2", POWER),
    "less": Expression("x < y", COMPARED),
    "x.a": literal("inner"),
}

FILLED = [
    ("{x} + {sum}", "x + x + y", SUM),
    ("{x} - {sum}", "x - (x + y)", SUM),
    ("{sum} - {x}", "x + y - x", SUM),
    ("{x} - {minus}", "x + x", SUM),
    ("{x} + {minus}", "x - x", SUM),
    ("{minus} + {x}", "x - x", SUM),
    ("{minus} + {n}", "-x - 2", SUM),
    ("{sum} * {product}", "(x + y) * (x * y)", PRODUCT),
    ("{product} * {x}", "x * y * x", PRODUCT),
    ("{product} @ {x}", "(x * y) @ x", PRODUCT),
    ("{product} / {product}", "x * y / (x * y)", PRODUCT),
    ("-{product}", "-(x * y)", UNARY),
    ("-{power}", "-x**2", UNARY),
    ("{power}**2", "(x**2)**2", POWER),
    ("{x} ** {minus}", "x ** -x", POWER),
    ("{n} ** {sum}", "(-2) ** (x + y)", POWER),
    ("{less} > {sum}", "(x < y) > x + y", COMPARED),
    ("{sum}.reshape({n}, 2)", "(x + y).reshape(-2, 2)", ATOM),
    ("f({sum}, {less})[{sum}, ..., 0]", "f(x + y, x < y)[x + y, ..., 0]", ATOM),
    ("{less}[1:{n}]", "(x < y)[1:-2]", ATOM),
    ("{sum} if {less} else {product}", "x + y if x < y else x * y", 0),
    ("np.sum({x.a}, axis=-1)", "np.sum(inner, axis=-1)", ATOM),
    ("{sum}", "x + y", SUM),
]


@pytest.mark.parametrize(("template", "text", "binds"), FILLED)
def test_operands_are_in_parentheses_where_their_places_need_them(template, text, binds):
    assert fill(template, OPERANDS.__getitem__) == Expression(text, binds)
    assert fill(f"({template})", OPERANDS.__getitem__).binds == ATOM


@pytest.mark.parametrize(("template", "text"), [(t, s) for t, s, _ in FILLED if not set(t) & set(".@[")])
def test_what_is_put_together_is_what_the_operands_are(template, text):
    """Every operand in parentheses computes the same."""
    scope = {"x": 5, "y": 3}
    whole = template
    for name, operand in OPERANDS.items():
        whole = whole.replace(f"{{{name}}}", f"({operand.text})")
    assert eval(whole, scope) == eval(text, scope)
