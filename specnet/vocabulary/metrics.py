"""What is measured beside the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.kind import Family, Kind


class Metric(Kind):
    """A figure of merit of predictions against targets.

    It is measured batch by batch: `sums` names graph values that are added up over all batches of a split
    (scalars or small arrays), and `finish` makes the figure of their totals. What must be seen whole, such as
    the order of all scores, is named by `keeps` instead and handed to `finish` as one array over the split.
    """

    better: ClassVar[Literal["higher", "lower"]] = "higher"
    """Which direction is good: what early stopping and comparisons go by."""

    @property
    def label(self) -> str:
        """The name that results give it under."""
        return self.type

    def sums(self, prediction: Value, target: Value) -> dict[str, Value]:
        """Return the values to add up over batches."""
        raise TypeError(f"{type(self).__name__} says nowhere what it makes of {prediction} and {target}")

    def keeps(self, prediction: Value, target: Value) -> dict[str, Value]:  # noqa: ARG002
        """Return the values, one or more for each row, to keep for the whole split."""
        return {}

    def finish(self, totals: Mapping[str, Any], rows: int) -> float | list[list[float]]:
        """Return the figure, given the totals (and kept arrays) by name and the number of rows."""
        raise TypeError(f"{type(self).__name__} says nowhere what {totals} over {rows} rows amount to")


METRICS: Family[Metric] = Family("metric")


class Accuracy(Metric):
    """The share of rows whose class is predicted.

    The predicted class is the one of highest probability, or 1 where a single probability is at least 0.5.
    """

    type: Literal["accuracy"] = "accuracy"

    def sums(self, prediction: Value, target: Value) -> dict[str, Value]:
        hits = ops.equal(ops.argmax(prediction), target)
        return {"hits": ops.total_all(hits)}

    def finish(self, totals: Mapping[str, Any], rows: int) -> float:
        return float(totals["hits"]) / rows


METRICS.add(Accuracy)
