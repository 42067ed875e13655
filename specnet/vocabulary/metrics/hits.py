"""Metrics that are the fraction of rows that a prediction hits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from pydantic import PositiveInt

from specnet.graph import ops
from specnet.graph.graph import ShapeFault, Value
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.losses.ignoring import known
from specnet.vocabulary.metrics import share, weighted
from specnet.vocabulary.metrics.decisions import Deciding, OfClasses, misfit

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Hits(OfClasses):
    """Base of metrics that are the fraction of rows with a hit."""

    def under(self, loss: Loss) -> Self:
        """Return the metric with what the loss ignores; its `finish` then divides by the rows that count."""
        made = super().under(loss)
        if made.ignore_index is None:
            return made
        kind = type(made)
        among = HITS_AMONG.get(kind, kind).model_construct(**dict(made))
        among._thresholds = made._thresholds  # noqa: SLF001  a copy's own
        return cast("Self", among)

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the share."""
        return float(totals["hits"]) / rows


class HitsAmong(Hits):
    """Base of the same among the rows that count."""

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the share; NaN if no row counts."""
        return float(totals["hits"]) / float(totals["counted"]) if totals["counted"] else float("nan")


class Accuracy(Hits, Deciding):
    """The fraction of rows whose class is predicted correctly.

    The predicted class is the one with the highest probability, the first among equals, or 1 where a single
    probability is at least 0.5. If each output is a separate label, all labels of a row must be right,
    as in scikit-learn's `accuracy_score`; Keras counts labels instead.
    """

    type: Literal["accuracy"] = "accuracy"

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return how many rows are right, as a share of the rows that each example has."""
        made = self.decide(prediction, target)
        right = ops.equal(made.predicted, made.actual)
        if made.form != "labels":
            return _hits(right, made.mask, weights, share(right, prediction))
        every = ops.equal(ops.reduce_sum(right, axes=(1,)), float(made.count))
        each = share(every, prediction)
        of_each = ops.reduce_sum(weighted(right, weights), axes=(0,)) * each
        return {**_hits(every, made.mask, weights, each), "label_hits": of_each}

    def finish_each(self, totals: Mapping[str, Any], rows: float) -> list[float] | None:
        """Return the share of right rows of each label; None if the outputs are no labels."""
        return [float(hits) / rows for hits in totals["label_hits"]] if "label_hits" in totals else None


class TopK(Hits):
    """The fraction of rows whose class is among the k with the highest probabilities.

    Among equal probabilities the later class counts as higher, as in scikit-learn's `top_k_accuracy_score`.
    """

    type: Literal["top_k"] = "top_k"
    k: PositiveInt = 5
    """The number of classes that count as predicted."""

    @property
    def label(self) -> str:
        """The name that results give it under: `top_5`."""
        return f"top_{self.k}"

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return how many rows are right, as a share of the rows that each example has."""
        if prediction.rank > 1 and target.shape == prediction.shape:
            target = ops.argmax(target)
        if target.dtype != "int64" or target.shape != prediction.shape[:-1]:
            raise misfit(prediction, target)
        classes = prediction.shape[-1]
        assert isinstance(classes, int)
        if classes <= self.k:
            raise ShapeFault(
                f"the class of every row is among {self.k} guesses, where there are {classes} classes",
                prediction,
                help=f"take a k below {classes}",
            )
        target, mask = known(target, self.ignore_index)
        column = (*target.shape, 1)
        own = ops.reshape(ops.take_along_axis(prediction, target), shape=column)
        index = ops.fixed(prediction.graph, range(classes), "int64")
        tied = ops.equal(prediction, own) * ops.less_equal(index, ops.reshape(target, shape=column))
        # Counting what is below, rather than above, leaves a row of NaN with no hit.
        below = ops.reduce_sum(ops.less(prediction, own), axes=(prediction.rank - 1,))
        place = below + ops.reduce_sum(tied, axes=(prediction.rank - 1,))
        right = ops.greater(place, float(classes - self.k))
        return _hits(right, mask, weights, share(right, prediction))


class AccuracyAmong(HitsAmong, Accuracy):
    """The accuracy of the positions that have a class."""


class TopKAmong(HitsAmong, TopK):
    """`top_k` of the positions that have a class."""


HITS_AMONG: dict[type[Hits], type[Hits]] = {Accuracy: AccuracyAmong, TopK: TopKAmong}


def _hits(right: Value, mask: Value | None, weights: Value | None, each: float) -> dict[str, Value]:
    """Return how many rows are right, each being a share of one, and how many count if not all do."""
    if mask is None:
        return {"hits": ops.sum_all(weighted(right, weights)) * each}
    counted = {"hits": right * mask, "counted": mask}
    return {name: ops.sum_all(weighted(values, weights)) * each for name, values in counted.items()}
