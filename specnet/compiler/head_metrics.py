"""Figures of networks with several outputs, each called `output.figure`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import PrivateAttr

from specnet.compiler.heads import Part
from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.metrics import METRICS, Metric


class OfHead(Metric):
    """A figure of one output of several, called `output.figure`."""

    _part: Part = PrivateAttr()
    _metric: Metric = PrivateAttr()

    @classmethod
    def make(cls, part: Part, metric: Metric) -> OfHead:
        """Return a metric of an output's predictions as one of all."""
        made = cls(type=metric.type)
        made._part, made._metric = part, metric
        return made

    @property
    def better(self) -> Literal["higher", "lower"]:  # type: ignore[override]
        """Which direction is good."""
        return self._metric.better

    @property
    def label(self) -> str:
        """The name that results give it under."""
        return f"{self._part.name}.{self._metric.label}"

    def sums(self, prediction: Value, target: Value) -> dict[str, Value]:
        return self._metric.sums(self._part.prediction(prediction), self._part.target(target))

    def keeps(self, prediction: Value, target: Value) -> dict[str, Value]:
        return self._metric.keeps(self._part.prediction(prediction), self._part.target(target))

    def finish(self, totals: Mapping[str, Any], rows: int) -> float | list[list[float]]:
        return self._metric.finish(totals, rows)


class LossOfHead(Metric):
    """The loss of one output of several, without its weight, called `output.loss`."""

    _part: Part = PrivateAttr()

    @classmethod
    def make(cls, part: Part) -> LossOfHead:
        """Return the loss of an output as a metric of all predictions."""
        made = cls(type="loss")
        made._part = part
        return made

    better: ClassVar[Literal["higher", "lower"]] = "lower"

    @property
    def label(self) -> str:
        """The name that results give it under."""
        return f"{self._part.name}.loss"

    def finish(self, totals: Mapping[str, Any], rows: int) -> float:
        loss = self._part.head.loss
        return float(totals["cost"]) / (rows * self._part.elements_per_row) * loss.scale

    def costs(self, output: Value, target: Value) -> dict[str, Value]:
        """Return the values to add up over batches, of what the loss sees: logits, where it takes these."""
        elements = self._part.head.loss.elements(self._part.output(output), self._part.target(target))
        return {"cost": ops.sum_all(elements)}


def head_metrics(parts: tuple[Part, ...]) -> Iterator[tuple[tuple[str | int, ...], Metric]]:
    """Yield the metrics of all outputs, each with where the document asks for it."""
    for part in parts:
        loss, chosen = part.head.loss, part.head.metrics
        yield ("outputs", part.name, "loss"), LossOfHead.make(part)
        if chosen is None:
            for kind in loss.default_metrics:
                yield ("outputs", part.name, "loss"), OfHead.make(part, METRICS.validate(kind).under(loss))
            continue
        for index, metric in enumerate(chosen):
            yield ("outputs", part.name, "metrics", index), OfHead.make(part, metric.under(loss))
