"""What training makes small."""

from __future__ import annotations

from specnet.vocabulary.family import Family
from specnet.vocabulary.losses.loss import NUMBERS, Loss, OutputActivation, Targets, aligned

LOSSES: Family[Loss] = Family(
    "loss",
    Loss,
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
        "quantile": "quantile.QuantileLoss",
        "gaussian_nll": "gaussian.GaussianNLL",
        "ctc": "ctc.CTC",
        "triplet": "embedding.Triplet",
        "contrastive": "embedding.Contrastive",
    },
)

__all__ = [
    "LOSSES",
    "NUMBERS",
    "Loss",
    "OutputActivation",
    "Targets",
    "aligned",
]

__getattr__ = LOSSES.exported
