"""The mean of several models: of the folds of a cross-validation, or of runs with seeds of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never, overload

import numpy as np

from specnet.diagnostics.text import counted
from specnet.model.evaluation import Evaluation, Figure, Figures
from specnet.model.model import Model
from specnet.storage.model_archive import write_archive

if TYPE_CHECKING:
    from specnet.data.signature import ColumnSlice
    from specnet.language.spec import Spec
    from specnet.model.compiled import CompiledModel
    from specnet.model.model import FloatArray


class AveragedModel(Model):
    """Several models whose predictions are averaged: those of the folds of a cross-validation, or of several runs.

    Each of them encodes the rows by the statistics of the rows that it was trained on. Probabilities and numbers in
    the units of the data are averaged, as deep ensembles do (Lakshminarayanan et al., 2017).
    """

    def __init__(self, spec: Spec, models: Sequence[CompiledModel]) -> None:
        self._spec = spec
        self._models = tuple(models)

    @property
    def models(self) -> tuple[Model, ...]:
        """The model of each fold or run, in their order."""
        return self._models

    @property
    def compiled(self) -> tuple[CompiledModel, ...]:
        """The same as the package sees them."""
        return self._models

    @property
    def spec(self) -> Spec:
        """The spec that asks for the folds; of several runs, that of the first."""
        return self._spec

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes, which all models share."""
        return self._models[0].classes

    @property
    def columns(self) -> tuple[ColumnSlice, ...] | None:
        """What the elements of an encoded input of the first model are."""
        return self._models[0].columns

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The means of the models' thresholds."""
        each = [model.thresholds for model in self._models]
        return {name: float(np.mean([own[name] for own in each])) for name in each[0]}

    @property
    def cutoffs(self) -> dict[str, FloatArray]:
        """The same as arrays, by output."""
        each = [model.cutoffs for model in self._models]
        return {name: np.mean([own[name] for own in each], axis=0, dtype=np.float64) for name in each[0]}

    @property
    def parameters(self) -> Mapping[str, FloatArray]:
        """The parameters of each model, by names that begin with its number, such as `1.dense_1.kernel`."""
        return {
            f"{fold}.{name}": array
            for fold, model in enumerate(self._models, 1)
            for name, array in model.parameters.items()
        }

    def __repr__(self) -> str:
        """Return its name, and the number of its models."""
        return f"<AveragedModel {self._spec.name}: {counted(len(self._models), 'model')}>"

    @overload
    def predict(self, inputs: Any) -> FloatArray | Any: ...

    @overload
    def predict(self, inputs: Any, *, output: str) -> FloatArray: ...

    def predict(self, inputs: Any, *, output: str | None = None) -> FloatArray | Any:
        """Return the mean of the models' predictions; otherwise as `Model.predict`."""
        return self._reduced(inputs, output)[0]

    @overload
    def spread(self, inputs: Any) -> FloatArray | Any: ...

    @overload
    def spread(self, inputs: Any, *, output: str) -> FloatArray: ...

    def spread(self, inputs: Any, *, output: str | None = None) -> FloatArray | Any:
        """Return the standard deviation of the models' predictions, in the shape that `predict` returns.

        It is that of a sample: the squares are divided by one less than the number of models.
        """
        return self._reduced(inputs, output)[1]

    def _reduced(self, inputs: Any, output: str | None) -> tuple[Any, Any]:
        if output is not None:
            return mean_and_std([model.predict(inputs, output=output) for model in self._models])
        made = [model.predict(inputs) for model in self._models]
        if not isinstance(made[0], Mapping):
            return mean_and_std(made)
        both = {name: mean_and_std([each[name] for each in made]) for name in made[0]}
        return {name: mean for name, (mean, _) in both.items()}, {
            name: std for name, (_, std) in both.items()
        }

    def predict_intervals(self, inputs: Any, *, output: str | None = None) -> Never:
        """Raise ValueError: intervals are those of one model."""
        raise ValueError(self._several("predict_intervals"))

    def predict_sets(self, inputs: Any, *, output: str | None = None) -> Never:
        """Raise ValueError: prediction sets are those of one model."""
        raise ValueError(self._several("predict_sets"))

    def generate(self, prompt: Any = None, **settings: Any) -> Never:
        """Raise ValueError: each model generates sequences of its own."""
        raise ValueError(self._several("generate"))

    def evaluate(
        self, inputs: Any, targets: Any = None, *, weights: Any = None, name: str | None = None
    ) -> Evaluation:
        """Return the mean of what the models' `evaluate` returns; of a confusion matrix, too."""
        return mean_evaluation(
            [model.evaluate(inputs, targets, weights=weights, name=name) for model in self._models]
        )

    def forecast(self, data: Any) -> Never:
        """Raise ValueError: forecasts are those of one model."""
        raise ValueError(self._several("forecast"))

    def backtest(self, data: Any, origins: int = 1, *, step: int | None = None) -> Never:
        """Raise ValueError: forecasts are those of one model."""
        raise ValueError(self._several("backtest"))

    def outputs_of(self, layer: str, inputs: Any) -> Never:
        """Raise ValueError: each model has outputs of its own."""
        raise ValueError(self._several("outputs_of"))

    def loss_and_gradients(
        self, inputs: Any, targets: Any, *, weights: Any = None, training: bool = False
    ) -> Never:
        """Raise ValueError: each model has gradients of its own."""
        raise ValueError(self._several("loss_and_gradients"))

    def save(self, path: str | PathLike[str]) -> None:
        """Write all models to one file, from which `specnet.load_model` reads their mean; otherwise as `Model.save`."""
        write_archive(Path(path), [model.archived(path) for model in self._models])

    def _several(self, method: str) -> str:
        count = counted(len(self._models), "model")
        return f"this is the mean of {count}: choose one, as in model.models[0].{method}(...)"


def mean_evaluation(each: Sequence[Evaluation]) -> Evaluation:
    """Return the mean of what several models come to on the same rows."""
    first = each[0]
    splits = {split: mean_figures([own.splits[split] for own in each])[0] for split in first.splits}
    return Evaluation(splits, first.rows, first.classes)


def mean_and_std(arrays: Sequence[Any]) -> tuple[FloatArray, FloatArray]:
    """Return the mean and the standard deviation of equal arrays, in their dtype."""
    stacked = np.stack(arrays).astype(np.float64)
    dtype = arrays[0].dtype
    std = stacked.std(axis=0, ddof=1) if len(arrays) > 1 else np.zeros_like(stacked[0])
    return stacked.mean(axis=0).astype(dtype), std.astype(dtype)


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
