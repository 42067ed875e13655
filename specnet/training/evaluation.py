from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.data import Split
from specnet.data.streamed import ArrayOrStreamed
from specnet.engines.execution import Bound, Executable
from specnet.model.arrays import held_arrays
from specnet.model.model import Model
from specnet.passes.plan import Plan
from specnet.training.feed import Feed

Array = np.ndarray[Any, Any]


class Evaluator:
    """Measures the loss and the metrics of a model on one split after another, in memory that it keeps.

    `instead` holds arrays, by name, that take the place of the model's own.
    """

    def __init__(
        self, model: Model, plan: Plan, units: dict[str, Array], instead: Mapping[str, Array] | None = None
    ) -> None:
        self.model, self.plan, self._units, self._instead = model, plan, units, dict(instead or {})
        self._executable = Executable(plan)

    def prepare(self, split: Split, arrays: Mapping[str, ArrayOrStreamed] | None = None) -> PreparedSplit:
        """Return a split ready to be evaluated again and again without any array being allocated.

        `arrays` are the split's as plans read them, where they are held already.
        """
        units = {name: array for name, array in self._units.items() if name in self.plan.leaves}

        def bind(rows: int, own: dict[str, Array]) -> Bound:
            return self._executable.bind(rows, self.model.leaves(**own, **{**units, **self._instead}))

        if arrays is None:
            arrays = held_arrays(self.model.network, split)
        return PreparedSplit(self, Feed(arrays, self.plan.batch, None, bind, drop_last=False))


class PreparedSplit:
    """One split, bound to an evaluator's plan."""

    def __init__(self, of: Evaluator, feed: Feed) -> None:
        self._of, self._feed, self.rows = of, feed, feed.rows
        outputs = feed.batches[0].bound.arrays
        # What a metric keeps for the whole split is named `label:name`, what it adds up `label/name`.
        self._kept = {
            name: np.empty((self.rows, *a.shape[1:]), a.dtype) for name, a in outputs.items() if ":" in name
        }
        self._sums = {name: np.zeros(a.shape) for name, a in outputs.items() if ":" not in name}

    def evaluate(self) -> dict[str, Any]:
        """Return the loss, penalties included, and each metric, by name.

        Raises ModelInUseError while another thread trains the model.
        """
        scalars = self._of.plan.scalars
        totals: dict[str, Any] = dict.fromkeys(scalars, 0.0)
        for summed in self._sums.values():
            summed.fill(0.0)
        self._feed.begin()
        start = 0
        with self._of.model.use.reading(), np.errstate(all="ignore"):
            for batch in self._feed.batches:
                self._feed.fetch(batch)
                for name, figure in zip(scalars, batch.bound.step(), strict=True):
                    totals[name] = figure if name == "penalty" else totals[name] + figure
                for name, array in batch.bound.arrays.items():
                    if name in self._kept:
                        self._kept[name][start : start + batch.rows] = array
                    else:
                        self._sums[name] += array
                start += batch.rows
            return self._finish({**totals, **self._sums})

    def _finish(self, totals: dict[str, Any]) -> dict[str, Any]:
        network = self._of.model.network
        loss = network.spec.loss
        cost = (
            totals["cost"] / (self.rows * network.elements_per_row)
            if loss.reduction == "mean"
            else totals["cost"]
        )
        figures: dict[str, Any] = {"loss": cost * loss.scale + totals.get("penalty", 0.0)}
        measured = {**totals, **self._kept}
        for figure in network.figures:
            label = figure.label
            own = {
                name[len(label) + 1 :]: array
                for name, array in measured.items()
                if name.startswith((f"{label}/", f"{label}:"))
            }
            figures[label] = figure.finish(own, self.rows)
        return figures


def data_units(model: Model) -> dict[str, Array]:
    """Return what turns the model's numbers into the data's units, as the evaluation plan's leaves; {} for nothing.

    The data's number is the model's times `units/scale` plus `units/offset`. Targets that are no numbers, or
    whose transforms are more than a scale and an offset, are measured as the model has them.
    """
    encoding, network = model.encoding, model.network
    output = next((output for output in network.outputs.values() if output.in_units), None)
    if encoding is None or output is None or not encoding.targets.transforms:
        return {}
    affine = encoding.target_affine()
    if affine is None:
        return {}
    scale, offset = (np.broadcast_to(part, output.target_shape) for part in affine)
    dtype = network.spec.dtype
    return {
        "units/scale": np.ascontiguousarray(1.0 / scale, dtype),
        "units/offset": np.ascontiguousarray(-offset / scale, dtype),
    }
