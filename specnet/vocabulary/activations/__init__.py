"""Functions applied element by element, or along the last axis, after a layer's sum."""

from __future__ import annotations

from specnet.vocabulary.activations.activation import Activation
from specnet.vocabulary.kind import Family

ACTIVATIONS: Family[Activation] = Family(
    "activation",
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

__all__ = [
    "ACTIVATIONS",
    "Activation",
]

__getattr__ = ACTIVATIONS.exported
