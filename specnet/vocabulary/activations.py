"""Functions applied element by element, or along the last axis, after a layer's sum."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from specnet.graph import ops
from specnet.graph.graph import ShapeFault, Value
from specnet.runtime.shapes import show
from specnet.vocabulary.kind import Family, Kind


class Activation(Kind):
    """A function of a layer's sum, x (batch, ...) -> y of the same shape."""

    def lower(self, x: Value) -> Value:
        """Return f(x)."""
        raise TypeError(f"{type(self).__name__} says nowhere what it makes of {x}")


ACTIVATIONS: Family[Activation] = Family("activation")


class Linear(Activation):
    """y = x."""

    type: Literal["linear"] = "linear"

    def lower(self, x: Value) -> Value:
        return x


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)), in (0, 1)."""

    type: Literal["sigmoid"] = "sigmoid"

    def lower(self, x: Value) -> Value:
        return ops.sigmoid(x)


class Tanh(Activation):
    """y = tanh(x), in (-1, 1)."""

    type: Literal["tanh"] = "tanh"

    def lower(self, x: Value) -> Value:
        return ops.tanh(x)


class Relu(Activation):
    """y = max(x, 0); the slope at 0 is taken as 0 (Nair and Hinton, 2010)."""

    type: Literal["relu"] = "relu"

    def lower(self, x: Value) -> Value:
        return ops.relu(x)


class LeakyRelu(Activation):
    """y = x where x > 0, else slope * x; the slope at 0 is taken as `slope` (Maas et al., 2013).

    The slope is PyTorch's (and the paper's) 0.01 by default; the layer of Keras has 0.3, its function 0.2.
    """

    type: Literal["leaky_relu"] = "leaky_relu"
    slope: Annotated[float, Field(ge=0)] = 0.01
    """What negative x is multiplied by."""

    def lower(self, x: Value) -> Value:
        return ops.leaky_relu(x, slope=self.slope)


class Elu(Activation):
    """y = x where x > 0, else alpha * (exp(x) - 1) (Clevert et al., 2016)."""

    type: Literal["elu"] = "elu"
    alpha: Annotated[float, Field(ge=0)] = 1.0
    """The value, without its sign, that y goes to for very negative x."""

    def lower(self, x: Value) -> Value:
        return ops.elu(x, alpha=self.alpha)


class Selu(Activation):
    """y = s * x where x > 0, else s * a * (exp(x) - 1), with s = 1.0507... and a = 1.6733...

    The constants keep a deep network's activations at mean 0 and variance 1, given `lecun_normal` kernels
    (Klambauer et al., 2017).
    """

    type: Literal["selu"] = "selu"

    def lower(self, x: Value) -> Value:
        return ops.elu(x, alpha=1.6732632423543772848170429916717) * 1.0507009873554804934193349852946


class Gelu(Activation):
    """y = x * F(x), F the distribution function of the normal distribution (Hendrycks and Gimpel, 2016).

    F(x) = (1 + erf(x / sqrt(2))) / 2, or with `approximate = "tanh"`
    (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2, which is within 0.0005 of it and faster. Exact by
    default, as in PyTorch and Keras.
    """

    type: Literal["gelu"] = "gelu"
    approximate: Literal["none", "tanh"] = "none"
    """Whether F is exact, or approximated by a hyperbolic tangent."""

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

    It is exact everywhere; PyTorch gives x itself where beta * x > 20, which is 2e-9 less at that point.
    Keras knows beta = 1 alone.
    """

    type: Literal["softplus"] = "softplus"
    beta: PositiveFloat = 1.0
    """How sharply it bends at 0."""

    def lower(self, x: Value) -> Value:
        return ops.softplus(x) if self.beta == 1.0 else ops.softplus(x * self.beta) * (1.0 / self.beta)


class Softsign(Activation):
    """y = x / (1 + |x|), in (-1, 1) (Turian et al., 2009)."""

    type: Literal["softsign"] = "softsign"

    def lower(self, x: Value) -> Value:
        return ops.softsign(x)


class HardSigmoid(Activation):
    """y = min(max(x + 3, 0), 6) / 6, as in PyTorch and Keras 3; up to Keras 2 it was 0.2 * x + 0.5, clipped.

    The slope is 0 at both corners, x = -3 and x = 3, as in PyTorch (Howard et al., 2019).
    """

    type: Literal["hard_sigmoid"] = "hard_sigmoid"

    def lower(self, x: Value) -> Value:
        return ops.clip(x + 3.0, low=0.0, high=6.0) * (1.0 / 6.0)


class HardTanh(Activation):
    """y = min(max(x, -1), 1); the slope is 0 at both corners, as in PyTorch (Collobert, 2004)."""

    type: Literal["hard_tanh"] = "hard_tanh"

    def lower(self, x: Value) -> Value:
        return ops.clip(x, low=-1.0, high=1.0)


class Relu6(Activation):
    """y = min(max(x, 0), 6); the slope is 0 at both corners, as in PyTorch (Krizhevsky, 2010)."""

    type: Literal["relu6"] = "relu6"

    def lower(self, x: Value) -> Value:
        return ops.clip(x, low=0.0, high=6.0)


class Softmax(Activation):
    """y_i = exp(x_i) / sum_j exp(x_j) along the last axis: probabilities that sum to 1 (Bridle, 1990)."""

    type: Literal["softmax"] = "softmax"

    def lower(self, x: Value) -> Value:
        return ops.softmax(_with_features(self.type, x))


class LogSoftmax(Activation):
    """y_i = x_i - log(sum_j exp(x_j)) along the last axis: the logarithms of softmax's probabilities."""

    type: Literal["log_softmax"] = "log_softmax"

    def lower(self, x: Value) -> Value:
        return ops.log_softmax(_with_features(self.type, x))


def _with_features(name: str, x: Value) -> Value:
    if x.rank < 2:
        raise ShapeFault(f"{name} works along an axis of features, and gets {show(x.shape)}", x)
    return x


ACTIVATIONS.add(
    Linear,
    Sigmoid,
    Tanh,
    Relu,
    LeakyRelu,
    Elu,
    Selu,
    Gelu,
    Silu,
    Mish,
    Softplus,
    Softsign,
    HardSigmoid,
    HardTanh,
    Relu6,
    Softmax,
    LogSoftmax,
)
