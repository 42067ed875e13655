"""What evaluation measures of an output: its metrics, and of one output of several its loss as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

    def values(self, elements: Value, prediction: Value, target: Value) -> Iterator[tuple[str, Value]]:
        """Yield what to add up over batches, as `label/name`, and what to keep for a whole split, as `label:name`."""
        if self.metric is None:
            yield f"{self.label}/cost", ops.sum_all(elements)
            return
        for name, value in self.metric.sums(prediction, target).items():
            yield f"{self.label}/{name}", value
        for name, value in self.metric.keeps(prediction, target).items():
            yield f"{self.label}:{name}", value

    def finish(self, measured: Mapping[str, Any], rows: int) -> float | list[list[float]]:
        """Return the figure, given all sums and kept arrays under the names of `values`."""
        start = len(self.label)
        own = {
            name[start + 1 :]: array
            for name, array in measured.items()
            if name.startswith((f"{self.label}/", f"{self.label}:"))
        }
        if self.metric is None:
            return float(own["cost"]) / (rows * self.elements_per_row) * self.loss.scale
        return self.metric.finish(own, rows)
