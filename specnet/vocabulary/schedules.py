"""How the learning rate changes from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from specnet.vocabulary.kind import Family, Kind


@dataclass(frozen=True, slots=True)
class RunLength:
    """How long a training is: what schedules measure themselves against."""

    epochs: int
    steps_per_epoch: int

    @property
    def steps(self) -> int:
        """How many steps there are in all."""
        return self.epochs * self.steps_per_epoch


class Schedule(Kind):
    """How the learning rate changes from step to step."""

    def rate(self, base: float, step: int, run: RunLength) -> float:
        """Return the learning rate of a step, counted from 0, given the optimizer's own."""
        raise TypeError(f"{type(self).__name__} says nowhere what {base} becomes at {step} of {run}")


SCHEDULES: Family[Schedule] = Family("schedule")


class Constant(Schedule):
    """The optimizer's own learning rate throughout."""

    type: Literal["constant"] = "constant"

    def rate(self, base: float, step: int, run: RunLength) -> float:  # noqa: ARG002
        return base


SCHEDULES.add(Constant)
