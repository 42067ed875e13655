from __future__ import annotations

from typing import Any

import numpy as np

from specnet.compiler.model import Model, as_targets
from specnet.compiler.pipeline import plan
from specnet.compiler.programs import evaluation_graph
from specnet.data import Split
from specnet.runtime.execution import Bound, Executable
from specnet.runtime.shapes import at

Array = np.ndarray[Any, Any]

EVALUATION_ROWS = 1024
"""Rows evaluated at once."""


class Evaluator:
    """Measures the loss and the metrics of a model on one split after another, in memory that it keeps."""

    def __init__(self, model: Model, rows: int) -> None:
        self.model = model
        network = model.network
        affine = None
        if model.encoding is not None and network.spec.loss.link == "identity":
            affine = model.encoding.target_affine() if model.encoding.targets.transforms else None
        self._graph = evaluation_graph(network, units=affine is not None)
        self.plan = plan(self._graph, min(rows, EVALUATION_ROWS))
        self._executable = Executable(self.plan)
        self._units = {}
        if affine is not None:
            scale, offset = (np.broadcast_to(part, network.target_shape) for part in affine)
            self._units = {
                "units/scale": np.ascontiguousarray(1.0 / scale, network.spec.dtype),
                "units/offset": np.ascontiguousarray(-offset / scale, network.spec.dtype),
            }
        self._kept: dict[tuple[int, str], Array] = {}

    def prepare(self, split: Split) -> PreparedSplit:
        """Return a split ready to be evaluated again and again without any array being allocated."""
        network = self.model.network
        inputs, targets = split.inputs, as_targets(network, split.targets)
        rows = self.plan.batch
        leaves = {name: self._units[name] for name in self.plan.leaves if name in self._units}
        parts: list[tuple[Bound, slice]] = []
        for start in range(0, len(inputs), rows):
            cut = slice(start, min(start + rows, len(inputs)))
            arrays = self.model.leaves(inputs=inputs[cut], targets=targets[cut], **leaves)
            parts.append((self._executable.bind(cut.stop - start, arrays), cut))
        kept = {}
        for name, value in self._graph.outputs.items():
            if ":" in name:
                kept[name] = np.empty((len(inputs), *at(value.shape[1:], 1)), value.dtype)
        return PreparedSplit(self, parts, kept, len(inputs))


class PreparedSplit:
    """One split, bound to an evaluator's plan."""

    def __init__(self, of: Evaluator, parts: list[tuple[Bound, slice]], kept: dict[str, Array], rows: int) -> None:
        self._of, self._parts, self._kept, self.rows = of, parts, kept, rows

    def evaluate(self) -> dict[str, Any]:
        """Return the loss, penalties included, and each metric, by name."""
        scalars = self._of.plan.scalars
        totals: dict[str, Any] = dict.fromkeys(scalars, 0.0)
        arrays: dict[str, Array] = {}
        with np.errstate(all="ignore"):
            for bound, cut in self._parts:
                for name, figure in zip(scalars, bound.step(), strict=True):
                    totals[name] = figure if name == "penalty" else totals[name] + figure
                for name, array in bound.arrays.items():
                    if name in self._kept:
                        self._kept[name][cut] = array
                    elif name in arrays:
                        arrays[name] += array
                    else:
                        arrays[name] = array.astype(np.float64)
            return self._finish({**totals, **arrays})

    def _finish(self, totals: dict[str, Any]) -> dict[str, Any]:
        network = self._of.model.network
        loss = network.spec.loss
        cost = totals["cost"] / (self.rows * network.elements_per_row) if loss.reduction == "mean" else totals["cost"]
        figures: dict[str, Any] = {"loss": cost * loss.scale + totals.get("penalty", 0.0)}
        for metric in network.metrics:
            label = metric.label
            own = {name.partition("/")[2]: total for name, total in totals.items() if name.startswith(f"{label}/")}
            own |= {name.partition(":")[2]: kept for name, kept in self._kept.items() if name.startswith(f"{label}:")}
            figures[label] = metric.finish(own, self.rows)
        return figures
