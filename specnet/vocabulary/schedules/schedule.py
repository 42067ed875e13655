from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt
from pydantic_core import PydanticCustomError

from specnet.diagnostics import Diagnostic, KeyPath, SpecError
from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.vocabulary.kind import Kind, fault, table_check

AT: KeyPath = ("training", "schedule")
"""Where a document's schedule stands."""

NonNegative = Annotated[float, Field(ge=0)]

Unit = Literal["epoch", "step"]

MOST_STEPS = 2.0**63
"""More steps than any training has; the product of two sound settings may overflow."""


@dataclass(frozen=True, slots=True)
class RunLength:
    """The length of a training, which schedules depend on.

    A step is one change of the parameters; where gradients are accumulated over batches, several batches
    make one. An end before the last epoch (early stopping, a time limit) changes no schedule.
    """

    epochs: int
    """The number of epochs; the last one may end early where `given` is set."""
    steps_per_epoch: int
    given: int | None = None
    """The number of steps, where the length is given in steps."""

    @property
    def steps(self) -> int:
        """How many steps there are in all."""
        return self.epochs * self.steps_per_epoch if self.given is None else self.given

    def each(self, unit: Unit) -> int:
        """Return how many steps a unit has."""
        return self.steps_per_epoch if unit == "epoch" else 1


@dataclass(frozen=True, slots=True)
class RateBuilder:
    """What a schedule is lowered with: the step, counted from 0, and the other values that the rate depends on."""

    step: Value
    base: float
    """The optimizer's own learning rate."""
    run: RunLength
    first: int
    """The first step after the warm-up."""

    @property
    def rest(self) -> int:
        """How many steps the training has after the warm-up, 1 at least."""
        return max(self.run.steps - self.first, 1)

    def after_warmup(self) -> Value:
        """Append the step, which stands still at the first after the warm-up until that is over."""
        return ops.maximum(self.step, self.first) if self.first else self.step

    def since_warmup(self, every: Unit = "step") -> Value:
        """Append how many steps have gone by since the warm-up, at each step or where its epoch began."""
        step, each = self.step, self.run.each(every)
        if each > 1:
            step = ops.floor_divide(step, each) * each
        return ops.maximum(step - self.first, 0.0) if self.first else step


class Schedule(Kind):
    """How the learning rate changes from step to step.

    In the formulas lr is the optimizer's own learning rate, s the step, counted from 0, and S the number of
    steps of the whole training.

    Any schedule may begin with a warm-up (Goyal et al., 2017): for `warmup_steps` or `warmup_epochs` the rate
    rises linearly from the fraction `warmup_from` of the rate after the warm-up to that rate.
    With the default 0 the first step changes nothing, as in Hugging Face's and Keras's warm-ups. Schedules that span
    the training (cosine, flat_cosine, linear, polynomial, inverse_sqrt, one_cycle) begin after the warm-up and span the
    rest, as in Hugging Face's; schedules with positions in the training (step, multistep, exponential, coslog)
    count them from its first step, as in timm. A warm-up longer than the training is not completed.
    """

    floor: ClassVar[str | None] = None
    """The field that holds the rate that the schedule decays to, if there is one."""

    warmup_steps: NonNegativeInt = Field(default=0, examples=[500])
    """The length of the warm-up in steps."""
    warmup_epochs: NonNegative = Field(default=0.0, examples=[2.0])
    """The length of the warm-up in epochs, rounded to whole steps; fractions are allowed."""
    warmup_from: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The fraction of the rate after the warm-up that the first step has."""

    @table_check()
    def _one_warm_up(self) -> Iterator[PydanticCustomError]:
        if self.warmup_steps and self.warmup_epochs:
            yield fault("a warm-up is given in steps or in epochs, not both", key="warmup_epochs")

    @table_check()
    def _some_warm_up(self) -> Iterator[PydanticCustomError]:
        if self.warmup_from and not (self.warmup_steps or self.warmup_epochs):
            yield fault(
                "warmup_from needs a warm-up", key="warmup_from", help="set warmup_steps or warmup_epochs"
            )

    @property
    def watched(self) -> str | None:
        """The monitored value that it goes by, such as `validation.loss`, if any."""
        return None

    def warmup(self, run: RunLength) -> int:
        """Return how many steps the warm-up takes."""
        return self.warmup_steps or round(min(self.warmup_epochs * run.steps_per_epoch, MOST_STEPS))

    def lower(self, step: Value, base: float, run: RunLength) -> Value:
        """Append the learning rate of a step, counted from 0: a scalar, finite and not below 0.

        Raises SpecError where the schedule does not fit the optimizer's learning rate, `base`, or the training has no
        steps.
        """
        errors = [finding for finding in self.findings(base, run) if finding.severity == "error"]
        if errors:
            raise SpecError(errors)
        steps, graph = self.warmup(run), step.graph
        graph.key_path = AT
        rate = self.rate(RateBuilder(step, base, run, steps))
        if not steps:
            return rate
        graph.key_path = (*AT, "warmup_steps" if self.warmup_steps else "warmup_epochs")
        line = self.warmup_from + (1.0 - self.warmup_from) * step / steps
        return rate * ops.where(ops.less(step, steps), line, 1.0)

    @abstractmethod
    def rate(self, build: RateBuilder) -> Value:
        """Append the rate of a step after the warm-up; until that is over, the rate of the first step after it."""

    def findings(self, base: float, run: RunLength) -> Iterator[Diagnostic]:
        """Yield what is wrong with the schedule for this learning rate and this length of training."""
        if run.steps < 1:
            message = f"the training has no steps: {run.epochs} epochs of {run.steps_per_epoch}"
            yield Diagnostic("SN620", message, AT[:-1], part="table")
        elif (steps := self.warmup(run)) >= run.steps:
            key = "warmup_steps" if self.warmup_steps else "warmup_epochs"
            yield Diagnostic(
                "SN720",
                f"the warm-up takes {steps} steps, and the whole training has {run.steps}",
                (*AT, key),
                severity="warning",
                help="the rate never reaches what it warms up to",
            )
        if self.floor is not None and (lowest := getattr(self, self.floor)) > base:
            message = f"{self.floor} is {lowest:g}, above the learning rate {base:g} that it decays from"
            yield Diagnostic("SN621", message, (*AT, self.floor), help=f"at most {base:g}")
