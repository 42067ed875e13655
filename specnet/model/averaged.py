"""The mean of several models: of the folds of a cross-validation, or of runs with seeds of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never, overload

import numpy as np

from specnet.diagnostics.text import counted
from specnet.model.compiled import GIVEN
from specnet.model.evaluation import Evaluation
from specnet.model.joined_intervals import mean_and_std, widest_intervals, widest_sets
from specnet.model.labelled import labelled_split, raw_labelled
from specnet.model.model import Model
from specnet.model.pooled_evaluation import evaluate_together
from specnet.storage.model_archive import write_archive

if TYPE_CHECKING:
    from specnet.data import Split
    from specnet.data.signature import ColumnSlice
    from specnet.language.spec import Spec
    from specnet.model.compiled import CompiledModel
    from specnet.model.conformal import Intervals, PredictionSets
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

    @property
    def interval_level(self) -> float | None:
        """The share of new rows that the intervals of each model are to cover; None if they have none."""
        fitted = self._models[0].uncertainty
        return None if fitted is None else fitted.level

    def predict_intervals(self, inputs: Any, *, output: str | None = None) -> Intervals:
        """Return the mean of the models' predictions, with the smallest intervals that hold each model's own.

        As each model's cover `level` of new rows, so do these; the further the models are apart, the wider they are.
        """
        return widest_intervals([model.predict_intervals(inputs, output=output) for model in self._models])

    def predict_sets(self, inputs: Any, *, output: str | None = None) -> PredictionSets:
        """Return the mean of the models' probabilities, with all classes that are in the set of any model."""
        return widest_sets([model.predict_sets(inputs, output=output) for model in self._models])

    def generate(self, prompt: Any = None, **settings: Any) -> Never:
        """Raise ValueError: each model generates sequences of its own."""
        raise ValueError(self._several("generate"))

    def evaluate(
        self, inputs: Any, targets: Any = None, *, weights: Any = None, name: str | None = None
    ) -> Evaluation:
        """Return the figures of the mean of the models' predictions, by the loss and the metrics of the first.

        `members` of the result are what the models come to by themselves. Raises RunError where the first one's loss
        is about more than another predicts, such as a variance; otherwise as `Model.evaluate`.
        """
        splits = []
        for model in self._models:
            assert model.encoding is not None, "a model without an encoding takes no raw rows"
            rows = raw_labelled(model.encoding, inputs, targets, weights, name)
            splits.append(labelled_split(model.network, model.encoding, rows))
        return self.measure({GIVEN: splits})

    def measure(self, splits: Mapping[str, Sequence[Split]]) -> Evaluation:
        """Return what `evaluate` does, for splits that each model has as it takes them."""
        return evaluate_together(self._models, splits, self.cutoffs)

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
