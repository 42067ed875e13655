from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from specnet.model.evaluation import Figures
    from specnet.model.model import Model

Stopped = Literal["completed", "early_stopping", "interrupted", "diverged"]


@dataclass(frozen=True, slots=True)
class Started:
    """The training is about to make its first step."""

    name: str
    """The name of the experiment."""
    parameter_count: int
    """The number of trained parameters."""
    rows: Mapping[str, int]
    """Rows by split."""
    epochs: float
    """The maximum number of epochs; a fraction with `training.steps`."""
    steps_per_epoch: int
    """Steps of an epoch."""
    batch_size: int
    """Rows of a batch."""
    memory: int
    """Bytes of memory of the plan, its parameters and the data."""
    model: Model = field(repr=False)
    """The model in training: at each event it has the parameters of that moment. With `ema_decay` these are the
    ones that steps are made with, and the running mean replaces them just before `Ended`."""
    epoch: float = 0
    """How many epochs are already done: more than 0 if an earlier training is resumed."""
    step: int = 0
    """How many steps are already done."""
    steps: int | None = None
    """The maximum number of steps, if the document gives `training.steps`: then progress is counted in steps."""


@dataclass(frozen=True, slots=True)
class StepsDone:
    """Some steps are done; sent a few times per second during an epoch, or with `training.steps` between validations.

    It is also sent if a training ends before the next `EpochEnded` is due.
    """

    epoch: int
    """The current epoch, from 1."""
    step: int
    """Steps since the start of the training."""
    loss: float
    """The mean training loss of the epoch so far, with `training.steps` since the last validation."""
    learning_rate: float
    """The learning rate of the last step."""
    seconds: float
    """Seconds since the start of the training."""


@dataclass(frozen=True, slots=True)
class EpochEnded:
    """An epoch is done, and has been validated if it was due.

    With `training.steps` it is sent after the steps of `validate_every` and after the last step instead.
    """

    epoch: float
    """The epoch, from 1; with `training.steps` how many epochs are done, as a fraction: a float."""
    step: int
    """Steps since the start of the training."""
    loss: float
    """The training loss as it was computed batch by batch, while the parameters changed: of the epoch, with
    `training.steps` since the last validation."""
    validation: Figures | None
    """Loss and metrics of the validation split; None if there is none, or no validation was due."""
    learning_rate: float
    """The learning rate of the last step."""
    seconds: float
    """Seconds since the start of the training."""
    best: bool
    """Whether this is the best validation so far."""
    train: Figures | None = None
    """Loss and metrics of the training split after the epoch, where `track_training` is set and a validation is due."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The training is over: the model has its final parameters, and all splits have been evaluated."""

    stopped: Stopped
    """How it ended: `completed`, `early_stopping`, `interrupted` or `diverged`."""
    why: str
    """Why the training ended; for a diverged run, also where and what to try."""
    epochs: float
    """The number of finished epochs; a fraction, as a float, with `training.steps`."""
    steps: int
    """The number of steps."""
    seconds: float
    """Seconds of the training, including the evaluation at its end."""
    splits: Mapping[str, Figures]
    """Loss and metrics by split, evaluated with the final parameters, and calibrated if the document asks for it."""
    best_epoch: float | None
    """The epoch whose parameters the model has, if early stopping restored them."""
    model: Model = field(repr=False)
    """The trained model, with the final parameters, and calibrated if the document asks for it."""
    uncalibrated: Mapping[str, Figures] = field(default_factory=dict, repr=False)
    """Loss and metrics by split before the calibration; empty if the model is not calibrated."""


@dataclass(frozen=True, slots=True)
class Span:
    """Many epochs of one step each, none of which was validated: what `run` passes to its listener for short epochs.

    The model has the parameters of the end of the last epoch; those in between are not available. `train` pauses at
    each epoch instead.
    """

    epoch: float
    """The first epoch; a float with `training.steps`."""
    step: int
    """Steps since the start of the training, at the end of the first epoch; each epoch is one step."""
    losses: array[float]
    """The training loss of each epoch, in an array of the standard library (type code `d`), as `times`."""
    times: array[float]
    """When each epoch ended, in seconds since the start of the training."""
    learning_rate: float
    """The learning rate of every step."""

    def __len__(self) -> int:
        return len(self.losses)

    def epochs(self) -> Iterator[EpochEnded]:
        """Give the figures of each epoch as an event of its own."""
        rate = self.learning_rate
        epoch, step = self.epoch, self.step
        for number, (loss, seconds) in enumerate(zip(self.losses, self.times, strict=True)):
            yield EpochEnded(epoch + number, step + number, loss, None, rate, seconds, False)


@dataclass(frozen=True, slots=True)
class Resumed:
    """An earlier run is resumed; sent before all other events."""

    run: Path
    """The run's directory."""
    checkpoint: Path | None
    """The checkpoint that it resumes from; None if there is none, and it starts over."""
    epoch: float
    """How many epochs are already done; a fraction, as a float, with `training.steps`."""
    step: int
    """How many steps are already done."""
    problems: tuple[str, ...]
    """Why later checkpoints, or an existing result, could not be used, one string each."""
    differences: tuple[str, ...] = ()
    """What computes otherwise than before, such as another processor, one string each: the last digits may differ."""


@dataclass(frozen=True, slots=True)
class FoldStarted:
    """The next fold of a cross-validation begins; the events of its training follow."""

    fold: int
    """The fold, from 1."""
    folds: int
    """The number of folds in all repeats."""


@dataclass(frozen=True, slots=True)
class FoldEnded:
    """A fold of a cross-validation is done: now, by a worker process, or in the run that is resumed."""

    fold: int
    """The fold, from 1."""
    folds: int
    """The number of folds in all repeats."""
    stopped: Stopped
    """How its training ended."""
    splits: Mapping[str, Figures]
    """Loss and metrics by split."""


Event: TypeAlias = FoldStarted | FoldEnded | Resumed | Started | StepsDone | EpochEnded | Ended
