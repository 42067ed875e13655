"""What is measured beside the loss."""

from specnet.vocabulary.metrics.classification import F1, Accuracy, Auc, Confusion, Precision, Recall, TopK
from specnet.vocabulary.metrics.metric import METRICS, Metric
from specnet.vocabulary.metrics.regression import (
    R2,
    MeanAbsoluteError,
    MeanSquaredError,
    RootMeanSquaredError,
)

METRICS.add(
    Accuracy,
    TopK,
    Precision,
    Recall,
    F1,
    Auc,
    Confusion,
    MeanSquaredError,
    RootMeanSquaredError,
    MeanAbsoluteError,
    R2,
)

__all__ = [
    "F1",
    "METRICS",
    "R2",
    "Accuracy",
    "Auc",
    "Confusion",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "TopK",
]
