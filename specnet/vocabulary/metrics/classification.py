"""Metrics of predicted classes, as scikit-learn defines them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

from pydantic import PositiveInt

from specnet.graph import ops
from specnet.graph.graph import ShapeFault, Value
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.losses.ignoring import known
from specnet.vocabulary.metrics import weighted
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
        return cast("Self", HITS_AMONG.get(kind, kind).model_construct(**dict(made)))

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
        if made.form == "labels":
            right = ops.equal(ops.reduce_sum(right, axes=(1,)), float(made.count))
        return _hits(right, made.mask, weights)


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
        return _hits(right, mask, weights)


class AccuracyAmong(HitsAmong, Accuracy):
    """The accuracy of the positions that have a class."""


class TopKAmong(HitsAmong, TopK):
    """`top_k` of the positions that have a class."""


HITS_AMONG: dict[type[Hits], type[Hits]] = {Accuracy: AccuracyAmong, TopK: TopKAmong}


class Counted(Deciding):
    """Base of metrics that are computed from how often each class is predicted, true, and both.

    `binary` is the value for class 1, `macro` the mean of the values of all classes, `micro` the value for their
    summed counts. A class that is neither predicted nor true is left out of the mean; if each output is a separate
    label, all labels are included. A value that would divide by 0 is 0.
    """

    average: Literal["binary", "macro", "micro"] | None = None
    """How the values of the classes are combined: the value of class 1 (`binary`, the default for one output),
    their mean (`macro`, the default for several), or the value for their summed counts (`micro`)."""

    @property
    def label(self) -> str:
        """The name that results give it under: `f1`, or `f1_macro` where the average is chosen."""
        return self.type if self.average is None else f"{self.type}_{self.average}"

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return the counts of each class, named after the form that the decisions have."""
        made = self.decide(prediction, target)
        if self.average == "binary" and (made.form == "labels" or made.count > 2):
            raise ShapeFault(
                f'the average "binary" is for two classes, and there are {made.count} '
                f"{'labels' if made.form == 'labels' else 'classes'}",
                prediction,
                help='take "macro" or "micro"',
            )
        predicted, actual = made.one_hot()
        counted = {"both": predicted * actual, "predicted": predicted, "actual": actual}
        return {
            f"{made.form}_{name}": ops.reduce_sum(weighted(values, weights), axes=(0,))
            for name, values in counted.items()
        }

    def finish(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the average of the classes' figures."""
        form = next(iter(totals)).partition("_")[0]
        both, predicted, actual = (totals[f"{form}_{name}"] for name in ("both", "predicted", "actual"))
        average = self.average or ("binary" if form == "binary" else "macro")
        if average == "micro":
            return self._figure(both.sum(), predicted.sum(), actual.sum())
        if average == "binary":
            return self._figure(both[1], predicted[1], actual[1])
        present = [i for i in range(len(both)) if form == "labels" or predicted[i] + actual[i] > 0]
        return sum(self._figure(both[i], predicted[i], actual[i]) for i in present) / len(present)

    @abstractmethod
    def _figure(self, both: float, predicted: float, actual: float) -> float:
        """Return the figure of the rows that are, or are predicted to be, of one class."""


class Precision(Counted):
    """The fraction of rows predicted to be of a class that are of it; 0 if none is predicted to be.

    A class that is neither predicted nor true is left out of the mean over classes, as in scikit-learn.
    """

    type: Literal["precision"] = "precision"

    def _figure(self, both: float, predicted: float, actual: float) -> float:
        return _quotient(both, predicted)


class Recall(Counted):
    """The fraction of rows of a class that are predicted to be of it; 0 if none is of it.

    A class that is neither predicted nor true is left out of the mean over classes, as in scikit-learn.
    """

    type: Literal["recall"] = "recall"

    def _figure(self, both: float, predicted: float, actual: float) -> float:
        return _quotient(both, actual)


class F1(Counted):
    """The harmonic mean of precision and recall, 2 * both / (predicted + true); 0 where both are 0.

    A class that is neither predicted nor true is left out of the mean over classes, as in scikit-learn.
    """

    type: Literal["f1"] = "f1"

    def _figure(self, both: float, predicted: float, actual: float) -> float:
        return _quotient(2.0 * both, predicted + actual)


class IoU(Counted):
    """The intersection over union of a class, both / (predicted + true - both), also called Jaccard index.

    It is 0 where a class is never predicted correctly. A class that is neither predicted nor true is left out of the
    mean over classes, as in scikit-learn's `jaccard_score`. Where each place of an image has a class, all places of all
    images are counted together; Keras's `MeanIoU` is the average `macro`.
    """

    type: Literal["iou"] = "iou"

    def _figure(self, both: float, predicted: float, actual: float) -> float:
        return _quotient(both, predicted + actual - both)


class DiceMetric(Counted):
    """The Dice coefficient of a class, 2 * both / (predicted + true): the `f1` of places, by the name for images.

    A class that is neither predicted nor true is left out of the mean over classes. Where each place of an image has a
    class, all places of all images are counted together; the loss `dice` is of probabilities, image by image.
    """

    type: Literal["dice"] = "dice"

    def _figure(self, both: float, predicted: float, actual: float) -> float:
        return _quotient(2.0 * both, predicted + actual)


class Confusion(Deciding):
    """How often each class (row) is predicted to be each class (column); sums of weights where rows have weights."""

    type: Literal["confusion"] = "confusion"
    is_number: ClassVar[bool] = False
    extensive: ClassVar[bool] = True

    def sums(self, prediction: Value, target: Value, weights: Value | None = None) -> dict[str, Value]:
        """Return the counts, (classes, classes)."""
        made = self.decide(prediction, target)
        if made.form == "labels":
            raise ShapeFault("a confusion matrix needs one class per row, not of several labels", prediction)
        predicted, actual = made.one_hot()
        name = "counts" if weights is None else "weights"
        return {name: ops.MATMUL(weighted(actual, weights), predicted, a_t=True, b_t=False)}

    def finish(self, totals: Mapping[str, Any], rows: float) -> list[list[float]]:
        """Return the counts as rows of whole numbers, or the sums of weights."""
        if "weights" in totals:
            sums: list[list[float]] = totals["weights"].tolist()
            return sums
        return [[round(count) for count in row] for row in totals["counts"].tolist()]


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
        defined = [area for area in areas if area is not None]
        return sum(defined) / len(defined) if defined else float("nan")


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


def _hits(right: Value, mask: Value | None, weights: Value | None) -> dict[str, Value]:
    """Return how many rows are right, as a share of the rows of each example, and how many count if not all do."""
    each = 1.0 / right.count.each
    if mask is None:
        return {"hits": ops.sum_all(weighted(right, weights)) * each}
    counted = {"hits": right * mask, "counted": mask}
    return {name: ops.sum_all(weighted(values, weights)) * each for name, values in counted.items()}


def _quotient(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
