from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["epoch", "step"]


@dataclass(frozen=True, slots=True)
class RunLength:
    """How long a training is: what schedules measure themselves against.

    A step is one change of the parameters; where gradients are accumulated over batches, several batches
    make one. An end that comes before the last epoch (early stopping, a time limit) changes no schedule.
    """

    epochs: int
    steps_per_epoch: int

    @property
    def steps(self) -> int:
        """How many steps there are in all."""
        return self.epochs * self.steps_per_epoch

    def each(self, unit: Unit) -> int:
        """Return how many steps a unit has."""
        return self.steps_per_epoch if unit == "epoch" else 1
