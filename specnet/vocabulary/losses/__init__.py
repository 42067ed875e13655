"""What training makes small."""

from __future__ import annotations

from typing import Any

from specnet.vocabulary.kind import Family
from specnet.vocabulary.losses.loss import Loss, OutputActivation, Targets, aligned

LOSSES: Family[Loss] = Family(
    "loss",
    __name__,
    {
        "mse": "regression.MeanSquaredError",
        "mae": "regression.MeanAbsoluteError",
        "huber": "regression.Huber",
        "log_cosh": "regression.LogCosh",
        "cross_entropy": "classification.CrossEntropy",
        "binary_cross_entropy": "classification.BinaryCrossEntropy",
        "hinge": "classification.Hinge",
        "squared_hinge": "classification.SquaredHinge",
        "kl_divergence": "classification.KLDivergence",
        "poisson": "regression.Poisson",
        "focal": "focal.Focal",
        "binary_focal": "focal.BinaryFocal",
        "dice": "overlap.Dice",
        "binary_dice": "overlap.BinaryDice",
        "cosine_similarity": "direction.CosineSimilarity",
        "gaussian_nll": "gaussian.GaussianNLL",
        "triplet": "embedding.Triplet",
        "contrastive": "embedding.Contrastive",
    },
)

__all__ = [
    "LOSSES",
    "Loss",
    "OutputActivation",
    "Targets",
    "aligned",
]


def __getattr__(name: str) -> Any:
    """Return a kind's class, imported when it is first asked for."""
    return LOSSES.exported(name)
