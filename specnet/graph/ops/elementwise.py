"""Ops that work element by element, with NumPy's broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from specnet.graph.attributes import Attributes
from specnet.graph.graph import OPERATORS, Kind, ShapeFault, Value
from specnet.graph.op import Flops, Op, Pullback
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
    kernel: str | Callable[[Value], str],
    pullback: Pullback | None,
    *,
    scalar: str | None = None,
    flops: int = 1,
    scratch: int = 0,
    in_place: bool = True,
    attributes: type[Attributes] = Attributes,
) -> Op[Any]:
    """Return an op that works element by element, with `scratch` arrays of its output's shape."""

    def room(value: Value) -> Sequence[Kind]:
        return [(value.shape, value.dtype)] * scratch

    return Op(
        name,
        infer_elementwise,
        kernel,
        pullback,
        scalar,
        True,
        attributes,
        flops=times(flops),
        scratch=room,
        in_place=in_place,
    )


def comparison(name: str, kernel: str, scalar: str) -> Op[Attributes]:
    """Return an op whose result is true or false; nothing flows back through it."""
    return Op(
        name, infer_comparison, kernel, lambda *_: (None, None), scalar, elementwise=True, in_place=False
    )


def _both(rule: Callable[..., tuple[Value, Value]]) -> Pullback:
    """Sum what flows back to each operand over the axes along which it was stretched."""

    def pullback(g: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
        to_a, to_b = rule(g, y, a, b)
        return fit(to_a, a.shape), fit(to_b, b.shape)

    return pullback


add = elementwise("add", "add({a}, {b}, {o})", _both(lambda g, y, a, b: (g, g)), scalar="{a} + {b}")
subtract = elementwise(
    "subtract", "subtract({a}, {b}, {o})", _both(lambda g, y, a, b: (g, -g)), scalar="{a} - {b}"
)
multiply = elementwise(
    "multiply", "multiply({a}, {b}, {o})", _both(lambda g, y, a, b: (g * b, g * a)), scalar="{a} * {b}"
)
divide = elementwise(
    "divide", "divide({a}, {b}, {o})", _both(lambda g, y, a, b: (g / b, -(g * y) / b)), scalar="{a} / {b}"
)
negative = elementwise("negative", "negative({a}, {o})", lambda g, y, x: (-g,), scalar="-{a}")

greater = comparison("greater", "greater({a}, {b}, {o})", "{a} > {b}")
less = comparison("less", "less({a}, {b}, {o})", "{a} < {b}")
equal = comparison("equal", "equal({a}, {b}, {o})", "{a} == {b}")

masked: Op[Attributes] = Op(
    "masked",
    infer_elementwise,
    "copyto({s}, {b})\nmultiply({a}, {s}, {o})",
    lambda g, y, a, mask: (fit(masked(g, mask), a.shape), None),
    elementwise=True,
    scratch=lambda value: [(value.shape, value.dtype)],
)
"""`a` where the mask (its second input) is true, else 0.

The mask is made numbers by a copy, since NumPy multiplies by truth values through a buffer that it allocates.
"""

where: Op[Attributes] = elementwise(
    "where",
    "copyto({o}, {c})\ncopyto({o}, {b}, where={a})",
    lambda g, y, condition, a, b: (
        None,
        fit(where(condition, g, 0.0), a.shape),
        fit(where(condition, 0.0, g), b.shape),
    ),
    scalar="{b} if {a} else {c}",
    in_place=False,
)
"""The second input where the first is true, else the third."""

maximum = elementwise(
    "maximum",
    "maximum({a}, {b}, out={o})",
    _both(lambda g, y, a, b: (masked(g, greater(a, b)), masked(g, less_equal(a, b)))),
    scalar="max({a}, {b})",
)
minimum = elementwise(
    "minimum",
    "minimum({a}, {b}, out={o})",
    _both(lambda g, y, a, b: (masked(g, less(a, b)), masked(g, greater_equal(a, b)))),
    scalar="min({a}, {b})",
)
less_equal: Op[Attributes] = comparison("less_equal", "less_equal({a}, {b}, {o})", "{a} <= {b}")
greater_equal: Op[Attributes] = comparison("greater_equal", "greater_equal({a}, {b}, {o})", "{a} >= {b}")

absolute = elementwise("absolute", "absolute({a}, {o})", lambda g, y, x: (g * sign(x),), scalar="abs({a})")
sign: Op[Attributes] = elementwise("sign", "sign({a}, {o})", lambda g, y, x: (None,))
square = elementwise(
    "square", "multiply({a}, {a}, {o})", lambda g, y, x: (g * (x * 2.0),), scalar="{a} * {a}"
)
sqrt = elementwise("sqrt", "sqrt({a}, {o})", lambda g, y, x: (g * 0.5 / y,), scalar="scalar_sqrt({a})")
exp = elementwise("exp", "exp({a}, {o})", lambda g, y, x: (g * y,), scalar="scalar_exp({a})")
expm1 = elementwise("expm1", "expm1({a}, {o})", lambda g, y, x: (g * (y + 1.0),))
log = elementwise("log", "log({a}, {o})", lambda g, y, x: (g / x,), scalar="scalar_log({a})")
log1p = elementwise("log1p", "log1p({a}, {o})", lambda g, y, x: (g / (x + 1.0),))
tanh = elementwise("tanh", "tanh({a}, {o})", lambda g, y, x: (g * (1.0 - square(y)),), flops=4)
sin: Op[Attributes] = elementwise(
    "sin", "sin({a}, {o})", lambda g, y, x: (g * cos(x),), scalar="scalar_sin({a})"
)
cos: Op[Attributes] = elementwise(
    "cos", "cos({a}, {o})", lambda g, y, x: (-(g * sin(x)),), scalar="scalar_cos({a})"
)
floor_divide = elementwise(
    "floor_divide", "floor_divide({a}, {b}, {o})", lambda *_: (None, None), scalar="{a} // {b}"
)
power: Op[Attributes] = Op(
    "power",
    infer_elementwise,
    "power({a}, {b}, {o})",
    lambda g, y, x, exponent: (fit(g * exponent * power(x, exponent - 1.0), x.shape), None),
    "{a} ** {b}",
    elementwise=True,
)
"""`x ** exponent` for an exponent that needs no gradient."""

sigmoid = elementwise(
    "sigmoid",
    "negative({a}, {o})\nexp({o}, {o})\nadd({o}, {=1.0}, {o})\nreciprocal({o}, {o})",
    lambda g, y, x: (g * (y * (1.0 - y)),),
    flops=4,
)
"""1 / (1 + exp(-x)); for large negative x the exponential is infinite and the quotient 0, as it must be."""

softplus = elementwise(
    "softplus",
    "absolute({a}, {s})\nnegative({s}, {s})\nexp({s}, {s})\nlog1p({s}, {s})\n"
    "maximum({a}, {=0.0}, out={o})\nadd({o}, {s}, {o})",
    lambda g, y, x: (g * sigmoid(x),),
    flops=6,
    scratch=1,
)
"""log(1 + exp(x)), as max(x, 0) + log1p(exp(-|x|)), which overflows nowhere."""

relu = elementwise("relu", "maximum({a}, {=0.0}, out={o})", lambda g, y, x: (masked(g, greater(y, 0.0)),))
"""max(x, 0); the gradient at 0 is 0."""

erf: Op[Attributes] = Op(
    "erf",
    infer_elementwise,
    "erf({a}, {s}, {s2}, {s3}, {o})",
    lambda g, y, x: (g * exp(-square(x)) * 1.1283791670955126,),
    elementwise=True,
    flops=times(60),
    scratch=lambda value: [(value.shape, value.dtype), (value.shape, value.dtype), (value.shape, "bool")],
    in_place=False,
)
"""The error function; its slope is 2 / sqrt(pi) * exp(-x^2)."""

OPERATORS.update(add=add, subtract=subtract, multiply=multiply, divide=divide, negative=negative)
