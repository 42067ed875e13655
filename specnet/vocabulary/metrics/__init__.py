"""What is measured beside the loss."""

from __future__ import annotations

from specnet.vocabulary.kind import Family
from specnet.vocabulary.metrics.metric import Metric

METRICS: Family[Metric] = Family(
    "metric",
    __name__,
    {
        "accuracy": "classification.Accuracy",
        "top_k": "classification.TopK",
        "precision": "classification.Precision",
        "recall": "classification.Recall",
        "f1": "classification.F1",
        "auc": "classification.Auc",
        "confusion": "classification.Confusion",
        "mse": "regression.MeanSquaredErrorMetric",
        "rmse": "regression.RootMeanSquaredError",
        "mae": "regression.MeanAbsoluteErrorMetric",
        "r2": "regression.R2",
        "cosine_similarity": "regression.CosineSimilarityMetric",
    },
)

__all__ = [
    "METRICS",
    "Metric",
]

__getattr__ = METRICS.exported
