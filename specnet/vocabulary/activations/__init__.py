"""Functions applied element by element, or along the last axis, after a layer's sum."""

from __future__ import annotations

from abc import abstractmethod

from specnet.graph.graph import Value
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind


class Activation(Kind):
    """A function applied to a layer's sum, x (batch, ...) -> y of the same shape."""

    @abstractmethod
    def lower(self, x: Value) -> Value:
        """Return f(x)."""


ACTIVATIONS: Family[Activation] = Family(
    "activation",
    Activation,
    __name__,
    {
        "linear": "linear.LinearActivation",
        "sigmoid": "saturating.Sigmoid",
        "tanh": "saturating.Tanh",
        "relu": "rectifiers.Relu",
        "leaky_relu": "rectifiers.LeakyRelu",
        "elu": "rectifiers.Elu",
        "selu": "rectifiers.Selu",
        "gelu": "smooth.Gelu",
        "silu": "smooth.Silu",
        "mish": "smooth.Mish",
        "softplus": "smooth.Softplus",
        "softsign": "saturating.Softsign",
        "hard_sigmoid": "saturating.HardSigmoid",
        "hard_tanh": "saturating.HardTanh",
        "relu6": "rectifiers.Relu6",
        "softmax": "softmax.Softmax",
        "log_softmax": "softmax.LogSoftmax",
    },
)

__getattr__ = ACTIVATIONS.exported
