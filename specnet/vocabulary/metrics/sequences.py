"""Metrics that compare whole sequences of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, NonNegativeInt, PrivateAttr

from specnet.graph import ops
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import show
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.metrics import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

ABSENT = -(2**31)
"""What stands in the place of a class where there is none."""


class OfSequences(Metric):
    """Base of metrics that compare the sequence of classes that a row's steps predict with the row's target.

    The predicted class of a step is the one with the highest probability. Where the loss is `ctc`, repeated classes
    count once and blanks are left out.
    """

    blank: NonNegativeInt | None = Field(default=None, examples=[27])
    """The class that stands for no class, between classes that count once; by default that of a `ctc` loss."""
    ignore_index: int | None = Field(default=None, ge=-(2**31), lt=2**31, examples=[0])
    """The class index that fills up targets, or that of positions that have no class; by default that of the loss."""

    of_sequences: ClassVar[bool] = True
    _mask: Value | None = PrivateAttr(default=None)
    """Which steps exist, if not all do."""

    def under(self, loss: Loss) -> Self:
        """Return the metric with the blank of the loss, and what fills up its targets."""
        blank = getattr(loss, "blank", None) if self.blank is None else self.blank
        ignored = loss.ignored if self.ignore_index is None else self.ignore_index
        return self.model_copy(update={"blank": blank, "ignore_index": ignored})

    def among(self, mask: Value | None) -> Self:
        made = self.model_copy()
        made._mask = mask  # noqa: SLF001  its own
        return made

    def keeps(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return what is predicted at each step, and the targets, with ABSENT where there is nothing."""
        classes = prediction.rank == 3 and target.rank == 2 and target.dtype == "int64"
        if not classes or (self.blank is None and prediction.shape[:2] != target.shape):
            raise ShapeFault(
                f"{self.type} compares sequences of classes: predictions (batch, steps, classes) and targets (batch, "
                f"steps), got {show(prediction.shape)} and {show(target.shape)}",
                prediction,
            )
        dtype = prediction.dtype
        predicted = ops.cast(ops.argmax(prediction), to=dtype)
        actual = ops.cast(target, to=dtype)
        if self._mask is not None:
            there = ops.greater(self._mask, 0.0)
            predicted = ops.where(there, predicted, float(ABSENT))
            if self.blank is None:
                actual = ops.where(there, actual, float(ABSENT))
        if self.ignore_index is not None:
            nothing = ops.equal(actual, float(self.ignore_index))
            actual = ops.where(nothing, float(ABSENT), actual)
            if self.blank is None:
                predicted = ops.where(nothing, float(ABSENT), predicted)
        kept = {"predicted": predicted, "actual": actual}
        return kept if weights is None else {**kept, "weight": weights}


class EditDistance(OfSequences):
    """How many classes have to be inserted, deleted or replaced to make the predicted sequences the targets.

    It is the sum of these distances (Levenshtein, 1966) over all rows, divided by the number of classes in their
    targets: the character error rate of text, or the word error rate where classes are words. It may be above 1, and
    is NaN if all targets are empty.
    """

    type: Literal["edit_distance"] = "edit_distance"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the distance for each class of the targets."""
        predicted, actual = spelt(totals["predicted"], self.blank), spelt(totals["actual"], None)
        distances, lengths = edit_distances(predicted, actual), (actual != ABSENT).sum(axis=1)
        if "weight" in totals:
            distances, lengths = distances * totals["weight"], lengths * totals["weight"]
        return float(distances.sum() / lengths.sum()) if lengths.sum() else float("nan")


class ExactMatch(OfSequences):
    """The fraction of rows whose sequence is predicted without a fault: all of its positions are right."""

    type: Literal["exact_match"] = "exact_match"

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the share."""
        predicted, actual = spelt(totals["predicted"], self.blank), spelt(totals["actual"], None)
        width = min(predicted.shape[1], actual.shape[1])
        right = (predicted[:, :width] == actual[:, :width]).all(axis=1)
        for rest in (predicted[:, width:], actual[:, width:]):
            right &= (rest == ABSENT).all(axis=1)
        weight = totals.get("weight")
        if weight is not None:
            return float((right * weight).sum() / weight.sum())
        return float(right.mean())


def spelt(classes: Array, blank: int | None) -> Array:
    """Return sequences (rows, steps) without what is absent between their classes, filled up with it at their end.

    With a blank, repeated classes count once and blanks are left out.
    """
    import numpy as np

    there = classes != ABSENT
    if blank is not None:
        classes = spelt(classes, None)
        there = (classes != ABSENT) & (classes != blank)
        there[:, 1:] &= classes[:, 1:] != classes[:, :-1]
    order = np.argsort(~there, axis=1, kind="stable")
    found: Array = np.take_along_axis(np.where(there, classes, ABSENT), order, axis=1)
    return found


def edit_distances(a: Array, b: Array) -> Array:
    """Return the Levenshtein distance of each row of two arrays of sequences, which ABSENT fills up at their end."""
    import numpy as np

    places = np.arange(a.shape[1] + 1)
    lengths = [(each != ABSENT).sum(axis=1) for each in (a, b)]
    distances = np.repeat(places[None], len(a), axis=0)
    found: Array = distances[np.arange(len(a)), lengths[0]]
    for place in range(b.shape[1]):
        replaced = distances[:, :-1] + (a != b[:, place : place + 1])
        best = np.minimum(replaced, distances[:, 1:] + 1)
        begun = np.full((len(a), 1), place + 1)
        # Each insertion adds 1: a place costs at most what one before it does, and 1 for each place between.
        distances = np.minimum.accumulate(np.hstack([begun, best]) - places, axis=1) + places
        ended = lengths[1] == place + 1
        found[ended] = distances[ended, lengths[0][ended]]
    return found
