"""Element-wise ops that activations and losses are made of, each a single pass over memory."""

from __future__ import annotations

from dataclasses import dataclass

from specnet.graph.attributes import Attributes
from specnet.graph.graph import Value
from specnet.graph.ops.elementwise import (
    absolute,
    elementwise,
    greater,
    less,
    masked,
    minimum,
    sign,
    square,
    tanh,
    where,
)


@dataclass(frozen=True)
class SlopeAttributes(Attributes):
    """The slope below 0."""

    slope: float


@dataclass(frozen=True)
class AlphaAttributes(Attributes):
    """What the result tends to far below 0, with its sign turned."""

    alpha: float


@dataclass(frozen=True)
class ClipAttributes(Attributes):
    """The least and the largest result."""

    low: float
    high: float


@dataclass(frozen=True)
class HuberAttributes(Attributes):
    """Where the parabola ends."""

    delta: float


def _leaky_relu_kernel(value: Value) -> str:
    larger = "maximum" if leaky_relu.of(value).slope <= 1.0 else "minimum"
    return f"multiply({{a}}, {{slope}}, {{s}})\n{larger}({{a}}, {{s}}, out={{o}})"


leaky_relu = elementwise(
    "leaky_relu",
    _leaky_relu_kernel,
    lambda g, y, x, slope: (where(greater(x, 0.0), g, g * slope),),
    attributes=SlopeAttributes,
    flops=2,
    scratch=1,
)
"""x where x > 0, else slope * x; the gradient at 0 is the slope."""

elu = elementwise(
    "elu",
    "minimum({a}, {=0.0}, out={s})\nexpm1({s}, {s})\nmultiply({s}, {alpha}, {s})\n"
    "maximum({a}, {=0.0}, out={o})\nadd({o}, {s}, {o})",
    lambda g, y, x, alpha: (g * where(greater(y, 0.0), 1.0, y + alpha),),
    attributes=AlphaAttributes,
    flops=5,
    scratch=1,
)
"""x where x > 0, else alpha * (exp(x) - 1), for alpha >= 0; the gradient at 0 is alpha."""

softsign = elementwise(
    "softsign",
    "absolute({a}, {s})\nadd({s}, {=1.0}, {s})\ndivide({a}, {s}, {o})",
    lambda g, y, x: (g / square(absolute(x) + 1.0),),
    flops=3,
    scratch=1,
)
"""x / (1 + |x|)."""

clip = elementwise(
    "clip",
    "maximum({a}, {low}, out={o})\nminimum({o}, {high}, out={o})",
    lambda g, y, x, low, high: (masked(masked(g, greater(y, low)), less(y, high)),),
    attributes=ClipAttributes,
    flops=2,
)
"""x held between `low` and `high`; the gradient at either end is 0."""

huber = elementwise(
    "huber",
    "absolute({a}, {s})\nminimum({s}, {delta}, out={s2})\nmultiply({s2}, {=0.5}, {o})\n"
    "subtract({s}, {o}, {o})\nmultiply({o}, {s2}, {o})",
    lambda g, y, x, delta: (g * (sign(x) * minimum(absolute(x), delta)),),
    attributes=HuberAttributes,
    flops=5,
    scratch=2,
)
"""x^2 / 2 where |x| <= delta, else delta * (|x| - delta / 2): c * (|x| - c / 2), c = min(|x|, delta)."""

log_cosh = elementwise(
    "log_cosh",
    "absolute({a}, {s})\nminimum({s}, {=20.0}, out={s2})\nsubtract({s}, {s2}, {o})\n"
    "expm1({s2}, {s2})\nadd({s2}, {=1.0}, {s})\nmultiply({s2}, {s2}, {s2})\ndivide({s2}, {s}, {s2})\n"
    "multiply({s2}, {=0.5}, {s2})\nlog1p({s2}, {s2})\nadd({o}, {s2}, {o})",
    lambda g, y, x: (g * tanh(x),),
    flops=16,
    scratch=2,
)
"""log(cosh(x)), as log1p((e - 1)^2 / 2e) with e = exp(|x|), which keeps its digits near 0.

Beyond 20 it is a straight line to the last digit of float64, and is continued by one: nothing overflows.
"""
