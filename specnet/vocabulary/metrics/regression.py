"""Metrics of predicted numbers, as scikit-learn defines them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.losses import aligned
from specnet.vocabulary.losses.direction import cosine
from specnet.vocabulary.metrics import Metric, share, weighted
from specnet.vocabulary.metrics.decisions import misfit

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class SquaredErrors(Metric):
    """Base of metrics that are computed from the sum of each output's squared errors."""

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return the sum of each output's squared errors."""
        return {"squares": _by_output(weighted(ops.square(_error(prediction, target)), weights))}


class MeanSquaredErrorMetric(SquaredErrors):
    """The mean of (y - t)^2 over rows and outputs."""

    type: Literal["mse"] = "mse"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the mean."""
        return float((totals["squares"] / rows).mean())

    def finish_each(self, totals: Mapping[str, Any], rows: float) -> list[float]:
        """Return the mean of each output."""
        return [float(mean) for mean in totals["squares"] / rows]


class RootMeanSquaredError(SquaredErrors):
    """The root of the mean over rows of (y - t)^2; with several outputs, the mean of their roots."""

    type: Literal["rmse"] = "rmse"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the mean of the roots."""
        return float(((totals["squares"] / rows) ** 0.5).mean())

    def finish_each(self, totals: Mapping[str, Any], rows: float) -> list[float]:
        """Return the root of each output."""
        return [float(root) for root in (totals["squares"] / rows) ** 0.5]


class MeanAbsoluteErrorMetric(Metric):
    """The mean of |y - t| over rows and outputs."""

    type: Literal["mae"] = "mae"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return the sum of each output's errors."""
        return {"distances": _by_output(weighted(ops.absolute(_error(prediction, target)), weights))}

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the mean."""
        return float((totals["distances"] / rows).mean())

    def finish_each(self, totals: Mapping[str, Any], rows: float) -> list[float]:
        """Return the mean of each output."""
        return [float(mean) for mean in totals["distances"] / rows]


class R2(SquaredErrors):
    """1 - sum (y - t)^2 / sum (t - mean t)^2: the fraction of the targets' variance that predictions explain.

    With several outputs it is their mean. If all targets are the same it is 1 where every
    prediction is right and else 0, as in scikit-learn; it is NaN for a single row.
    """

    type: Literal["r2"] = "r2"

    def keeps(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return all targets: their variance cannot be had from running sums without losing digits."""
        kept = {"target": aligned(prediction, target)}
        return kept if weights is None else {**kept, "weight": weights}

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the mean of the outputs' shares."""
        shares = self.finish_each(totals, rows)
        return sum(shares) / len(shares)

    def finish_each(self, totals: Mapping[str, Any], rows: float) -> list[float]:
        """Return the share of each output."""
        targets = totals["target"].reshape(len(totals["target"]), -1)
        if len(targets) < 2:
            return [float("nan")] * targets.shape[1]
        # Output by output, so that no more than one column of them is copied.
        around = [_around(column, totals.get("weight")) for column in targets.T]
        return [_explained(*pair) for pair in zip(totals["squares"].tolist(), around, strict=True)]


def _around(targets: Array, weights: Array | None) -> float:
    """Return the sum of squared distances of numbers from their mean, weighted if there are weights."""
    apart = targets.astype("float64")
    if weights is not None:
        weights = weights.astype("float64")
        apart -= (apart @ weights) / weights.sum()
        return float((apart * apart) @ weights)
    apart -= apart.mean()
    return float(apart @ apart)


class CosineSimilarityMetric(Metric):
    """The mean over rows of y·t / (|y| * |t|), over the last axis: 1 where every direction is right.

    Each length is at least 1e-8, as in PyTorch's `cosine_similarity`.
    """

    type: Literal["cosine_similarity"] = "cosine_similarity"

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return the sum of the cosines, as a share of the rows that each example has."""
        if prediction.shape != target.shape or prediction.rank < 2 or target.dtype == "int64":
            raise misfit(prediction, target)
        cosines = cosine(prediction, target, 1e-8)
        return {"cosines": ops.sum_all(weighted(cosines, weights)) * share(cosines, prediction)}

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the mean."""
        return float(totals["cosines"]) / rows


def _explained(squares: float, around: float) -> float:
    if around:
        return 1.0 - squares / around
    return 0.0 if squares else 1.0


def _error(prediction: Value, target: Value) -> Value:
    if prediction.count != target.count:
        raise misfit(prediction, target)
    return prediction - aligned(prediction, target)


def _by_output(x: Value) -> Value:
    """Sum over rows: (batch, ...) to (outputs,)."""
    if x.rank == 1:
        x = ops.reshape(x, shape=(*x.shape, 1))
    return ops.reduce_sum(ops.flat(x), axes=(0,))
