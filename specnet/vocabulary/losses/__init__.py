"""What training makes small."""

from specnet.vocabulary.losses.classification import (
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    KLDivergence,
    SquaredHinge,
)
from specnet.vocabulary.losses.loss import LOSSES, Link, Loss, Targets, aligned
from specnet.vocabulary.losses.regression import Huber, LogCosh, MeanAbsoluteError, MeanSquaredError, Poisson

LOSSES.add(
    MeanSquaredError,
    MeanAbsoluteError,
    Huber,
    LogCosh,
    CrossEntropy,
    BinaryCrossEntropy,
    Hinge,
    SquaredHinge,
    KLDivergence,
    Poisson,
)

__all__ = [
    "LOSSES",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Hinge",
    "Huber",
    "KLDivergence",
    "Link",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "SquaredHinge",
    "Targets",
    "aligned",
]
