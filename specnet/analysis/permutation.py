"""Permutation importance and partial dependence: a model measured on rows in which one column is changed.

A column is changed before all transforms, so that everything that the model sees of it changes together: all one-hot
elements of a category, and what stands for its missing cells. The rows then go through the model in batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isnan
from typing import Any

import numpy as np

from specnet.analysis.importance import ColumnImportance, Importance, PartialDependence
from specnet.analysis.input_columns import InputColumn, UnexplainedError, input_columns
from specnet.data import Split
from specnet.data.collector import Collector
from specnet.data.inputs import Encoded
from specnet.data.rows import ArrayRows, ChosenRows
from specnet.data.streamed import by_name
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed
from specnet.engines.random import stream
from specnet.model.arrays import held_arrays
from specnet.model.compiled import CompiledModel
from specnet.model.network import Network

Array = np.ndarray[Any, Any]

REPEATS = 5
"""Permutations of each column, as in scikit-learn."""

MAXIMUM_ROWS = 10_000
"""Rows that are measured; of a larger split, as many are drawn at random."""

GRID = 20
"""Values of a column of numbers whose mean predictions are computed, if it has more."""

SHARES = (0.05, 0.95)
"""The shares of the rows between which these values lie: farther out, few rows say what the model should do."""

MAXIMUM_CATEGORIES = 50
"""Categories whose mean predictions are computed; of more, the most frequent ones."""


@dataclass(frozen=True, slots=True)
class ExplainedSplit:
    """A model, and the rows of a split before and after all transforms."""

    model: CompiledModel
    raw: ChosenRows
    split: Split


@dataclass(frozen=True, slots=True)
class ImportanceSettings:
    """How importance is measured."""

    repeats: int = REPEATS
    seed: int = 0
    metric: str | None = None
    """The metric; by default that which the run is judged by."""
    dependences: int | None = None
    """The number of columns, the most important ones, whose partial dependence is computed; by default all."""
    maximum_rows: int = MAXIMUM_ROWS


class _ChangedRows:
    """A model with some rows, one column of which is changed at a time."""

    def __init__(self, given: ExplainedSplit, places: Array) -> None:
        model, split = given.model, given.split
        assert model.encoding is not None
        self.model, self.encoding = model, model.encoding
        self.raw = np.array(given.raw.take(places)).reshape(len(places), -1)
        self._changed = self.raw.copy()
        inputs, targets = split.at(places)
        self.weights = None if split.weights is None else split.weights[places]
        part = Split(inputs, targets, self.weights)
        arrays = held_arrays(model.network, part)
        # Copies, since targets that are the inputs stay what they are.
        self._inputs = {each.name: np.array(arrays[each.name]) for each in model.network.inputs}
        self._prepared = model.evaluator([part]).prepare(part, {**arrays, **self._inputs})

    def figure(self, name: str) -> float:
        """Return a figure of the rows as they are now."""
        for key, array in by_name(self._encoded()).items():
            self._inputs[key][...] = array
        value = self._prepared.evaluate()[name]
        assert not isinstance(value, list)
        return value

    def permuted(self, name: str, column: InputColumn, order: Array) -> float:
        """Return a figure of the rows with one column in another order."""
        changed, own = column.of(self._changed), column.of(self.raw)
        changed[...] = own[order]
        value = self.figure(name)
        changed[...] = own
        return value

    def mean_predictions(self, column: InputColumn, value: float) -> dict[str, Array]:
        """Return the mean prediction of each output when the column has one value in all rows."""
        column.fill(self._changed, value)
        made = self.model.predictions(self._encoded())
        column.of(self._changed)[...] = column.of(self.raw)
        flat = {name: each.reshape(len(each), -1).astype(np.float64) for name, each in made.items()}
        return {name: np.average(each, axis=0, weights=self.weights) for name, each in flat.items()}

    def _encoded(self) -> Encoded:
        collector = Collector(())
        rows = ArrayRows(self._changed.reshape(-1, *self.encoding.raw_shape))
        encoded = self.encoding.run(rows, "the rows with a changed column", collector)
        collector.check()
        return encoded


def measured_importance(
    given: Sequence[ExplainedSplit],
    split: str,
    settings: ImportanceSettings,
    names: Mapping[str, Sequence[str]],
) -> Importance:
    """Return the importance of all columns: of several models with rows of their own, means over these.

    `split` is what the rows are called, and `names` the names of the numbers that each output predicts, for the
    outputs whose dependence is of interest. Raises UnexplainedError where there are no columns, or no such metric,
    and SpecError where the transforms cannot take a row with a value of another.
    """
    first = given[0].model
    assert first.encoding is not None
    columns = input_columns(first.encoding)
    metric = judging_figure(first.network) if settings.metric is None else settings.metric
    _check_metric(first.network, metric)
    total = len(given[0].split)
    places = _sampled(given[0].split, settings)
    generator = stream(settings.seed, "importance")
    orders = [generator.permutation(len(places)) for _ in range(settings.repeats)]
    changed = [_ChangedRows(each, places) for each in given]
    better = first.network.better(metric)
    value = _mean([each.figure(metric) for each in changed])
    found = []
    for column in columns:
        own = [_mean([each.permuted(metric, column, order) for each in changed]) for order in orders]
        drops = tuple(value - each if better == "higher" else each - value for each in own)
        found.append((column, ColumnImportance(column.name, drops)))
    found.sort(key=lambda each: inf if isnan(each[1].mean) else -each[1].mean)
    explained = [
        replace(each, dependence=_dependence(changed, column, names))
        for column, each in found[: settings.dependences]
    ]
    return Importance(
        split,
        len(places),
        total,
        metric,
        better,
        value,
        settings.repeats,
        settings.seed,
        (*explained, *(each for _, each in found[len(explained) :])),
    )


def judging_figure(network: Network) -> str:
    """Return the figure that a run is judged by.

    It is the metric that early stopping monitors, else the first metric that is a number, and without any the loss.
    """
    numbers = [each.label for each in network.figures if each.metric is not None and each.is_number]
    stopping = network.spec.training.early_stopping
    monitored = "" if stopping is None else stopping.monitor.partition(".")[2]
    return monitored if monitored in numbers else next(iter(numbers), "loss")


def _check_metric(network: Network, metric: str) -> None:
    known = ["loss", *(each.label for each in network.figures if each.is_number)]
    if metric not in known:
        near = closest(metric, known)
        help = f"did you mean `{near}`?" if near else f"it has {listed(known)}"
        raise UnexplainedError(f"the run has no metric `{clipped(metric)}`; {help}", "--metric")


def _sampled(split: Split, settings: ImportanceSettings) -> Array:
    """Return the positions of the rows that are measured, in ascending order; all if they are not too many."""
    places = np.arange(len(split))
    if len(places) <= settings.maximum_rows:
        return places
    if split.weights is not None:
        places = places[split.weights > 0]
    chosen = stream(settings.seed, "importance/rows").permutation(places)[: settings.maximum_rows]
    return np.sort(chosen)


def _dependence(
    changed: Sequence[_ChangedRows], column: InputColumn, names: Mapping[str, Sequence[str]]
) -> PartialDependence | None:
    if column.kind == "whole" or not names:
        return None
    grid = _grid(column, changed[0].raw)
    by_value = [[each.mean_predictions(column, value) for each in changed] for value in grid.tolist()]
    predictions = {
        name: tuple(_mean([own[output][n] for own in models]) for models in by_value)
        for output, each in names.items()
        for n, name in enumerate(each)
    }
    if column.categories:
        return PartialDependence(tuple(column.categories[int(code)] for code in grid), predictions)
    return PartialDependence(tuple(grid.tolist()), predictions)


def _grid(column: InputColumn, raw: Array) -> Array:
    """Return the values that a column is set to: some that it has, or its categories by their indices."""
    own = column.of(raw)
    if column.categories:
        size = len(column.categories)
        if size <= MAXIMUM_CATEGORIES:
            return np.arange(size)
        codes = own[:, 0] if column.kind == "index" else np.where(own.any(axis=1), own.argmax(axis=1), -1)
        known = codes[codes >= 0].astype(np.intp)
        most = np.argsort(-np.bincount(known, minlength=size), kind="stable")[:MAXIMUM_CATEGORIES]
        return np.sort(most)
    values = np.unique(own)
    if len(values) <= GRID:
        return values
    # Values that rows have, not numbers between them: those of a column may be whole.
    return np.unique(np.quantile(own, np.linspace(*SHARES, GRID), method="inverted_cdf"))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
