"""Ops that work element by element, with NumPy's broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from specnet.graph.attributes import Attributes
from specnet.graph.formulas.formula import OPERANDS, parse
from specnet.graph.formulas.spelling import scalar
from specnet.graph.formulas.statements import FormulaStatements, statements
from specnet.graph.graph import OPERATORS, Flops, Infer, Kind, Op, Pullback, ShapeFault, Text, Value
from specnet.graph.ops.shaping import fit
from specnet.graph.sizes import Count, Shape, broadcast, show


def infer_elementwise(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    """Return the common shape of operands, and the floating dtype among those that are not scalars.

    Integers are kept where every array holds integers; true and false count as numbers of the graph's dtype.
    """
    shape: Shape = ()
    for value in inputs:
        joined = broadcast(shape, value.shape)
        if joined is None:
            message = f"{show(shape)} and {show(value.shape)} do not fit element by element"
            raise ShapeFault(message, blame=value)
        shape = joined
    dtypes = [v.dtype for v in inputs if v.rank and v.dtype != "bool"]
    floating = (dtype for dtype in dtypes if dtype not in ("int32", "int64"))
    return shape, next(floating, dtypes[0] if dtypes else inputs[0].graph.dtype)


def infer_comparison(inputs: tuple[Value, ...], attributes: Attributes) -> Kind:
    """Return the common shape of operands; the result is true or false."""
    return infer_elementwise(inputs, attributes)[0], "bool"


def times(flops: int) -> Flops:
    """Return the rule of an op that does so many floating-point operations an element."""
    return lambda value: value.count * Count(flops)


def elementwise(
    name: str,
    formula: str | Text,
    pullback: Pullback | None,
    *,
    infer: Infer = infer_elementwise,
    attributes: type[Attributes] = Attributes,
    flops: int = 0,
) -> Op[Any]:
    """Return an op that computes a formula for each element.

    The inputs are `a`, `b`, ...; attributes go by their names. A line before the last may name a part, as
    `near = min(a, 1)`. Where attributes choose the formula, it is a function of the application. `flops` are what an
    element takes, if that is not one for each function and operator.
    """

    def text(value: Value) -> str:
        return formula if isinstance(formula, str) else formula(value)

    def made(value: Value) -> FormulaStatements:
        truths = (
            letter for letter, i in zip(OPERANDS, value.inputs, strict=False) if i.shape and i.dtype == "bool"
        )
        return statements(text(value), "".join(truths))

    def scratch(value: Value) -> Sequence[Kind]:
        _, dtype = infer_elementwise(value.inputs, value.attributes)
        return [(value.shape, "bool" if is_truth else dtype) for is_truth in made(value).scratch]

    return Op(
        name,
        infer,
        lambda value: made(value).text,
        pullback,
        lambda value: scalar(text(value)),
        elementwise=True,
        attributes=attributes,
        flops=lambda value: value.count * Count(flops or parse(text(value)).operations),
        scratch=scratch,
        in_place=lambda value: made(value).in_place,
    )


def comparison(name: str, formula: str) -> Op[Attributes]:
    """Return an op whose result is true or false; nothing flows back through it."""
    return elementwise(name, formula, lambda *_: (None, None), infer=infer_comparison)


def _both(rule: Callable[..., tuple[Value, Value]]) -> Pullback:
    """Sum what flows back to each operand over the axes along which it was stretched; nothing flows to truth values."""

    def pullback(g: Value, y: Value, a: Value, b: Value) -> tuple[Value | None, Value | None]:
        flowing = zip(rule(g, y, a, b), (a, b), strict=True)
        to_a, to_b = (None if x.dtype == "bool" else fit(to_x, x.shape) for to_x, x in flowing)
        return to_a, to_b

    return pullback


add = elementwise("add", "a + b", _both(lambda g, y, a, b: (g, g)))
subtract = elementwise("subtract", "a - b", _both(lambda g, y, a, b: (g, -g)))
multiply = elementwise("multiply", "a * b", _both(lambda g, y, a, b: (g * b, g * a)))
"""a * b; where one is true or false, it keeps the other or gives 0, without a choice (0 times infinity is NaN)."""
divide = elementwise("divide", "a / b", _both(lambda g, y, a, b: (g / b, -(g * y) / b)))
negative = elementwise("negative", "-a", lambda g, y, x: (-g,))

greater = comparison("greater", "a > b")
greater_equal = comparison("greater_equal", "a >= b")
less = comparison("less", "a < b")
less_equal = comparison("less_equal", "a <= b")
equal = comparison("equal", "a == b")

where: Op[Attributes] = elementwise(
    "where",
    "where(a, b, c)",
    lambda g, y, condition, a, b: (
        None,
        fit(where(condition, g, 0.0), a.shape),
        fit(where(condition, 0.0, g), b.shape),
    ),
)
"""The second input where the first is true, else the third."""

maximum = elementwise(
    "maximum", "max(a, b)", _both(lambda g, y, a, b: (g * greater(a, b), g * less_equal(a, b)))
)
minimum = elementwise(
    "minimum", "min(a, b)", _both(lambda g, y, a, b: (g * less(a, b), g * greater_equal(a, b)))
)

absolute = elementwise("absolute", "abs(a)", lambda g, y, x: (g * sign(x),))
sign: Op[Attributes] = elementwise("sign", "sign(a)", lambda g, y, x: (None,))
floor_divide = elementwise("floor_divide", "a // b", lambda *_: (None, None))
square = elementwise("square", "a ** 2", lambda g, y, x: (g * (x * 2.0),))
sqrt = elementwise("sqrt", "sqrt(a)", lambda g, y, x: (g * 0.5 / y,))
exp = elementwise("exp", "exp(a)", lambda g, y, x: (g * y,))
expm1 = elementwise("expm1", "expm1(a)", lambda g, y, x: (g * (y + 1.0),))
log = elementwise("log", "log(a)", lambda g, y, x: (g / x,))
log1p = elementwise("log1p", "log1p(a)", lambda g, y, x: (g / (x + 1.0),))
cos = elementwise("cos", "cos(a)", lambda g, y, x: (-(g * sin(x)),))
sin: Op[Attributes] = elementwise("sin", "sin(a)", lambda g, y, x: (g * cos(x),))
tanh = elementwise("tanh", "tanh(a)", lambda g, y, x: (g * (1.0 - square(y)),), flops=4)
power: Op[Attributes] = elementwise(
    "power", "a ** b", lambda g, y, x, exponent: (fit(g * exponent * power(x, exponent - 1.0), x.shape), None)
)
"""`x ** exponent` for an exponent that needs no gradient."""

sigmoid = elementwise("sigmoid", "1 / (1 + exp(-a))", lambda g, y, x: (g * (y * (1.0 - y)),))
"""For large negative x the exponential is infinite and the quotient 0, as it must be."""

softplus = elementwise("softplus", "max(a, 0) + log1p(exp(-abs(a)))", lambda g, y, x: (g * sigmoid(x),))
"""log(1 + exp(x)), which so overflows nowhere."""

relu = elementwise("relu", "max(a, 0)", lambda g, y, x: (g * greater(y, 0.0),))
"""max(x, 0); the gradient at 0 is 0."""

erf: Op[Attributes] = Op(
    "erf",
    infer_elementwise,
    "erf({a}, {s}, {s2}, {s3}, {o})",
    lambda g, y, x: (g * exp(-square(x)) * 1.1283791670955126,),
    elementwise=True,
    flops=times(60),
    scratch=lambda value: [(value.shape, value.dtype), (value.shape, value.dtype), (value.shape, "bool")],
    in_place=lambda _: False,
)
"""The error function; its slope is 2 / sqrt(pi) * exp(-x^2)."""

OPERATORS.update(add=add, subtract=subtract, multiply=multiply, divide=divide, negative=negative)
