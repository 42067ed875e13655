"""Element-wise ops that activations and losses are made of."""

from __future__ import annotations

from specnet.graph.attributes import Attributes
from specnet.graph.graph import Op
from specnet.graph.ops.elementwise import (
    absolute,
    elementwise,
    greater,
    less,
    minimum,
    sign,
    square,
    tanh,
    where,
)


class SlopeAttributes(Attributes):
    """The slope below 0."""

    slope: float


class AlphaAttributes(Attributes):
    """What the result tends to far below 0, with its sign turned."""

    alpha: float


class ClipAttributes(Attributes):
    """The least and the largest result."""

    low: float
    high: float


class HuberAttributes(Attributes):
    """Where the parabola ends."""

    delta: float


leaky_relu: Op[SlopeAttributes] = elementwise(
    "leaky_relu",
    lambda value: "max(a, slope * a)" if leaky_relu.of(value).slope <= 1.0 else "min(a, slope * a)",
    lambda g, y, x, slope: (where(greater(x, 0.0), g, g * slope),),
    attributes=SlopeAttributes,
)
"""x where x > 0, else slope * x; the gradient at 0 is the slope."""

elu = elementwise(
    "elu",
    "max(a, 0) + alpha * expm1(min(a, 0))",
    lambda g, y, x, alpha: (g * where(greater(y, 0.0), 1.0, y + alpha),),
    attributes=AlphaAttributes,
)
"""x where x > 0, else alpha * (exp(x) - 1), for alpha >= 0; the gradient at 0 is alpha."""

softsign = elementwise("softsign", "a / (1 + abs(a))", lambda g, y, x: (g / square(absolute(x) + 1.0),))

clip = elementwise(
    "clip",
    "clip(a, low, high)",
    lambda g, y, x, low, high: (g * greater(y, low) * less(y, high),),
    attributes=ClipAttributes,
    flops=2,
)
"""x held between `low` and `high`; the gradient at either end is 0."""

huber = elementwise(
    "huber",
    "near = min(abs(a), delta)\nnear * (abs(a) - near / 2)",
    lambda g, y, x, delta: (g * (sign(x) * minimum(absolute(x), delta)),),
    attributes=HuberAttributes,
)
"""x^2 / 2 where |x| <= delta, else delta * (|x| - delta / 2)."""

log_cosh = elementwise(
    "log_cosh",
    "near = min(abs(a), 20)\ngrown = expm1(near)\nabs(a) - near + log1p(grown**2 / (grown + 1) / 2)",
    lambda g, y, x: (g * tanh(x),),
    flops=16,
)
"""log(cosh(x)), as log1p((e - 1)^2 / 2e) with e = exp(|x|), which keeps its digits near 0.

Beyond 20 it is a straight line to the last digit of float64, and is continued by one: nothing overflows.
"""
