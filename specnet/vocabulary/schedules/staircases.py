"""Rates that fall at places counted from the start of the training.

They count epochs unless told otherwise: papers and PyTorch's programs give such places in epochs, which mean
the same whatever the batch size.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from specnet.vocabulary.kind import fault
from specnet.vocabulary.schedules.run_length import RunLength, Unit
from specnet.vocabulary.schedules.schedule import Gamma, Schedule
from specnet.vocabulary.schedules.source import Curve


class Step(Schedule):
    """lr * gamma^floor(e / step_size), e the whole epochs (or steps) gone by: PyTorch's `StepLR`."""

    type: Literal["step"] = "step"
    step_size: PositiveInt
    """From one fall to the next, in `unit`."""
    gamma: Gamma = 0.1
    """What each fall multiplies the rate by."""
    unit: Unit = "epoch"
    """Whether `step_size` counts epochs or steps."""

    def course(self, base: float, run: RunLength, first: int) -> Curve:
        size = self.step_size * run.each(self.unit)
        return lambda step: base * self.gamma ** (step // size)


class MultiStep(Schedule):
    """lr * gamma^n, n the number of milestones reached: PyTorch's `MultiStepLR`."""

    type: Literal["multistep"] = "multistep"
    milestones: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    """Where the rate falls, rising: how many epochs (or steps) have gone by."""
    gamma: Gamma = 0.1
    """What each fall multiplies the rate by."""
    unit: Unit = "epoch"
    """Whether `milestones` count epochs or steps."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for place, (before, after) in enumerate(pairwise(self.milestones), start=1):
            if after <= before:
                message = f"milestones rise, and {after} comes after {before}"
                raise fault(message, key=("milestones", place))
        return self

    def course(self, base: float, run: RunLength, first: int) -> Curve:
        places = [milestone * run.each(self.unit) for milestone in self.milestones]
        return lambda step: base * self.gamma ** bisect_right(places, step)


class Exponential(Schedule):
    """lr * gamma^e, e the whole epochs (or steps) gone by: PyTorch's `ExponentialLR`."""

    type: Literal["exponential"] = "exponential"
    gamma: Gamma
    """What each epoch (or step) multiplies the rate by."""
    unit: Unit = "epoch"
    """Whether the rate falls at each epoch or at each step."""

    def course(self, base: float, run: RunLength, first: int) -> Curve:
        size = run.each(self.unit)
        return lambda step: base * self.gamma ** (step // size)
