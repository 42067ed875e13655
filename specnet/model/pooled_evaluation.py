"""The loss and the metrics of the mean of several models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.model.arrays import held_arrays
from specnet.model.compiled import CompiledModel
from specnet.model.evaluation import Evaluation, Figure, Figures, MemberFigures
from specnet.model.evaluator import Evaluator, data_units
from specnet.model.fitting import coverage
from specnet.model.given_outputs import PENALTY
from specnet.model.joined_intervals import joint_coverage
from specnet.model.pooling import PooledRows
from specnet.model.programs import evaluation_graph
from specnet.model.settings import evaluation_rows

if TYPE_CHECKING:
    from specnet.data import Split

Array = np.ndarray[Any, Any]


def evaluate_together(
    models: Sequence[CompiledModel], splits: Mapping[str, Sequence[Split]], cutoffs: Mapping[str, Array]
) -> Evaluation:
    """Return the figures of the mean of several models' predictions, by the first one's loss and metrics.

    `splits` are rows as each model takes them, by name, and `cutoffs` the thresholds of the labels of each output.
    Penalties are the means of the models'. What the models come to by themselves is judged in the same way, in the
    units of the first one's targets.
    """
    figures, members, rows = {}, {}, {}
    for name, own in splits.items():
        judged = _Judged(models[0], own[0])
        figures[name] = judged.figures(models, own, cutoffs).extended(joint_coverage(models, own))
        rows[name] = len(own[0])
        alone = [
            judged.figures([model], [split], model.cutoffs).extended(coverage(model, split))
            for model, split in zip(models, own, strict=True)
        ]
        members[name] = MemberFigures(len(models), *mean_figures(alone))
    return Evaluation(figures, rows, models[0].classes, members=members)


class _Judged:
    """Rows as one model takes them, by whose loss and metrics others are judged."""

    def __init__(self, model: CompiledModel, split: Split) -> None:
        self._model, self._split, network = model, split, model.network
        self._units = data_units(network, model.encoding)
        weighted = split.weights is not None
        graph = evaluation_graph(network, units=bool(self._units), weighted=weighted, given=True)
        self._plan = network.plan(graph, evaluation_rows(network, len(split)))
        self._arrays = held_arrays(network, split)

    def figures(
        self, models: Sequence[CompiledModel], splits: Sequence[Split], cutoffs: Mapping[str, Array]
    ) -> Figures:
        """Return the figures of the mean of some models, given their own splits with the same rows."""
        network, rows = self._model.network, PooledRows(self._model, models, splits)
        own = {
            network.outputs[name].thresholds: array.astype(network.spec.dtype)
            for name, array in cutoffs.items()
        }
        leaves = self._model.leaves(**{**self._units, **own, PENALTY: rows.penalty()})
        evaluator = Evaluator(network, self._plan, leaves, self._model.use)
        return evaluator.prepare(self._split, {**self._arrays, **rows.arrays()}).evaluate()


def mean_figures(each: Sequence[Mapping[str, Figure]]) -> tuple[Figures, Figures]:
    """Return the means of figures, and the standard deviations of those that are numbers."""
    means, stds = Figures(), Figures()
    for name in each[0]:
        values = np.array([figures[name] for figures in each], np.float64)
        if values.ndim > 1:
            means[name] = values.mean(axis=0).tolist()
            continue
        means[name] = float(values.mean())
        stds[name] = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    # Figures that a program made itself may be any mapping.
    columns = [figures.by_target for figures in each if isinstance(figures, Figures)]
    for column, first in (columns[0] if len(columns) == len(each) else {}).items():
        means.by_target[column] = {
            name: float(np.mean([own[column][name] for own in columns])) for name in first
        }
    return means, stds
