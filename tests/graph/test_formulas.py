"""Formulas as statements, as expressions and as operators, against what Python and NumPy make of them."""

from __future__ import annotations

import math
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from specnet.engines.numpy.functions import resolve
from specnet.graph.formulas.formula import parse
from specnet.graph.formulas.spelling import helper, onnx, printed, scalar
from specnet.graph.formulas.statements import statements

SOFTPLUS = "max(a, 0) + log1p(exp(-abs(a)))"
HUBER = "near = min(abs(a), delta)\nnear * (abs(a) - near / 2)"


@pytest.mark.parametrize(
    ("text", "truths", "lines", "scratch"),
    [
        ("a + b", "", ["add({a}, {b}, {o})"], 0),
        ("a * b", "b", ["copyto({s}, {b})", "multiply({a}, {s}, {o})"], 1),
        ("a ** 2", "", ["multiply({a}, {a}, {o})"], 0),
        ("a > b", "", ["greater({a}, {b}, {o})"], 0),
        ("where(a, b, c)", "a", ["choose({a}, {b}, {c}, {o}, {s})"], 1),
        ("clip(a, low, high)", "", ["clip({a}, {=low}, {=high}, {o})"], 0),
        ("a * bc", "", ["multiply({a}, {=bc}, {o})"], 0),
        ("max(a, slope * a)", "", ["multiply({=slope}, {a}, {s})", "maximum({a}, {s}, out={o})"], 1),
        (
            "1 / (1 + exp(-a))",
            "",
            ["negative({a}, {o})", "exp({o}, {o})", "add({=1.0}, {o}, {o})", "reciprocal({o}, {o})"],
            0,
        ),
        (
            SOFTPLUS,
            "",
            [
                "clip({a}, {=0.0}, {=inf}, {s})",
                "absolute({a}, {o})",
                "negative({o}, {o})",
                "exp({o}, {o})",
                "log1p({o}, {o})",
                "add({s}, {o}, {o})",
            ],
            1,
        ),
        (
            HUBER,
            "",
            [
                "absolute({a}, {o})",
                "clip({o}, {=-inf}, {=delta}, {s})",
                "multiply({s}, {=0.5}, {s2})",
                "subtract({o}, {s2}, {o})",
                "multiply({s}, {o}, {o})",
            ],
            2,
        ),
        (
            "where(a > 0, exp(a), sin(a))",
            "",
            [
                "greater({a}, {=0.0}, {s})",
                "exp({a}, {s2})",
                "sin({a}, {o})",
                "choose({s}, {s2}, {o}, {o}, {s3})",
            ],
            3,
        ),
    ],
)
def test_statements_take_one_pass_an_operation_and_little_scratch(text, truths, lines, scratch):
    made = statements(text, truths)
    assert made.text.split("\n") == lines
    assert len(made.scratch) == scratch


@pytest.mark.parametrize(
    ("text", "in_place"),
    [
        ("a + b", True),
        (SOFTPLUS, True),
        (HUBER, True),
        ("where(a, b, c)", False),
        ("where(a > 0, a, b)", False),
    ],
)
def test_what_may_run_in_place_follows_from_the_order_of_reads_and_writes(text, in_place):
    assert statements(text).in_place is in_place


# Any formula

drawn = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A machine that is busy with other tests may be slow."""


def grown(terms):
    unary = st.sampled_from(
        ["exp({})", "abs({})", "-({})", "({}) ** 2", "sin({})", "sqrt({})", "1 / ({})", "({}) / 4"]
    )
    binary = st.sampled_from(
        ["({}) + ({})", "({}) - ({})", "({}) * ({})", "max({}, {})", "min({}, {})", "({}) / ({})"]
    )
    return st.one_of(
        st.builds(lambda form, x: form.format(x), unary, terms),
        st.builds(lambda form, x, y: form.format(x, y), binary, terms, terms),
        st.builds(lambda x, y, z: f"where(({x}) > 0.1, {y}, {z})", terms, terms, terms),
    )


ATOMS = st.sampled_from(["a", "b", "a", "b", "0.3"])
FORMULAS = grown(st.recursive(ATOMS, grown, max_leaves=7)).filter(lambda text: re.search(r"\b[ab]\b", text))

NUMPY = {"max": np.maximum, "min": np.minimum, "abs": np.abs, "exp": np.exp, "sin": np.sin, "sqrt": np.sqrt}
NUMPY |= {"where": np.where}
A, B = np.array([-1.5, -0.0, 0.25, 2.0, 7.0]), np.array([0.5, -2.0, 0.0, 1.0, -3.0])


def computed(text, a, b, over=None):
    """Run a formula's statements, in scratch full of what must not be read, over an input if that is asked for."""
    made = statements(text)
    arrays = {"a": a.copy(), "b": b.copy()}
    arrays["o"] = arrays[over] if over else np.full(a.shape, np.nan)
    for number, is_truth in enumerate(made.scratch, 1):
        junk = np.full(a.shape, True) if is_truth else np.full(a.shape, np.nan)
        arrays[f"s{number}" if number > 1 else "s"] = junk
    source = re.sub(r"\{=([^}]+)\}", r"np.array(\1)", made.text)
    source = re.sub(r"\{(\w+)\}", r'arrays["\1"]', source)
    names = {name: resolve(name) for name in re.findall(r"(\w+)\(", source) if name != "array"}
    with np.errstate(all="ignore"):
        exec(source, {"arrays": arrays, "np": np, "inf": np.inf, **names})
    for name in {"a", "b"} - {over}:
        np.testing.assert_array_equal(arrays[name], {"a": a, "b": b}[name])
    return arrays["o"]


