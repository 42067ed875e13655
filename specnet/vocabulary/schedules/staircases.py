"""Rates that stay, or fall at places counted from the start of the training.

Places are in epochs unless told otherwise: papers and PyTorch's programs give such places in epochs, which mean
the same whatever the batch size.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.leaves import constant
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.schedules.schedule import RateBuilder, Schedule, Unit

Gamma = Annotated[float, Field(gt=0, le=1)]


class Constant(Schedule):
    """The optimizer's own learning rate throughout, after any warm-up."""

    type: Literal["constant"] = "constant"

    def rate(self, build: RateBuilder) -> Value:
        return constant(build.step.graph, build.base)


class StepDecay(Schedule):
    """lr * gamma^floor(e / step_size), where e is the whole epochs (or steps) elapsed: PyTorch's `StepLR`."""

    type: Literal["step"] = "step"
    step_size: PositiveInt
    """The distance between reductions, in `unit`."""
    gamma: Gamma = 0.1
    """The factor of each reduction."""
    unit: Unit = "epoch"
    """Whether `step_size` counts epochs or steps."""

    def rate(self, build: RateBuilder) -> Value:
        return _falling(build, self.gamma, self.step_size * build.run.each(self.unit))


class MultiStep(Schedule):
    """lr * gamma^n, where n is the number of milestones reached: PyTorch's `MultiStepLR`."""

    type: Literal["multistep"] = "multistep"
    milestones: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    """When the rate is reduced, in ascending order: after how many epochs (or steps)."""
    gamma: Gamma = 0.1
    """The factor of each reduction."""
    unit: Unit = "epoch"
    """Whether `milestones` count epochs or steps."""

    @table_check()
    def _rising(self) -> Iterator[PydanticCustomError]:
        for place, (before, after) in enumerate(pairwise(self.milestones), start=1):
            if after <= before:
                message = f"milestones rise, and {after} comes after {before}"
                yield fault(message, key=("milestones", place))

    def rate(self, build: RateBuilder) -> Value:
        step, each = build.after_warmup(), build.run.each(self.unit)
        rate = constant(step.graph, build.base * self.gamma ** len(self.milestones))
        for falls, milestone in reversed([*enumerate(self.milestones)]):
            rate = ops.where(ops.less(step, milestone * each), build.base * self.gamma**falls, rate)
        return rate


class Exponential(Schedule):
    """lr * gamma^e, where e is the whole epochs (or steps) elapsed: PyTorch's `ExponentialLR`."""

    type: Literal["exponential"] = "exponential"
    gamma: Gamma
    """The factor of each epoch (or step)."""
    unit: Unit = "epoch"
    """Whether the rate is reduced after each epoch or each step."""

    def rate(self, build: RateBuilder) -> Value:
        return _falling(build, self.gamma, build.run.each(self.unit))


def _falling(build: RateBuilder, gamma: float, size: int) -> Value:
    """Append lr * gamma^floor(step / size)."""
    step = build.after_warmup()
    falls = step if size == 1 else ops.floor_divide(step, size)
    return build.base * ops.power(gamma, falls)
