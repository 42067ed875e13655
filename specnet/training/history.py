from __future__ import annotations

import importlib
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from specnet.diagnostics import html
from specnet.training.events import EpochEnded, Span
from specnet.training.state import TrainingState

Array = np.ndarray[Any, Any]


class History:
    """What each epoch came to, in columns: eight bytes an epoch and figure."""

    def __init__(self) -> None:
        self.epochs = array("q")
        self.steps = array("q")
        self.loss = array("d")
        self.learning_rate = array("d")
        self.seconds = array("d")
        self.validated = array("q")
        """The epochs that were validated."""
        self.validation: dict[str, list[Any]] = {}
        """Each figure of the validation split, by name, for the epochs in `validated`."""

    def add(self, event: EpochEnded) -> None:
        """Append one epoch."""
        self.epochs.append(event.epoch)
        self.steps.append(event.step)
        self.loss.append(event.loss)
        self.learning_rate.append(event.learning_rate)
        self.seconds.append(event.seconds)
        if event.validation is not None:
            self.validated.append(event.epoch)
            for name, figure in event.validation.items():
                self.validation.setdefault(name, []).append(figure)

    def add_span(self, span: Span) -> None:
        """Append many epochs, none of them validated."""
        count = len(span)
        self.epochs.extend(range(span.epoch, span.epoch + count))
        self.steps.extend(range(span.step, span.step + count))
        self.loss.extend(span.losses)
        self.learning_rate.extend([span.learning_rate] * count)
        self.seconds.extend(span.times)

    def state(self) -> TrainingState:
        """Return all columns: those of plain numbers as arrays."""
        arrays = {name: np.array(column) for name, column in self._columns().items()}
        figures = dict(self.validation)
        numbers = [name for name, column in figures.items() if all(type(n) is float for n in column)]
        arrays |= {f"validation/{name}": np.array(figures.pop(name), np.float64) for name in numbers}
        return TrainingState(arrays, {"names": list(self.validation), "validation": figures})

    def resume(self, arrays: Mapping[str, Array], plain: Mapping[str, Any]) -> None:
        """Take a state's columns in the place of its own, which must be empty."""
        for name, column in self._columns().items():
            column.frombytes(arrays[name].tobytes())
        for name in plain["names"]:
            own = plain["validation"].get(name)
            self.validation[name] = arrays[f"validation/{name}"].tolist() if own is None else own

    def _columns(self) -> dict[str, array[Any]]:
        return {
            "epochs": self.epochs,
            "steps": self.steps,
            "loss": self.loss,
            "learning_rate": self.learning_rate,
            "seconds": self.seconds,
            "validated": self.validated,
        }

    def __len__(self) -> int:
        return len(self.epochs)

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the columns by name, a value per epoch.

        They are `epoch`, `step`, `learning_rate`, `seconds`, `train.loss` and, with a validation split, its loss and
        metrics as `validation.loss` and so on; None for an epoch that was not validated.
        """
        columns: dict[str, list[Any]] = {
            "epoch": self.epochs.tolist(),
            "step": self.steps.tolist(),
            "learning_rate": self.learning_rate.tolist(),
            "seconds": self.seconds.tolist(),
            "train.loss": self.loss.tolist(),
        }
        for name, figures in self.validation.items():
            known = dict(zip(self.validated, figures, strict=True))
            columns[f"validation.{name}"] = [known.get(epoch) for epoch in self.epochs]
        return columns

    def to_frame(self) -> Any:
        """Return the columns of `to_dict` as a pandas DataFrame with the epoch as its index.

        Raises ModuleNotFoundError where pandas is not installed.
        """
        pandas: Any = importlib.import_module("pandas")
        return pandas.DataFrame(self.to_dict()).set_index("epoch")

    def _repr_html_(self) -> str:
        """Return the curves of the loss, for notebooks."""
        lines = {"train": list(zip(self.epochs, self.loss, strict=True))}
        if "loss" in self.validation:
            lines["validation"] = list(zip(self.validated, self.validation["loss"], strict=True))
        return html.heading("Loss by epoch") + html.curves(lines)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Give each epoch as plain data, in the form of a line of `metrics.jsonl`."""
        when = {epoch: n for n, epoch in enumerate(self.validated)}
        for n, epoch in enumerate(self.epochs):
            row: dict[str, Any] = {
                "epoch": epoch,
                "step": self.steps[n],
                "learning_rate": self.learning_rate[n],
                "seconds": self.seconds[n],
                "train": {"loss": self.loss[n]},
            }
            if epoch in when:
                row["validation"] = {name: column[when[epoch]] for name, column in self.validation.items()}
            yield row
