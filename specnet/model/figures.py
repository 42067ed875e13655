"""What evaluation measures of an output: its metrics, and of one output of several its loss as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any, Literal

from specnet.diagnostics import KeyPath
from specnet.graph import ops
from specnet.graph.graph import ShapeFault, Value
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.metrics import Metric


@dataclass(frozen=True, slots=True)
class MeasuredValues:
    """What metrics measure of an output."""

    prediction: Value
    target: Value
    quantiles: Value | None = None
    """(batch, ..., quantiles): all that the loss predicts of each target, if it predicts quantiles."""
    naive: Value | None = None
    """(batch, targets): the errors of the naive forecast of each row's series, for windows of such."""


@dataclass(frozen=True, slots=True)
class OutputFigure:
    """A metric of an output; without one, its loss, without penalties or its weight in the sum of several."""

    output: str
    metric: Metric | None
    loss: Loss
    elements_per_row: int
    """Over how many elements of a row the loss is averaged."""
    path: KeyPath
    """Where the document asks for it."""

    @property
    def label(self) -> str:
        """The name that results give it under; of one output of several, it is `output.figure`."""
        return f"{self.output}.{self.metric_label}" if self.output else self.metric_label

    @property
    def metric_label(self) -> str:
        """The metric's own name, or `loss`."""
        return "loss" if self.metric is None else self.metric.label

    @property
    def better(self) -> Literal["higher", "lower"]:
        """Which direction is good."""
        return "lower" if self.metric is None else self.metric.better

    @property
    def is_number(self) -> bool:
        """Whether it is one number."""
        return self.metric is None or self.metric.is_number

    @property
    def of_sequences(self) -> bool:
        """Whether it compares whole sequences, and not step by step."""
        return self.metric is not None and self.metric.of_sequences

    def among(self, mask: Value | None) -> OutputFigure:
        """Return the figure of sequences whose steps exist where a mask (batch, steps) says so."""
        return replace(self, metric=self.metric and self.metric.among(mask))

    @property
    def unweighted(self) -> bool:
        """Whether it is a metric of a program's own that knows nothing of sample weights."""
        return self.metric is not None and any(
            "weights" not in signature(method).parameters for method in (self.metric.sums, self.metric.keeps)
        )

    def values(
        self,
        elements: Value,
        measured: MeasuredValues,
        weights: Value | None = None,
        thresholds: Value | None = None,
    ) -> Iterator[tuple[str, Value]]:
        """Yield what to add up over batches, as `label/name`, and what to keep for a whole split, as `label:name`.

        What rows cost is weighted already where there are `weights` (batch,). `thresholds` (labels,) are those that
        labels are predicted from, where a run chooses them. Raises ShapeFault where there is not what it measures.
        """
        if self.metric is None:
            yield f"{self.label}/cost", ops.sum_all(elements)
            return
        metric = self.metric if thresholds is None else self.metric.deciding_from(thresholds)
        prediction = measured.prediction
        if metric.of_quantiles:
            if measured.quantiles is None:
                message = f"it measures predicted quantiles, and {self.loss.type} predicts none"
                help = 'loss = { type = "quantile", quantiles = [0.1, 0.5, 0.9] }'
                raise ShapeFault(message, prediction, help=help)
            prediction = measured.quantiles
        if metric.needs_naive:
            if measured.naive is None:
                message = "it is scaled by the error of a naive forecast, and only windows of series have one"
                raise ShapeFault(message, prediction, help='leave it out, or take data of `type = "series"`')
            metric = metric.scaled_by(measured.naive)
        given = (prediction, measured.target) if weights is None else (prediction, measured.target, weights)
        for name, value in metric.sums(*given).items():
            yield f"{self.label}/{name}", value
        for name, value in metric.keeps(*given).items():
            yield f"{self.label}:{name}", value

    @property
    def finish(self) -> Callable[[Mapping[str, Any], float], float | list[list[float]]]:
        """What makes the figure of its totals and kept arrays by name, and the number of rows or sum of weights."""
        return self.mean_loss if self.metric is None else self.metric.finish

    def mean_loss(self, totals: Mapping[str, Any], rows: float) -> float:
        """Return the loss, given the total of what elements cost and the number of rows."""
        return float(totals["cost"]) / (rows * self.elements_per_row) * self.loss.scale
