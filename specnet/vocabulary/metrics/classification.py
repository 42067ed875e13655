"""Metrics of predicted classes, as scikit-learn defines them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from specnet.graph import ops
from specnet.graph.graph import ShapeFault, Value
from specnet.vocabulary.metrics import weighted
from specnet.vocabulary.metrics.decisions import Deciding

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


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

    def finish_each(self, totals: Mapping[str, Any], rows: float) -> list[float] | None:
        """Return the figure of each label; None if the outputs are no labels."""
        if "labels_both" not in totals:
            return None
        counts = (totals[f"labels_{name}"] for name in ("both", "predicted", "actual"))
        return [self._figure(*each) for each in zip(*counts, strict=True)]

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


def _quotient(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
