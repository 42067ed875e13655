from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from specnet.compiler.model import Model

Stopped = Literal["completed", "early_stopping", "interrupted", "diverged"]


@dataclass(frozen=True, slots=True)
class Started:
    """The training is about to make its first step."""

    name: str
    parameters: int
    """How many numbers are fitted."""
    rows: Mapping[str, int]
    """Rows by split."""
    epochs: int
    """The most epochs that there will be."""
    steps_per_epoch: int
    batch_size: int
    memory: int
    """Bytes that the plan, its parameters and the data take."""
    model: Model = field(repr=False)
    """What is trained: at each event it has the parameters of that moment. With `ema_decay` these are the ones that
    steps are made with, and the running mean takes their place just before `Ended`."""
    epoch: int = 0
    """How many epochs are done already: more than 0 where an earlier training is gone on with."""
    step: int = 0
    """How many steps are done already."""


@dataclass(frozen=True, slots=True)
class StepsDone:
    """Some steps of an epoch are done; comes a few times a second while an epoch is under way.

    It also comes where a training ends in the middle of an epoch, which then has no `EpochEnded`.
    """

    epoch: int
    step: int
    """Steps since the start of the training."""
    loss: float
    """The mean training loss of the epoch so far."""
    learning_rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class EpochEnded:
    """An epoch is done, and validated if it was its turn."""

    epoch: int
    """Counted from 1."""
    step: int
    """Steps since the start of the training."""
    loss: float
    """The training loss as it was seen batch by batch, while the parameters changed."""
    validation: Mapping[str, Any] | None
    """Loss and metrics of the validation split; None where there is none, or it was not this epoch's turn."""
    learning_rate: float
    """That of the epoch's last step."""
    seconds: float
    """Since the start of the training."""
    best: bool
    """Whether this is the best validation so far."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The training is over: the model holds what was learnt, and all splits have been evaluated."""

    stopped: Stopped
    why: str
    """In words: why it ended, and for a diverged run where and what to try."""
    epochs: int
    steps: int
    seconds: float
    splits: Mapping[str, Mapping[str, Any]]
    """Loss and metrics by split, evaluated with the final parameters."""
    best_epoch: int | None
    """The epoch whose parameters the model holds, where early stopping put them back."""
    model: Model = field(repr=False)
    """What was trained, with the final parameters."""


@dataclass(frozen=True, slots=True)
class Span:
    """Many epochs of one step each, none of which was validated: what `run` gives its listener for short epochs.

    The model has the parameters that the last of them ended with; those in between are gone. `train` waits at each
    epoch instead.
    """

    epoch: int
    """The first epoch."""
    step: int
    """Steps since the start of the training, at the end of the first epoch; each epoch is one step."""
    losses: list[float]
    """The training loss of each epoch."""
    times: list[float]
    """When each epoch ended, in seconds since the start of the training."""
    learning_rate: float

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
    """An earlier run is gone on with: what comes first from such a one."""

    run: Path
    checkpoint: Path | None
    """The checkpoint that it goes on from; None where there is none, and it starts over."""
    epoch: int
    """How many epochs are done already."""
    step: int
    problems: tuple[str, ...]
    """Why later checkpoints, or a result that was there, could not be used, one text each."""


Event = Resumed | Started | StepsDone | EpochEnded | Ended
