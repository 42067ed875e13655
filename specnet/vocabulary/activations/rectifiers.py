"""Activations that let what is positive pass."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.activations import Activation


class Relu(Activation):
    """y = max(x, 0); the gradient at 0 is 0 (Nair and Hinton, 2010)."""

    type: Literal["relu"] = "relu"

    def lower(self, x: Value) -> Value:
        return ops.relu(x)


class LeakyRelu(Activation):
    """y = x where x > 0, else slope * x; the gradient at 0 is `slope` (Maas et al., 2013).

    The default slope, 0.01, is that of PyTorch and the paper; the layer of Keras has 0.3, its function 0.2.
    """

    type: Literal["leaky_relu"] = "leaky_relu"
    slope: Annotated[float, Field(ge=0)] = 0.01
    """The factor for negative x."""

    def lower(self, x: Value) -> Value:
        return ops.leaky_relu(x, slope=self.slope)


class Elu(Activation):
    """y = x where x > 0, else alpha * (exp(x) - 1) (Clevert et al., 2016)."""

    type: Literal["elu"] = "elu"
    alpha: Annotated[float, Field(ge=0)] = 1.0
    """The magnitude of y for very negative x."""

    def lower(self, x: Value) -> Value:
        return ops.elu(x, alpha=self.alpha)


class Selu(Activation):
    """y = s * x where x > 0, else s * a * (exp(x) - 1), with s = 1.0507... and a = 1.6733...

    With `lecun_normal` kernels, the constants keep the activations of a deep network at mean 0 and variance 1
    (Klambauer et al., 2017).
    """

    type: Literal["selu"] = "selu"

    def lower(self, x: Value) -> Value:
        return ops.elu(x, alpha=1.6732632423543772848170429916717) * 1.0507009873554804934193349852946


class Relu6(Activation):
    """y = min(max(x, 0), 6); the gradient is 0 at both corners, as in PyTorch (Krizhevsky, 2010)."""

    type: Literal["relu6"] = "relu6"

    def lower(self, x: Value) -> Value:
        return ops.clip(x, low=0.0, high=6.0)
