from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from specnet.diagnostics import html
from specnet.model.evaluation import Figures
from specnet.model.state import TrainingState
from specnet.storage.dataframes import data_frame
from specnet.training.events import EpochEnded, Span

Array = np.ndarray[Any, Any]


AFTER = "loss_after_epoch"
"""What the loss of the training split after an epoch is called beside the `loss` of its batches while it went on."""


def train_figures(loss: float, measured: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what an epoch's line says of the training split: the loss of its batches, and what was measured after."""
    if measured is None:
        return {"loss": loss}
    return {"loss": loss, AFTER: measured["loss"], **{k: v for k, v in measured.items() if k != "loss"}}


def measured_figures(figures: Mapping[str, Any]) -> Figures | None:
    """Return what was measured of the training split after an epoch, given what its line says of it."""
    if AFTER not in figures:
        return None
    return Figures({"loss": figures[AFTER], **{k: v for k, v in figures.items() if k not in ("loss", AFTER)}})


class History:
    """The figures of every epoch, in columns: eight bytes per epoch and figure.

    With `training.steps` there is an entry a validation instead.
    """

    def __init__(self) -> None:
        self.epochs: array[Any] = array("q")
        """The number of each epoch, from 1; with `training.steps` how many were done at each validation, as floats."""
        self.steps = array("q")
        """The steps at the end of each epoch, since the start of the training."""
        self.loss = array("d")
        """The training loss of each epoch, with `training.steps` since the last validation, as it was computed batch by
        batch."""
        self.learning_rate = array("d")
        """The learning rate of each epoch's last step."""
        self.seconds = array("d")
        """When each epoch ended, in seconds since the start of the training."""
        self.validated: array[Any] = array("q")
        """The epochs that were validated."""
        self.validation: dict[str, list[Any]] = {}
        """Each figure of the validation split, by name, for the epochs in `validated`."""
        self.tracked: array[Any] = array("q")
        """The epochs after which the training split was measured."""
        self.train: dict[str, list[Any]] = {}
        """Each figure of the training split, by name, for the epochs in `tracked`."""

    def add(self, event: EpochEnded) -> None:
        """Append one epoch, or one validation of a training that is counted in steps."""
        self._count_in(type(event.epoch))
        self.epochs.append(event.epoch)
        self.steps.append(event.step)
        self.loss.append(event.loss)
        self.learning_rate.append(event.learning_rate)
        self.seconds.append(event.seconds)
        if event.validation is not None:
            self.validated.append(event.epoch)
            for name, figure in event.validation.items():
                self.validation.setdefault(name, []).append(figure)
        if event.train is not None:
            self.tracked.append(event.epoch)
            for name, figure in event.train.items():
                self.train.setdefault(name, []).append(figure)

    def add_span(self, span: Span) -> None:
        """Append many epochs, none of them validated."""
        count = len(span)
        self._count_in(type(span.epoch))
        # An epoch may take a tenth of a microsecond, so nothing here is done for each.
        later = np.arange(count)
        self.epochs.frombytes((span.epoch + later).astype(self.epochs.typecode).tobytes())
        self.steps.frombytes((span.step + later).astype(np.int64).tobytes())
        self.loss.extend(span.losses)
        self.learning_rate.extend(array("d", [span.learning_rate]) * count)
        self.seconds.extend(span.times)

    def state(self) -> TrainingState:
        """Return all columns: those of plain numbers as arrays."""
        arrays = {name: np.array(column) for name, column in self._columns().items()}
        numbers, others = _parted(self.validation)
        arrays |= {f"validation/{name}": column for name, column in numbers.items()}
        plain: dict[str, Any] = {"names": list(self.validation), "validation": others}
        if self.tracked:
            numbers, others = _parted(self.train)
            arrays |= {f"train/{name}": column for name, column in numbers.items()}
            arrays["tracked"] = np.array(self.tracked)
            plain |= {"train names": list(self.train), "train": others}
        return TrainingState(arrays, plain)

    def resume(self, arrays: Mapping[str, Array], plain: Mapping[str, Any]) -> None:
        """Take over a state's columns; its own must be empty."""
        self._count_in(float if arrays["epochs"].dtype.kind == "f" else int)
        for name, column in self._columns().items():
            column.frombytes(arrays[name].tobytes())
        for name in plain["names"]:
            own = plain["validation"].get(name)
            self.validation[name] = arrays[f"validation/{name}"].tolist() if own is None else own
        if "tracked" in arrays:
            self.tracked.frombytes(arrays["tracked"].tobytes())
        for name in plain.get("train names", ()):
            own = plain["train"].get(name)
            self.train[name] = arrays[f"train/{name}"].tolist() if own is None else own

    @property
    def by_steps(self) -> bool:
        """Whether its entries are validations of a training that is counted in steps."""
        return self.epochs.typecode == "d"

    def steps_at(self, epochs: Iterable[float]) -> list[int]:
        """Return the steps at the end of some of its epochs."""
        steps = dict(zip(self.epochs, self.steps, strict=True))
        return [steps[epoch] for epoch in epochs]

    def _count_in(self, number: type) -> None:
        """Make the columns of epochs hold floats, if that is what the first of them is."""
        if number is float and not self.by_steps:
            self.epochs, self.validated, self.tracked = array("d"), array("d"), array("d")

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
        """Return the columns by name, a value per epoch, with `training.steps` per validation.

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
        return data_frame(self.to_dict(), "epoch")

    def _repr_html_(self) -> str:
        """Return the curves of the loss, for notebooks."""
        places, unit = (self.steps, "step") if self.by_steps else (self.epochs, "epoch")
        lines = {"train": list(zip(places, self.loss, strict=True))}
        if "loss" in self.validation:
            when = self.steps_at(self.validated) if self.by_steps else self.validated
            lines["validation"] = list(zip(when, self.validation["loss"], strict=True))
        return html.heading(f"Loss by {unit}") + html.curves(lines, unit)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Give each epoch as plain data, in the form of a line of `metrics.jsonl`."""
        when = {epoch: n for n, epoch in enumerate(self.validated)}
        after = {epoch: n for n, epoch in enumerate(self.tracked)}
        for n, epoch in enumerate(self.epochs):
            row: dict[str, Any] = {
                "epoch": epoch,
                "step": self.steps[n],
                "learning_rate": self.learning_rate[n],
                "seconds": self.seconds[n],
                "train": train_figures(self.loss[n], _at(self.train, after.get(epoch))),
            }
            if epoch in when:
                row["validation"] = _at(self.validation, when[epoch])
            yield row


def _at(figures: Mapping[str, list[Any]], place: int | None) -> dict[str, Any] | None:
    """Return each figure at a place of its column; None for no place."""
    return None if place is None else {name: column[place] for name, column in figures.items()}


def _parted(figures: Mapping[str, list[Any]]) -> tuple[dict[str, Array], dict[str, list[Any]]]:
    """Return the columns of plain numbers as arrays, and the others."""
    numbers = {name for name, column in figures.items() if all(type(n) is float for n in column)}
    arrays: dict[str, Array] = {
        name: np.array(figures[name], np.float64) for name in figures if name in numbers
    }
    return arrays, {name: column for name, column in figures.items() if name not in numbers}