@drawn
@given(FORMULAS)
def test_statements_compute_the_formula_to_the_bit(text):
    with np.errstate(all="ignore"):
        meant = np.broadcast_to(eval(text, NUMPY, {"a": A, "b": B}), A.shape)
    np.testing.assert_array_equal(computed(text, A, B), meant)
    if statements(text).in_place:
        for over in ("a", "b"):
            np.testing.assert_array_equal(computed(text, A, B, over), meant, err_msg=over)


PYTHON = {"max": max, "min": min, "abs": abs, "where": lambda c, x, y: x if c else y}


@drawn
@given(FORMULAS)
@example("exp(a) + (a + b)")
def test_the_scalar_expression_computes_the_formula(text):
    functions = {name: resolve(name) for name in ("scalar_exp", "scalar_sin", "scalar_sqrt")}
    plain = {name.removeprefix("scalar_"): function for name, function in functions.items()}
    for a, b in zip(A.tolist(), B.tolist(), strict=True):
        given_numbers = {"a": a, "b": b}
        try:
            meant = eval(text, PYTHON | plain, given_numbers)
            found = eval(scalar(text).format(a=f"({a})", b=f"({b})"), dict(functions))
        except (ZeroDivisionError, OverflowError):
            continue
        assert found == meant or (math.isnan(found) and math.isnan(meant))


@drawn
@given(FORMULAS)
def test_the_printed_expression_computes_the_formula(text):
    template = printed(text)
    names = {"np": np, "a": A, "b": B}
    with np.errstate(all="ignore"):
        meant = np.broadcast_to(eval(text, NUMPY, {"a": A, "b": B}), A.shape)
        if template:
            found = eval(template.format(a="a", b="b"), names)
        else:
            (source,) = helper("f", text)
            exec(source, names)
            arguments = source[len("def f(") : source.index(")")].split(", ")
            found = names["f"](*({"x": A, "a": A, "b": B}[name] for name in arguments))
    np.testing.assert_allclose(found, meant, 1e-12)


# What is written


def test_short_formulas_are_written_where_they_are_used_and_long_ones_are_functions():
    assert printed("max(a, 0)") == "np.maximum({a}, 0)"
    assert printed("a / (1 + abs(a))") == "{a} / (1 + np.abs({a}))"
    assert helper("softsign", "a / (1 + abs(a))") == ()
    assert printed(HUBER) == printed(SOFTPLUS) == ""
    assert helper("huber", HUBER) == (
        "def huber(x, delta):\n    near = np.minimum(np.abs(x), delta)\n    return near * (np.abs(x) - near / 2)",
    )
    assert helper("softplus", SOFTPLUS) == (
        "def softplus(x):\n    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))",
    )
    assert helper("sigmoid", "1 / (1 + exp(-a))", overflows=True) == (
        'def sigmoid(x):\n    with np.errstate(over="ignore"):\n        return 1 / (1 + np.exp(-x))',
    )


def test_numbers_are_printed_without_numpy():
    assert printed("max(a, cos(b))", arrays=False) == "max({a}, math.cos({b}))"
    assert printed("sqrt(a)", arrays=False) == "{a} ** 0.5"
    assert printed("where(a > b, a, -b)", arrays=False) == "{a} if {a} > {b} else -{b}"
    assert scalar("a + (b + exp(a))") == "{a} + ({b} + scalar_exp({a}))"
    assert scalar("where(a > b, exp(a), 2)") == "scalar_exp({a}) if {a} > {b} else 2.0"


def test_operators_of_onnx_share_what_is_read_twice():
    assert onnx("sin(a)") == "Sin(a)"
    assert onnx("log1p(a)") == "Log(Add(a, 1.0))"
    assert onnx("a * b", "b") == "Mul(a, Cast(b, to={dtype}))"
    assert onnx(HUBER).split("\n") == [
        "shared0 = Abs(a)",
        "shared1 = Min(shared0, {delta})",
        "Mul(shared1, Sub(shared0, Div(shared1, 2.0)))",
    ]


def test_equal_parts_are_computed_once():
    assert parse("exp(a) * exp(a)").operations == 2
    assert statements("exp(a) * exp(a)").text == "exp({a}, {o})\nmultiply({o}, {o}, {o})"


@pytest.mark.parametrize("text", ["a if b else c", "a and b", "a[0]", "f(a)(b)", "a < b < c", "lambda: a"])
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(AssertionError, match="no formula says"):
        parse(text)


def test_formulas_are_loaded_when_one_is_needed():
    """So that importing the ops takes no longer for it."""
    code = "import specnet.graph.ops, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "specnet.graph.formulas" not in done.stdout
