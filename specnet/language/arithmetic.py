"""The expressions in references, such as `2 * width` or `min(width, 64)`: read and computed, never evaluated as Python.

sum     = term (("+" | "-") term)*
term    = factor (("*" | "/" | "//" | "%") factor)*
factor  = ("+" | "-") factor | power
power   = atom ["**" factor]
atom    = NUMBER | NAME | ("min" | "max") "(" sum ("," sum)* ")" | "(" sum ")"
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from specnet.diagnostics.text import clipped
from specnet.language.wording import noun

FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max}

MAX_EXPONENT = 64
"""A larger one is no size or rate that a document needs, and its result could fill the memory."""

MAX_NESTING = 32
"""How deep parentheses, signs and functions may nest, and how long a chain of variables may be."""

NAME = r"[A-Za-z_][A-Za-z0-9_]*"

_TOKEN = re.compile(
    rf"""[ \t]*+(?:
        (?P<number>[0-9](?:_?[0-9])*(?:\.[0-9](?:_?[0-9])*)?(?:[eE][+-]?[0-9]+)?)
        |(?P<name>{NAME})
        |(?P<symbol>\*\*|//|[-+*/%(),])
    )""",
    re.VERBOSE,
)
_INT64 = range(-(2**63), 2**63)
_LONGEST = 400
"""Characters of a number; Python takes quadratic time for long ones."""

Number = int | float


class ExpressionError(ValueError):
    """An expression cannot be read or computed."""

    def __init__(self, message: str, help: str | None = None) -> None:
        self.message = message
        self.help = help
        super().__init__(message)


class _Token(NamedTuple):
    kind: str
    text: str


_END = _Token("end", "")


def names_in(expression: str) -> tuple[str, ...]:
    """Return the names of variables in an expression, each once."""
    found = (token["name"] for token in _TOKEN.finditer(expression) if token["name"] is not None)
    return tuple(dict.fromkeys(name for name in found if name not in FUNCTIONS))


def compute(expression: str, lookup: Callable[[str], Any]) -> Any:
    """Return the value of an expression; `lookup` returns that of a variable.

    A name alone may stand for any value, and arithmetic takes numbers. Raises ExpressionError where the expression
    is malformed, or its result is not a 64-bit integer or a finite number.
    """
    tokens = list(_tokens(expression))
    if len(tokens) == 1 and tokens[0].kind == "name" and tokens[0].text not in FUNCTIONS:
        return lookup(tokens[0].text)
    return _Computation(expression, tokens, lookup).result()


def _tokens(expression: str) -> Iterator[_Token]:
    at, end = 0, len(expression.rstrip(" \t"))
    while at < end:
        found = _TOKEN.match(expression, at)
        if found is None:
            rest = expression[at:].lstrip(" \t")
            raise ExpressionError(
                f"`{clipped(rest[:1])}` has no meaning in `{_shown(expression)}`",
                "an expression has numbers, variables, + - * / // % **, min(), max() and parentheses",
            )
        yield _Token(str(found.lastgroup), found[str(found.lastgroup)])
        at = found.end()


def in_64_bits(value: Any) -> bool:
    """Return whether a value is a whole number that fits into 64 bits."""
    return isinstance(value, int) and value in _INT64


def _shown(expression: str) -> str:
    return clipped(expression.strip(), 60)


class _Computation:
    """One pass over the tokens of an expression by recursive descent."""

    def __init__(self, expression: str, tokens: list[_Token], lookup: Callable[[str], Any]) -> None:
        self._expression = expression
        self._tokens = tokens
        self._lookup = lookup
        self._at = 0
        self._depth = 0

    def result(self) -> Number:
        value = self._sum()
        if self._next is not _END:
            raise self._unexpected("an operator")
        return value

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def _takes(self, *symbols: str) -> str | None:
        token = self._next
        if token.kind != "symbol" or token.text not in symbols:
            return None
        self._at += 1
        return token.text

    def _sum(self) -> Number:
        value = self._term()
        while (operator := self._takes("+", "-")) is not None:
            value = self._applied(operator, value, self._term())
        return value

    def _term(self) -> Number:
        value = self._factor()
        while (operator := self._takes("*", "//", "/", "%")) is not None:
            value = self._applied(operator, value, self._factor())
        return value

    def _factor(self) -> Number:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise ExpressionError(f"`{_shown(self._expression)}` nests more than {MAX_NESTING} deep")
        sign = self._takes("+", "-")
        value = self._power() if sign is None else self._applied(sign, 0, self._factor())
        self._depth -= 1
        return value

    def _power(self) -> Number:
        value = self._atom()
        return value if self._takes("**") is None else self._applied("**", value, self._factor())

    def _atom(self) -> Number:
        token = self._next
        self._at += 1
        if token.kind == "number":
            return self._number(token.text)
        if token.kind == "name":
            if token.text not in FUNCTIONS:
                return self._variable(token.text)
            if self._takes("(") is None:
                raise self._unexpected("`(`")
            values = [self._sum()]
            while self._takes(",") is not None:
                values.append(self._sum())
            self._closed()
            return FUNCTIONS[token.text](values)  # type: ignore[no-any-return]
        if token == ("symbol", "("):
            value = self._sum()
            self._closed()
            return value
        self._at -= 1
        raise self._unexpected("a number or a variable")

    def _closed(self) -> None:
        if self._takes(")") is None:
            raise self._unexpected("`)`")

    def _unexpected(self, wanted: str) -> ExpressionError:
        there = "it ends" if self._next is _END else f"`{clipped(self._next.text)}` stands"
        return ExpressionError(f"`{_shown(self._expression)}` needs {wanted} where {there}")

    def _number(self, text: str) -> Number:
        if len(text) > _LONGEST:
            raise ExpressionError(f"`{_shown(self._expression)}` holds a number of {len(text)} characters")
        if re.match(r"0_?[0-9]", text) is not None:
            raise ExpressionError(f"`{text}` is not a number", "write it without leading zeros")
        is_float = any(mark in text for mark in ".eE")
        return self._checked(float(text) if is_float else int(text), text)

    def _variable(self, name: str) -> Number:
        value = self._lookup(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ExpressionError(f"`{name}` is {noun(value)}, and arithmetic takes numbers")
        return self._checked(value, name)

    def _applied(self, operator: str, a: Number, b: Number) -> Number:
        shown = f"{_number_shown(a)} {operator} {_number_shown(b)}"
        if operator == "**" and abs(b) > MAX_EXPONENT:
            raise ExpressionError(f"the exponent of `{shown}` is larger than {MAX_EXPONENT}")
        try:
            value = _OPERATORS[operator](a, b)
        except ZeroDivisionError:
            raise ExpressionError(f"`{shown}` divides by zero") from None
        except OverflowError:
            value = math.inf
        if isinstance(value, complex):
            raise ExpressionError(f"`{shown}` is not a real number")
        return self._checked(value, shown)

    def _checked(self, value: Number, shown: str) -> Number:
        if isinstance(value, int):
            if value not in _INT64:
                raise ExpressionError(f"`{clipped(shown)}` does not fit into 64 bits")
        elif not math.isfinite(value):
            raise ExpressionError(f"`{clipped(shown)}` is not a finite number")
        return value


def _number_shown(value: Number) -> str:
    return str(value) if isinstance(value, int) else repr(value)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
}
