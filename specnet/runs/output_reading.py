"""How the numbers that a model gives are read: as classes, labels or numbers, in tables and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, prod
from typing import Any, Literal

import numpy as np

from specnet.model.conformal import Intervals, PredictionSets
from specnet.runs.shortest import shortest
from specnet.vocabulary.losses import Loss

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class OutputReading:
    """How the numbers that a model gives are read.

    `classes`: one value a class, the largest is the prediction. `binary`: one value, which from the threshold
    on means the second class. `labels`: one value a label, which from its threshold on means yes. `numbers`: as they
    are.
    """

    kind: Literal["classes", "binary", "labels", "numbers"]
    names: tuple[str, ...]
    """The classes, or the numbers' names."""
    probable: bool
    """Whether the values of classes are probabilities, and not scores."""
    thresholds: tuple[float, ...] = (0.5,)
    """One, or one for each label."""
    has_intervals: bool = False
    """Whether the model has intervals around these numbers, or sets of these classes."""

    @classmethod
    def of(
        cls,
        loss: Loss,
        shape: tuple[int, ...],
        classes: tuple[str, ...] | None,
        target: Any = None,
        thresholds: tuple[float, ...] | None = None,
        *,
        labels: bool = True,
    ) -> OutputReading:
        """Return how predictions of a shape are read, given their loss and what is known of the target.

        Several target columns of a loss for yes and no are `labels`; inputs that are reproduced are not.
        """
        thresholds = thresholds or (loss.threshold,)
        if loss.targets == "classes" and len(shape) == 1 and shape[0] > 1:
            known = classes if classes is not None and len(classes) == shape[0] else None
            return cls(
                "classes", known or tuple(map(str, range(shape[0]))), loss.output_activation != "identity"
            )
        if loss.targets == "binary" and prod(shape) == 1:
            known = classes if classes is not None and len(classes) == 2 else None
            return cls("binary", known or ("0", "1"), loss.output_activation != "identity", thresholds)
        if prod(shape) == 1:
            return cls("numbers", ("prediction",), probable=False)
        if isinstance(target, tuple) and len(target) == prod(shape):
            if labels and loss.targets == "binary":
                names = tuple(map(str, target))
                return cls("labels", names, loss.output_activation != "identity", thresholds)
            return cls("numbers", tuple(map(str, target)), probable=False)
        return cls("numbers", tuple(f"prediction_{n}" for n in range(prod(shape))), probable=False)

    @property
    def head(self) -> list[str]:
        """The names of the columns of a table of predictions."""
        if self.kind == "numbers":
            return list(self.names)
        if self.kind == "labels":
            return [column for name in self.names for column in (name, self._valued(name))]
        return ["prediction", *self.valued]

    @property
    def valued(self) -> list[str]:
        """The names of the columns of a table that hold what the model gives, one for each number."""
        if self.kind == "numbers":
            return list(self.names)
        return [self._valued(name) for name in (self.names[1:] if self.kind == "binary" else self.names)]

    @property
    def interval_head(self) -> list[str]:
        """The names of the columns of intervals, or of prediction sets; none without them."""
        if not self.has_intervals:
            return []
        if self.kind == "numbers":
            ends = ("lower", "upper")
            return list(ends) if len(self.names) == 1 else [f"{end}({n})" for n in self.names for end in ends]
        return (
            [f"prediction_set({name})" for name in self.names]
            if self.kind == "labels"
            else ["prediction_set"]
        )

    def interval_columns(self, own: Intervals | PredictionSets) -> list[list[Any]]:
        """Return the columns of intervals or prediction sets; names in a set are separated by `|`."""
        if isinstance(own, Intervals):
            ends = (each.reshape(len(each), -1) for each in (own.lower, own.upper))
            return self.numbers(np.stack(list(ends), axis=2))
        sets = own.names()
        if self.kind != "labels":
            return [["|".join(row) for row in sets]]
        return [["|".join(row[n]) for row in sets] for n in range(len(self.names))]

    def _interval_objects(self, own: Intervals | PredictionSets) -> list[dict[str, Any]]:
        if isinstance(own, Intervals):
            pairs = zip(own.lower, own.upper, strict=True)
            return [{"lower": _single(low), "upper": _single(high)} for low, high in pairs]
        sets = own.names()
        if self.kind != "labels":
            return [{"prediction_set": row} for row in sets]
        return [
            {"prediction_set": {n: list(map(int, own)) for n, own in zip(self.names, row, strict=True)}}
            for row in sets
        ]

    def _valued(self, name: str) -> str:
        """Return the name of the column that holds how probable a class or a label is."""
        return f"P({name})" if self.probable else f"score({name})"

    def indices(self, predictions: Array) -> Array:
        """Return the class that each row is read as; of labels (rows, labels), 1 for yes and 0 for no."""
        if self.kind == "classes":
            return np.asarray(predictions.argmax(axis=1))
        if self.kind == "labels":
            return np.asarray(predictions.reshape(len(predictions), -1) >= self.thresholds, np.intp)
        return np.asarray(predictions.reshape(len(predictions)) >= self.thresholds, np.intp)

    def columns(self, predictions: Array) -> list[list[Any]]:
        """Return the columns of a table of predictions: strings, and numbers as short as they are."""
        values = self.numbers(predictions)
        if self.kind == "numbers":
            return values
        read = self.indices(predictions)
        if self.kind == "labels":
            return [column for pair in zip(read.T.tolist(), values, strict=True) for column in pair]
        return [list(map(self.names.__getitem__, read.tolist())), *values]

    @staticmethod
    def numbers(predictions: Array) -> list[list[Any]]:
        """Return the numbers of predictions by column."""
        columns: list[list[Any]] = shortest(predictions.reshape(len(predictions), -1)).T.tolist()
        return columns

    @property
    def spread_head(self) -> list[str]:
        """The names of the columns of the standard deviations."""
        return [f"std({name})" for name in self.valued]

    def objects(
        self,
        predictions: Array,
        spread: Array | None = None,
        intervals: Intervals | PredictionSets | None = None,
    ) -> list[dict[str, Any]]:
        """Return for each row `prediction`, and `probabilities` (or `scores`) by class; `std` of their `spread`.

        Of intervals there are `lower` and `upper`, of prediction sets the `prediction_set`.
        """
        found = self._objects(predictions)
        if intervals is not None:
            beside = self._interval_objects(intervals)
            found = [{**row, **own} for row, own in zip(found, beside, strict=True)]
        if spread is not None:
            for row, own in zip(found, spread, strict=True):
                row["std"] = self._by_class(own) if self.kind != "numbers" else _single(own)
        return found

    def _objects(self, predictions: Array) -> list[dict[str, Any]]:
        if self.kind == "numbers":
            return [{"prediction": _single(row)} for row in predictions]
        valued = "probabilities" if self.probable else "scores"
        if self.kind == "labels":
            return [
                {"prediction": dict(zip(self.names, read, strict=True)), valued: self._by_class(row)}
                for read, row in zip(self.indices(predictions).tolist(), predictions, strict=True)
            ]
        return [
            {"prediction": self.names[i], valued: self._by_class(row)}
            for i, row in zip(self.indices(predictions), predictions, strict=True)
        ]

    def _by_class(self, row: Array) -> dict[str, Any]:
        names = self.names[1:] if self.kind == "binary" else self.names
        return dict(zip(names, _plain(row.reshape(-1)), strict=True))


def _single(row: Array) -> Any:
    """Return the numbers of a row, or the only one."""
    return _plain(row[0] if row.shape == (1,) else row)


def _plain(value: Any) -> Any:
    """Return numbers with no more digits than they have, and null for what JSON does not have."""
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value]
    number = float(str(value))
    return number if isfinite(number) else None
