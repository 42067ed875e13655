"""Activations like a rectifier, without its corner."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.activations import Activation


class Gelu(Activation):
    """y = x * F(x), where F is the normal distribution function (Hendrycks and Gimpel, 2016).

    F(x) = (1 + erf(x / sqrt(2))) / 2, or with `approximate = "tanh"`
    (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2, which is within 0.0005 of it and faster. Exact by
    default, as in PyTorch and Keras.
    """

    type: Literal["gelu"] = "gelu"
    approximate: Literal["none", "tanh"] = "none"
    """Whether F is exact, or approximated with tanh."""

    def lower(self, x: Value) -> Value:
        if self.approximate == "tanh":
            root = 0.7978845608028654  # sqrt(2 / pi)
            bell = ops.tanh(x * (ops.square(x) * (root * 0.044715) + root))
        else:
            bell = ops.erf(x * 0.7071067811865476)
        return x * (bell * 0.5 + 0.5)


class Silu(Activation):
    """y = x * sigmoid(x), also called swish (Elfwing et al., 2017; Ramachandran et al., 2017)."""

    type: Literal["silu"] = "silu"

    def lower(self, x: Value) -> Value:
        return x * ops.sigmoid(x)


class Mish(Activation):
    """y = x * tanh(log(1 + exp(x))) (Misra, 2019)."""

    type: Literal["mish"] = "mish"

    def lower(self, x: Value) -> Value:
        return x * ops.tanh(ops.softplus(x))


class Softplus(Activation):
    """y = log(1 + exp(beta * x)) / beta, a smooth max(x, 0) (Dugas et al., 2001).

    It is exact everywhere; PyTorch returns x itself where beta * x > 20, which is 2e-9 less at that point.
    Keras only has beta = 1.
    """

    type: Literal["softplus"] = "softplus"
    beta: PositiveFloat = 1.0
    """How sharply the curve bends at 0."""

    def lower(self, x: Value) -> Value:
        return ops.softplus(x) if self.beta == 1.0 else ops.softplus(x * self.beta) * (1.0 / self.beta)
