"""Metrics of forecasts of series, and of predicted quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import PrivateAttr

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.losses import Loss, aligned
from specnet.vocabulary.losses.quantile import QuantileLoss, pinball
from specnet.vocabulary.metrics import Metric, weighted
from specnet.vocabulary.metrics.decisions import misfit


class SMAPE(Metric):
    """The mean of 2 |y - t| / (|y| + |t|) over rows and outputs, from 0 to 2; 0 where both are 0.

    Some multiply it by 100.
    """

    type: Literal["smape"] = "smape"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return the sum of the ratios, as a share of the elements that each row has."""
        if prediction.count != target.count:
            raise misfit(prediction, target)
        wanted = aligned(prediction, target)
        size = ops.absolute(prediction) + ops.absolute(wanted)
        ratio = ops.absolute(prediction - wanted) * 2.0 / ops.maximum(size, 1e-30)
        return {"ratios": ops.sum_all(weighted(ratio, weights)) * (1.0 / ratio.count.each)}

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the mean."""
        return float(totals["ratios"]) / rows


class MASE(Metric):
    """The mean of |y - t| / e, e being the mean absolute error of the seasonal naive forecast of the row's series.

    That error is of one step, within the training: the mean of |t - t'| where t' is the value one `season` of the data
    before t (Hyndman and Koehler, 2006). Series whose error is 0, since they repeat themselves, are left out; it is NaN
    if no other is left.
    """

    type: Literal["mase"] = "mase"
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    needs_naive: ClassVar[bool] = True
    _naive: Value | None = PrivateAttr(default=None)

    def scaled_by(self, naive: Value) -> Self:
        """Return the metric with the naive errors (batch, targets) of each row's series."""
        own = self.model_copy()
        own._naive = naive  # noqa: SLF001
        return own

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return the sum of the scaled errors, and how many there are."""
        assert self._naive is not None, "it is given before it is measured"
        if prediction.count != target.count:
            raise misfit(prediction, target)
        naive = self._naive
        there = ops.greater(naive, 0.0)
        counted = ops.cast(there, to=naive.dtype)
        inverse = counted / ops.where(there, naive, 1.0)
        errors = ops.absolute(prediction - aligned(prediction, target))
        batch, targets = naive.shape
        assert isinstance(targets, int)
        by_target = ops.reshape(errors, shape=(batch, errors.count.each // targets, targets))
        scaled = by_target * ops.reshape(inverse, shape=(batch, 1, targets))
        steps = float(errors.count.each // targets)
        return {
            "errors": ops.sum_all(weighted(scaled, weights)),
            "counted": ops.sum_all(weighted(counted, weights)) * steps,
        }

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the mean over the errors that are counted."""
        counted = float(totals["counted"])
        return float(totals["errors"]) / counted if counted else float("nan")


class OfQuantiles(Metric):
    """Base of the metrics of predicted quantiles (batch, ..., quantiles)."""

    of_quantiles: ClassVar[bool] = True
    _levels: tuple[float, ...] = PrivateAttr(default=())

    def under(self, loss: Loss) -> Self:
        """Return the metric with the quantiles of the loss."""
        own = self.model_copy()
        own._levels = loss.quantiles if isinstance(loss, QuantileLoss) else ()  # noqa: SLF001
        return own


class WQL(OfQuantiles):
    """2 sum(pinball loss) / sum |t|, averaged over quantiles: the weighted quantile loss, as in GluonTS.

    It is NaN where all targets are 0.
    """

    type: Literal["wql"] = "wql"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return the sum of the losses, and that of the targets' sizes."""
        losses = pinball(prediction, target, self._levels)
        return {
            "losses": ops.sum_all(weighted(losses, weights)),
            "sizes": ops.sum_all(weighted(ops.absolute(target), weights)),
        }

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the ratio."""
        sizes = float(totals["sizes"]) * len(self._levels)
        return 2.0 * float(totals["losses"]) / sizes if sizes else float("nan")


class QuantileCoverage(OfQuantiles):
    """The share of the targets from the lowest to the highest quantile: of 0.1 and 0.9, about 0.8 at best."""

    type: Literal["quantile_coverage"] = "quantile_coverage"

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return how many targets lie inside, as a share of those that each row has."""
        outside = ((0, 0),) * (prediction.rank - 1)
        last = len(self._levels) - 1
        low, high = (ops.crop(prediction, margins=(*outside, at)) for at in ((0, last), (last, 0)))
        wanted = aligned(low, target)
        inside = ops.cast(ops.greater_equal(wanted, low), to=low.dtype) * ops.cast(
            ops.less_equal(wanted, high), to=low.dtype
        )
        return {"inside": ops.sum_all(weighted(inside, weights)) * (1.0 / inside.count.each)}

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the share."""
        return float(totals["inside"]) / rows
