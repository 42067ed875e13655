"""The importance of the columns of a saved run's inputs, on its own data or on other data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, cast

from specnet.analysis.importance import Importance
from specnet.analysis.input_columns import input_columns
from specnet.analysis.permutation import ExplainedSplit, ImportanceSettings, measured_importance
from specnet.data import Split
from specnet.data.rows import ChosenRows
from specnet.model.averaged import AveragedModel
from specnet.model.compiled import GIVEN, CompiledModel
from specnet.model.evaluation import Evaluation
from specnet.model.labelled import labelled_split, raw_labelled
from specnet.model.model import Model
from specnet.runs.averaging import load_together, paths_of
from specnet.runs.evaluating import given_data, recorded_data, the_only
from specnet.runs.loading import load_models
from specnet.runs.predicting import readings

PREFERRED = (GIVEN, "test", "validation", "train")
"""The splits that importance is measured on, the first that there is."""


@dataclass(frozen=True, slots=True)
class MeasuredRows:
    """A model, and what it is measured on: the splits, and their inputs before all transforms."""

    model: CompiledModel
    splits: Mapping[str, Split]
    raw: Mapping[str, ChosenRows]


class MeasuredRun:
    """A saved run with the rows that it is measured on: of several runs or folds, a model and rows for each."""

    def __init__(self, *each: MeasuredRows, mean: AveragedModel | None = None) -> None:
        self._each, self._mean = each, mean

    def evaluate(self) -> Evaluation:
        """Return the loss and the metrics, of several models those of their mean."""
        if self._mean is None:
            return self._each[0].model.measure(self._each[0].splits)
        return self._mean.measure(
            {name: [own.splits[name] for own in self._each] for name in self._each[0].splits}
        )

    def importance(self, settings: ImportanceSettings) -> Importance:
        """Return the importance of the columns on the test split, else the validation split, else the training split.

        Raises UnexplainedError where there are no columns, or no metric of the name.
        """
        split = next(name for name in PREFERRED if name in self._each[0].splits)
        given = [ExplainedSplit(own.model, own.raw[split], own.splits[split]) for own in self._each]
        return measured_importance(given, split, settings, _names(given[0].model))


def measured_run(
    run: str | PathLike[str] | Sequence[str | PathLike[str]] | Model,
    data: Any = None,
    *,
    name: str | None = None,
    threads: int | None = None,
    engine: str | None = None,
) -> MeasuredRun:
    """Return a saved run with its own data, read again, or a run, several, or a model with other data.

    `name` is what messages call a file of data. Raises what `specnet.evaluate` does, UnexplainedError before any data
    are read where there are no columns, and TypeError for a model without data.
    """
    if isinstance(run, Model):
        if data is None:
            raise TypeError("a model does not record its training data: give the data to measure it on")
        several = cast("CompiledModel | AveragedModel", run)
    elif data is None:
        only = the_only(run)
        model = load_models(only, threads, engine)[0]  # a file, even of several models, has no data
        column_count(model)
        own = recorded_data(Path(only), model, raw=True)
        return MeasuredRun(MeasuredRows(model, own.splits, own.raw))
    else:
        several = load_together(paths_of(run), threads, engine)
    mean = several if isinstance(several, AveragedModel) else None
    models = (several,) if isinstance(several, CompiledModel) else several.compiled
    column_count(models[0])
    return MeasuredRun(*(_given(model, data, name) for model in models), mean=mean)


def column_count(model: CompiledModel) -> int:
    """Return how many columns the inputs of a model have; raise UnexplainedError where they have none."""
    assert model.encoding is not None
    return len(input_columns(model.encoding))


def _given(model: CompiledModel, data: Any, name: str | None) -> MeasuredRows:
    assert model.encoding is not None
    rows = raw_labelled(model.encoding, *given_data(model, data), name=name)
    split = labelled_split(model.network, model.encoding, rows)
    return MeasuredRows(model, {GIVEN: split}, {GIVEN: ChosenRows(rows.inputs)})


def _names(model: CompiledModel) -> dict[str, list[str]]:
    """Return the names of the numbers that are predicted, by output, where these are not inputs or whole images."""
    outputs = model.network.outputs
    return {
        name: [f"{name}.{each}" if name else each for each in reading.valued]
        for name, reading in readings(model).items()
        if len(outputs[name].shape) == 1 and not outputs[name].of_inputs and not model.spec.data.reproduces
    }
