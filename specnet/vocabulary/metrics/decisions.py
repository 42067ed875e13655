"""What is predicted, as opposed to how probable it is said to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, PrivateAttr

from specnet.graph import ops
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import joined, show
from specnet.vocabulary.losses import Loss, aligned
from specnet.vocabulary.losses.ignoring import known
from specnet.vocabulary.metrics import Metric


@dataclass(frozen=True, slots=True)
class Decisions:
    """Predicted and true classes, in one of three forms.

    `binary`: yes or no for each row, (n,) of bool. `classes`: one of `count` classes for each row, (n,) of
    int64. `labels`: yes or no for each of `count` labels of a row, (n, count) of bool.
    """

    form: Literal["binary", "classes", "labels"]
    predicted: Value
    actual: Value
    count: int
    mask: Value | None = None
    """1 for rows that count and 0 for others, (n,); None where all do."""

    def one_hot(self) -> tuple[Value, Value]:
        """Return what is predicted and what is true as (n, count), 1 for yes and 0 for no.

        Two classes are made of yes and no.
        """
        both = self._one_hot(self.predicted), self._one_hot(self.actual)
        if self.mask is None:
            return both
        there = ops.reshape(self.mask, shape=(*self.mask.shape, 1))
        return both[0] * there, both[1] * there

    def _one_hot(self, value: Value) -> Value:
        if self.form == "labels":
            return ops.cast(value, to=value.graph.dtype)
        index = ops.cast(value, to="int64") if self.form == "binary" else value
        return ops.one_hot(index, classes=self.count)


class OfClasses(Metric):
    """Base of the metrics of classes, which may leave positions out."""

    ignore_index: int | None = Field(default=None, ge=-(2**31), lt=2**31, examples=[255])
    """The class index of positions that have no class and are left out; by default that of the loss."""
    _thresholds: tuple[float, ...] | Value | None = PrivateAttr(default=None)
    """The thresholds of its output for each label, if it decides and has none of its own."""

    def under(self, loss: Loss) -> Self:
        """Return the metric with what the loss ignores."""
        if self.ignore_index is not None:
            return self
        return self.model_copy(update={"ignore_index": loss.ignored})


class Deciding(OfClasses):
    """Base of the metrics that compare predicted with true classes.

    The predicted class is the one with the highest probability, the first among equals; where a row has a single
    probability, it is 1 if that is at least the threshold.
    """

    threshold: float | None = Field(default=None, examples=[0.7])
    """The value of a single output from which class 1 is predicted; by default that of the document, or of the
    loss: 0.5, or 0 for hinge losses."""
    multilabel: bool | None = None
    """Whether each output is a separate yes or no; by default this depends on the loss: true for
    `binary_cross_entropy` and the hinge losses."""

    def under(self, loss: Loss) -> Self:
        """Return the metric with the loss's threshold and reading of several outputs."""
        threshold = loss.threshold if self.threshold is None else self.threshold
        multilabel = loss.targets == "binary" if self.multilabel is None else self.multilabel
        own = super().under(loss)
        return own.model_copy(update={"threshold": threshold, "multilabel": multilabel})

    def deciding_from(self, thresholds: tuple[float, ...] | Value) -> Self:
        """Return the metric with the thresholds (labels,) of its output, if it has none of its own."""
        if self.threshold is not None and self._thresholds is None:
            return self
        made = self.model_copy()
        made._thresholds = thresholds  # noqa: SLF001  its own
        return made

    def _cutoff(self, prediction: Value, labels: int) -> Value | float:
        """Return what the labels of a prediction are compared with."""
        given = self._thresholds
        if isinstance(given, Value):
            return given if prediction.rank > 1 else ops.reshape(given, shape=())
        if given is not None and len(given) == labels:
            return given[0] if len(set(given)) == 1 else ops.fixed(prediction.graph, given)
        return 0.5 if self.threshold is None else self.threshold

    def decide(self, prediction: Value, target: Value) -> Decisions:
        """Return what is predicted and what is true; all axes but that of classes are rows.

        Raises ShapeFault where predictions and targets do not fit.
        """
        classes = prediction.shape[-1] if prediction.rank > 1 else 1
        assert isinstance(classes, int)
        threshold = self._cutoff(prediction, classes)
        if classes == 1:
            if prediction.count != target.count:
                raise misfit(prediction, target)
            actual = ops.greater(aligned(prediction, target), 0.5)
            predicted = ops.greater_equal(prediction, threshold)
            return Decisions("binary", _in_rows(predicted), _in_rows(actual), 2)
        if target.dtype == "int64" and target.shape == prediction.shape[:-1]:
            target, mask = known(target, self.ignore_index)
            rows = None if mask is None else _in_rows(mask)
            return Decisions("classes", _in_rows(ops.argmax(prediction)), _in_rows(target), classes, rows)
        if target.shape != prediction.shape:
            raise misfit(prediction, target)
        if self.multilabel:
            predicted, actual = ops.greater_equal(prediction, threshold), ops.greater(target, 0.5)
            return Decisions("labels", ops.rows(predicted), ops.rows(actual), classes)
        return Decisions("classes", _in_rows(ops.argmax(prediction)), _in_rows(ops.argmax(target)), classes)


def misfit(prediction: Value, target: Value) -> ShapeFault:
    """Return the fault of predictions and targets that cannot be compared."""
    return ShapeFault(
        f"predictions {show(prediction.shape)} and targets {show(target.shape)} cannot be compared",
        prediction,
    )


def _in_rows(value: Value) -> Value:
    return value if value.rank == 1 else ops.reshape(value, shape=(joined(value.shape),))
