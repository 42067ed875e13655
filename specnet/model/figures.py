"""What evaluation measures of an output: its metrics, and of one output of several its loss as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from specnet.diagnostics import KeyPath
from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.metrics import Metric


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
        own = "loss" if self.metric is None else self.metric.label
        return f"{self.output}.{own}" if self.output else own

    @property
    def better(self) -> Literal["higher", "lower"]:
        """Which direction is good."""
        return "lower" if self.metric is None else self.metric.better

    @property
    def is_number(self) -> bool:
        """Whether it is one number."""
        return self.metric is None or self.metric.is_number

    def values(self, elements: Value, prediction: Value, target: Value) -> Iterator[tuple[str, Value]]:
        """Yield what to add up over batches, as `label/name`, and what to keep for a whole split, as `label:name`."""
        if self.metric is None:
            yield f"{self.label}/cost", ops.sum_all(elements)
            return
        for name, value in self.metric.sums(prediction, target).items():
            yield f"{self.label}/{name}", value
        for name, value in self.metric.keeps(prediction, target).items():
            yield f"{self.label}:{name}", value

    @property
    def finish(self) -> Callable[[Mapping[str, Any], int], float | list[list[float]]]:
        """What makes the figure of its totals and kept arrays by name, and the number of rows."""
        return self.mean_loss if self.metric is None else self.metric.finish

    def mean_loss(self, totals: Mapping[str, Any], rows: int) -> float:
        """Return the loss, given the total of what elements cost and the number of rows."""
        return float(totals["cost"]) / (rows * self.elements_per_row) * self.loss.scale
