from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from specnet.language.arithmetic import ExpressionError, compute, names_in

NAMES = {"a": 7, "b": 2, "x": 0.5, "name": "relu", "yes": True, "rows": [1, 2], "big": 10**30}


def value(expression: str) -> Any:
    return compute(expression, NAMES.__getitem__)


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("a", 7),
        (" a ", 7),
        ("name", "relu"),
        ("yes", True),
        ("rows", [1, 2]),
        ("big", 10**30),
        ("1_000", 1000),
        ("1e-3", 1e-3),
        ("a + b * 3", 13),
        ("(a + b) * 3", 27),
        ("a - b - 1", 4),
        ("a / b", 3.5),
        ("6 / b", 3.0),
        ("a // b", 3),
        ("-a // b", -4),
        ("a % b", 1),
        ("-a % 4", 1),
        ("-b ** 2", -4),
        ("b ** -1", 0.5),
        ("b ** 3 ** 2", 512),
        ("a * x", 3.5),
        ("min(a, b, 3)", 2),
        ("max(a, b * 5)", 10),
        ("max(a)", 7),
        ("+a", 7),
        ("2 ** 62 + (2 ** 62 - 1)", 2**63 - 1),
        ("-(2 ** 62) - 2 ** 62", -(2**63)),
    ],
)
def test_values(expression: str, wanted: object) -> None:
    found = value(expression)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("a +", "`a +` needs a number or a variable where it ends"),
        ("a b", "`a b` needs an operator where `b` stands"),
        ("(a", "`(a` needs `)` where it ends"),
        ("min", "`min` needs `(` where it ends"),
        ("min()", "`min()` needs a number or a variable where `)` stands"),
        ("a()", "`a()` needs an operator where `(` stands"),
        ("a.b", "`.` has no meaning in `a.b`"),
        ("a[0]", "`[` has no meaning in `a[0]`"),
        ("a == b", "`=` has no meaning in `a == b`"),
        ("007", "`007` is not a number"),
        ("name * 2", "`name` is a string, and arithmetic takes numbers"),
        ("yes + 1", "`yes` is true or false, and arithmetic takes numbers"),
        ("rows + 1", "`rows` is an array, and arithmetic takes numbers"),
        ("big + 1", "`big` does not fit into 64 bits"),
        ("9223372036854775808", "`9223372036854775808` does not fit into 64 bits"),
        ("2 ** 63", "`2 ** 63` does not fit into 64 bits"),
        ("1e400", "`1e400` is not a finite number"),
        ("1e300 * 1e300", "`1e+300 * 1e+300` is not a finite number"),
        ("10.0 ** 64 ** 2", "the exponent of `10.0 ** 4096` is larger than 64"),
        ("2 ** -65", "the exponent of `2 ** -65` is larger than 64"),
        ("(-8) ** 0.5", "`-8 ** 0.5` is not a real number"),
        ("a / 0", "`7 / 0` divides by zero"),
        ("a // 0", "`7 // 0` divides by zero"),
        ("a % 0.0", "`7 % 0.0` divides by zero"),
        ("0 ** -1", "`0 ** -1` divides by zero"),
        ("9" * 500, "` holds a number of 500 characters"),
    ],
)
def test_faults(expression: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value(expression)
    assert message in caught.value.message


@pytest.mark.parametrize(
    "make", [lambda n: "(" * n + "1" + ")" * n, lambda n: "-" * n + "1", lambda n: "2" + "**1" * n]
)
def test_nesting_is_bounded(make: Any) -> None:
    value(make(31))
    with pytest.raises(ExpressionError, match="nests more than 32 deep"):
        value(make(32))
    with pytest.raises(ExpressionError, match="nests more than 32 deep"):
        value(make(100_000))


def test_length_is_no_matter() -> None:
    assert value("+".join(["1"] * 50_000)) == 50_000


@given(st.text("ab x0123456789.+-*/%(),_e", max_size=20))
def test_whatever_is_written_is_a_number_or_a_fault(expression: str) -> None:
    names = {"a": 3, "b": 0.25}
    assume(set(names_in(expression)) <= set(names))
    with suppress(ExpressionError):
        found = compute(expression, names.__getitem__)
        assert isinstance(found, int | float)
        assert math.isfinite(found)


def test_names() -> None:
    assert names_in("2 * width + min(depth, width) ** i") == ("width", "depth", "i")
