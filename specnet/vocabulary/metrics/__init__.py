"""What is measured beside the loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from specnet.graph.graph import Value
from specnet.graph.ops.weighting import of_rows
from specnet.graph.sizes import Size
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind
from specnet.vocabulary.losses import Loss


class Metric(Kind):
    """A measure of predictions against targets.

    It is measured batch by batch: `sums` names graph values that are added up over all batches of a split
    (scalars or small arrays), and `finish` computes the result from their totals. Values that are needed as a whole,
    such as the order of all scores, are named by `keeps` instead and passed to `finish` as one array over the split.

    Where rows have sample weights (batch,), a row of weight w counts as w rows: both methods are given `weights`, and
    `finish` the sum of all weights as the number of rows.
    """

    better: ClassVar[Literal["higher", "lower"]] = "higher"
    """Which direction is better, for early stopping and comparisons."""

    is_number: ClassVar[bool] = True
    """Whether its result is one number, which can be monitored."""

    extensive: ClassVar[bool] = False
    """Whether it is as many times as large where all sample weights are."""

    of_quantiles: ClassVar[bool] = False
    """Whether it measures all quantiles that a loss predicts, and not the predictions."""

    needs_naive: ClassVar[bool] = False
    """Whether it is scaled by the errors of naive forecasts, which windows of series have."""

    of_sequences: ClassVar[bool] = False
    """Whether it compares whole sequences: it then sees (batch, steps, ...), even if steps may be padding."""

    @property
    def label(self) -> str:
        """The name that results give it under."""
        return self.type

    def under(self, loss: Loss) -> Self:
        """Return the metric with what a document left out taken from its loss."""
        return self

    def among(self, mask: Value | None) -> Self:
        """Return the metric of sequences whose steps exist where a mask (batch, steps) says so; None for all."""
        return self

    def scaled_by(self, naive: Value) -> Self:
        """Return the metric with the naive errors (batch, targets) of each row's series, if it needs them."""
        return self

    def deciding_from(self, thresholds: tuple[float, ...] | Value) -> Self:
        """Return the metric with the thresholds (labels,) of its output, if it has none of its own."""
        return self

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return the values to add up over batches.

        Raises ShapeFault where it says nothing about predictions and targets of these shapes.
        """
        return {}

    def keeps(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return the values, one or more for each row, to keep for the whole split."""
        return {}

    @abstractmethod
    def finish(self, totals: Mapping[str, Any], rows: float) -> float | list[list[float]]:
        """Return the figure, given the totals (and kept arrays) by name and the number of rows.

        It is NaN where it is not defined, such as the area under a curve that has one class.
        """

    def finish_each(self, totals: Mapping[str, Any], rows: float) -> list[float] | None:
        """Return the figure of each column of the target, given what `finish` is given; None if columns have none."""
        return None


def weighted(values: Value, weights: Value | None) -> Value:
    """Return values (batch, ...) of rows times the rows' weights, if there are some."""
    return values if weights is None else values * of_rows(weights, values)


def share(values: Value, of: Value) -> float:
    """Return what part of a row each of some values is, given predictions (rows, ...), where a row has several."""
    rows = of.shape[0]
    return (rows.times if isinstance(rows, Size) else 1) / values.count.each


METRICS: Family[Metric] = Family(
    "metric",
    Metric,
    __name__,
    {
        "accuracy": "hits.Accuracy",
        "top_k": "hits.TopK",
        "precision": "classification.Precision",
        "recall": "classification.Recall",
        "f1": "classification.F1",
        "iou": "classification.IoU",
        "dice": "classification.DiceMetric",
        "auc": "ranking.Auc",
        "confusion": "classification.Confusion",
        "edit_distance": "sequences.EditDistance",
        "exact_match": "sequences.ExactMatch",
        "perplexity": "tokens.Perplexity",
        "bits_per_character": "tokens.BitsPerCharacter",
        "mse": "regression.MeanSquaredErrorMetric",
        "rmse": "regression.RootMeanSquaredError",
        "mae": "regression.MeanAbsoluteErrorMetric",
        "r2": "regression.R2",
        "smape": "forecasts.SMAPE",
        "mase": "forecasts.MASE",
        "wql": "forecasts.WQL",
        "quantile_coverage": "forecasts.QuantileCoverage",
        "cosine_similarity": "regression.CosineSimilarityMetric",
    },
)

__getattr__ = METRICS.exported
