"""Metrics of how scores order the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from specnet.graph.graph import Value
from specnet.vocabulary.metrics.decisions import OfClasses, misfit

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Auc(OfClasses):
    """The area under the ROC curve: how often a row of a class scores above a row that is not of it.

    All pairs of rows count, and ties one half (Hanley and McNeil, 1982). With several outputs it is the mean
    over classes, each against the rest (`multi_class="ovr", average="macro"` in scikit-learn). A class that
    no row or every row has is left out of the mean; the result is NaN if no class is left.
    """

    type: Literal["auc"] = "auc"

    def keeps(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return all scores and targets."""
        several = prediction.rank > 1 and prediction.shape[-1] != 1
        one_index = several and target.dtype == "int64" and target.shape == prediction.shape[:-1]
        if not one_index and target.count != prediction.count:
            raise misfit(prediction, target)
        kept = {"score": prediction, "target": target}
        return kept if weights is None else {**kept, "weight": weights}

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the area, from the ranks of all scores."""
        import math

        defined = [area for area in self.finish_each(totals, rows) if not math.isnan(area)]
        return sum(defined) / len(defined) if defined else float("nan")

    def finish_each(self, totals: Mapping[str, Any], rows: float) -> list[float]:
        """Return the area of each output; NaN if it is not defined."""
        import numpy as np

        score: Array = totals["score"]
        score = score.reshape(-1, 1 if score.ndim == 1 else score.shape[-1])
        target: Array = totals["target"].reshape(len(score), -1)
        same = target.shape == score.shape
        belongs = target > 0.5 if same else target == np.arange(score.shape[1])
        weight: Array | None = totals.get("weight")
        if weight is not None:
            weight = np.repeat(weight.astype("float64"), len(score) // len(weight))
        if self.ignore_index is not None and not same:
            there = target[:, 0] != self.ignore_index
            score, belongs = score[there], belongs[there]
            weight = None if weight is None else weight[there]
        areas = [_area(score[:, i], belongs[:, i], weight) for i in range(score.shape[1])]
        return [float("nan") if area is None else area for area in areas]


def _area(score: Array, belongs: Array, weight: Array | None) -> float | None:
    """Return (the sum of the ranks of those that belong - its least value) / (yes * no)."""
    import numpy as np

    if weight is not None:
        return _weighted_area(score, belongs, weight)
    yes = int(belongs.sum())
    no = len(belongs) - yes
    if not yes or not no or np.isnan(score).any():
        return None
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2.0
    return float((ranks[place][belongs].sum() - yes * (yes + 1) / 2.0) / (yes * no))


def _weighted_area(score: Array, belongs: Array, weight: Array) -> float | None:
    """Return the share of the pairs of one that belongs and one that does not, each weighing the product of both."""
    import numpy as np

    if np.isnan(score).any():
        return None
    place = np.unique(score, return_inverse=True)[1]
    yes, no = (np.bincount(place, weight * own) for own in (belongs, ~belongs))
    pairs = float(yes.sum() * no.sum())
    return float((yes * (np.cumsum(no) - no / 2.0)).sum()) / pairs if pairs else None
