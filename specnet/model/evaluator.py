from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specnet.data import Encoding, Split
from specnet.data.streamed import ArrayOrStreamed
from specnet.engines.execution import Bound, Executable
from specnet.engines.ranks import RankShares
from specnet.engines.use import ModelUse
from specnet.graph.sizes import Sizes, value_of
from specnet.model.arrays import as_scales, held_arrays, weight_unit
from specnet.model.batching import Batching
from specnet.model.evaluation import Figures
from specnet.model.feed import Feed
from specnet.model.length_feed import LengthFeed
from specnet.model.network import Network
from specnet.model.outputs import SCALES, WEIGHTS
from specnet.model.state import carried_states
from specnet.passes.plan import Plan
from specnet.vocabulary.metrics.sequences import ABSENT

Array = np.ndarray[Any, Any]


class Evaluator:
    """Measures the loss and the metrics of a network on one split after another, in memory that it keeps.

    `leaves` are the arrays that `plan` reads beside a split's, by name: the model's own, and `data_units`. With
    `shares`, the plan is that of one of several processes, and each evaluates rows of its own.
    """

    def __init__(
        self,
        network: Network,
        plan: Plan,
        leaves: Mapping[str, Array],
        use: ModelUse,
        shares: RankShares | None = None,
    ) -> None:
        self.network, self.plan, self.use, self._leaves = network, plan, use, dict(leaves)
        self._shares = shares
        self._executable = Executable(plan, shares=shares)

    def prepare(
        self,
        split: Split,
        arrays: Mapping[str, ArrayOrStreamed] | None = None,
        batching: Batching | None = None,
    ) -> PreparedSplit:
        """Return a split ready to be evaluated again and again without any array being allocated.

        `arrays` are the split's as plans read them, where they are held already. `batching` says what its batches are
        where these are made by length.
        """
        states = carried_states(self.plan)

        def bind(sizes: Sizes, own: dict[str, Array]) -> Bound:
            rows = value_of("batch", sizes) if self._shares is None else self._shares.sizes(sizes)["batch"]
            begun = {name: state[:rows] for name, state in states.items()}
            return self._executable.bind(sizes, {**self._leaves, **begun, **own})

        if arrays is None:
            arrays = held_arrays(self.network, split)
        if self.network.signature.scaled:
            arrays = {**arrays, SCALES: as_scales(self.network, split)}
        weights, unit, count = arrays.get(WEIGHTS), 1.0, float(len(split))
        if isinstance(weights, np.ndarray) and split.weights is not None:
            unit, count = weight_unit(self.network, split.weights), float(weights.sum(dtype=np.float64))
        if batching is not None:
            shapes = {name: shape for name, (shape, _) in self.plan.leaves.items()}
            feed: Feed = LengthFeed(arrays, shapes, batching, None, bind, self._shares)
        else:
            feed = Feed(
                arrays,
                self.plan.batch,
                None,
                bind,
                drop_last=False,
                in_streams=self.network.keeps_states,
                shares=self._shares,
            )
        return PreparedSplit(self, feed, count, unit, states)


class PreparedSplit:
    """One split, bound to an evaluator's plan."""

    def __init__(
        self, of: Evaluator, feed: Feed, count: float, unit: float, states: Mapping[str, Array]
    ) -> None:
        self._of, self._feed, self.rows, self._states = of, feed, feed.rows, states
        self._count, self._unit = count, unit
        """The number of rows, or the sum of their weights, and what the weights were divided by."""
        outputs = feed.batches[0].bound.arrays
        # What a metric keeps for the whole split is named `label:name`, what it adds up `label/name`.
        self._kept = {name: self._room(name) for name in outputs if ":" in name}
        self._sums = {name: np.zeros(a.shape) for name, a in outputs.items() if ":" not in name}

    def _room(self, name: str) -> Array:
        """Return memory for what a metric keeps of the split: of each row, or of each step where these count as rows.

        Sequences that are shorter than others are filled up with what stands for no class.
        """
        found = [batch.bound.arrays[name] for batch in self._feed.batches]
        inner = [max(sizes) for sizes in zip(*(array.shape[1:] for array in found), strict=True)]
        return np.full((sum(map(len, found)), *inner), ABSENT, found[0].dtype)

    def evaluate(self) -> Figures:
        """Return the loss, penalties included, and each metric, by name.

        Raises ModelInUseError while another thread trains the model.
        """
        scalars = self._of.plan.scalars
        totals: dict[str, Any] = dict.fromkeys(scalars, 0.0)
        for summed in self._sums.values():
            summed.fill(0.0)
        self._feed.begin()
        for state in self._states.values():
            state.fill(0.0)
        starts = dict.fromkeys(self._kept, 0)
        with self._of.use.reading(), np.errstate(all="ignore"):
            for batch in self._feed.batches:
                self._feed.bring(batch)
                for name, figure in zip(scalars, batch.bound.step(), strict=True):
                    totals[name] = figure if name == "penalty" else totals[name] + figure
                for name, array in batch.bound.arrays.items():
                    if name in self._kept:
                        start = starts[name]
                        starts[name] = stop = start + len(array)
                        self._kept[name][(slice(start, stop), *map(slice, array.shape[1:]))] = array
                    else:
                        self._sums[name] += array
            return self._finish({**totals, **self._sums})

    def _finish(self, totals: dict[str, Any]) -> Figures:
        network = self._of.network
        loss = network.spec.loss
        averaged = loss.reduction == "mean"
        cost = totals.get("cost", 0.0)
        if averaged:
            cost /= self._count * network.elements_per_row
        counts = dict.fromkeys(network.outputs, self._count)
        for name, output in network.outputs.items():
            if output.is_masked:
                counts[name] = totals[output.steps]
                steps = totals[output.step_costs]
                if output.loss.reduction == "mean":
                    steps /= counts[name] * output.elements_per_row
                cost += steps * output.loss.scale * output.weight if name else steps
        figures = Figures(loss=cost * loss.scale + totals.get("penalty", 0.0))
        measured = {**totals, **self._kept}
        for figure in network.figures:
            label = figure.label
            own = {
                name[len(label) + 1 :]: array
                for name, array in measured.items()
                if name.startswith((f"{label}/", f"{label}:"))
            }
            count = counts[figure.output]
            figures[label] = figure.finish(own, count)
            if self._unit != 1.0 and figure.metric is not None and figure.metric.extensive:
                figures[label] = (np.array(figures[label]) * self._unit).tolist()
            columns = network.outputs[figure.output].columns
            each = figure.metric.finish_each(own, count) if figure.metric and columns else None
            for name, value in zip(columns, each or (), strict=each is not None):
                of = f"{figure.output}.{name}" if figure.output else name
                figures.by_target.setdefault(of, {})[figure.metric_label] = value
        return figures


def data_units(network: Network, encoding: Encoding | None) -> dict[str, Array]:
    """Return what turns the model's numbers into the data's units, as the evaluation plan's leaves; {} for nothing.

    The data's number is the model's times `units/scale` plus `units/offset`. Targets that are no numbers, or
    whose transforms are more than a scale and an offset, are measured as the model has them.
    """
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
