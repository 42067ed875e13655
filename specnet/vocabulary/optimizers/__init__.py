"""The rules that turn gradients into steps."""

from __future__ import annotations

from specnet.vocabulary.kind import Family
from specnet.vocabulary.optimizers.optimizer import Optimizer, Searching, Stepping

OPTIMIZERS: Family[Optimizer] = Family(
    "optimizer",
    __name__,
    {
        "sgd": "sgd.SGD",
        "adam": "adam.Adam",
        "adamw": "adam.AdamW",
        "nadam": "adam.NAdam",
        "rmsprop": "adaptive.RMSProp",
        "adagrad": "adaptive.Adagrad",
        "adadelta": "adaptive.Adadelta",
        "lion": "lion.Lion",
        "lbfgs": "lbfgs.LBFGS",
    },
)

__all__ = [
    "OPTIMIZERS",
    "Optimizer",
    "Searching",
    "Stepping",
]

__getattr__ = OPTIMIZERS.exported
