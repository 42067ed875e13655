from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, model_validator

from specnet.diagnostics import Diagnostic, KeyPath, SpecError
from specnet.vocabulary.kind import Kind, fault
from specnet.vocabulary.schedules.run_length import RunLength
from specnet.vocabulary.schedules.source import Curve, Planned, RateSource, warmed

AT: KeyPath = ("training", "schedule")
"""Where a document's schedule stands."""

NonNegative = Annotated[float, Field(ge=0)]

Gamma = Annotated[float, Field(gt=0, le=1)]


class Schedule(Kind):
    """How the learning rate changes from step to step.

    In the formulas lr is the optimizer's own learning rate, s the step, counted from 0, and S the number of
    steps of the whole training.

    Any schedule may begin with a warm-up (Goyal et al., 2017): in `warmup_steps` or `warmup_epochs` the rate
    rises in a straight line, from `warmup_from` of the rate at which the schedule takes over to that rate.
    With the default 0 the first step changes nothing, as in Hugging Face's and Keras's warm-ups. What spans
    the training (cosine, linear, polynomial, inverse_sqrt, one_cycle) begins after the warm-up and spans the
    rest, as in Hugging Face's; what names places in the training (step, multistep, exponential) counts them
    from its first step, as in timm. A warm-up longer than the training goes only part of its way.
    """

    warmup_steps: NonNegativeInt = 0
    """How many steps the warm-up takes."""
    warmup_epochs: NonNegative = 0.0
    """How many epochs the warm-up takes, rounded to whole steps; fractions are allowed."""
    warmup_from: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of the rate after the warm-up that its first step has."""

    @model_validator(mode="after")
    def _one_warm_up(self) -> Self:
        if self.warmup_steps and self.warmup_epochs:
            raise fault("a warm-up is given in steps or in epochs, not both", key="warmup_epochs")
        if self.warmup_from and not (self.warmup_steps or self.warmup_epochs):
            raise fault(
                "warmup_from needs a warm-up", key="warmup_from", help="set warmup_steps or warmup_epochs"
            )
        return self

    @property
    def watched(self) -> str | None:
        """The monitored value that it goes by, such as `validation.loss`, if any."""
        return None

    def warmup(self, run: RunLength) -> int:
        """Return how many steps the warm-up takes."""
        return self.warmup_steps or round(self.warmup_epochs * run.steps_per_epoch)

    def steady(self, run: RunLength) -> bool:
        """Say whether all steps have one rate."""
        return False

    def course(self, base: float, run: RunLength, first: int) -> Curve:
        """Return the rate of each step from `first` on, which is the first after the warm-up."""
        raise TypeError(f"{type(self).__name__} says nowhere what {base} becomes from {first} on in {run}")

    def findings(
        self,
        base: float,
        run: RunLength,
        path: KeyPath = AT,
    ) -> Iterator[Diagnostic]:
        """Yield what is wrong with the schedule for this learning rate and this length of training."""
        if run.steps < 1:
            message = f"the training has no steps: {run.epochs} epochs of {run.steps_per_epoch}"
            yield Diagnostic("SN620", message, path[:-1], part="table")
        elif (steps := self.warmup(run)) >= run.steps:
            key = "warmup_steps" if self.warmup_steps else "warmup_epochs"
            yield Diagnostic(
                "SN720",
                f"the warm-up takes {steps} steps, and the whole training has {run.steps}",
                (*path, key),
                severity="warning",
                help="the rate never reaches what it warms up to",
            )

    def start(self, base: float, run: RunLength, better: Literal["lower", "higher"] = "lower") -> RateSource:
        """Return the rates of a training that starts from this learning rate.

        `better` says which direction of the watched value is good. Raises SpecError where the schedule does
        not fit the rate, or the training has no steps.
        """
        errors = [finding for finding in self.findings(base, run) if finding.severity == "error"]
        if errors:
            raise SpecError(errors)
        return self.source(base, run, better)

    def source(self, base: float, run: RunLength, better: Literal["lower", "higher"]) -> RateSource:
        """Return the rates; a schedule whose rates depend on what is observed has a source of its own."""
        steps = self.warmup(run)
        return Planned(
            warmed(self.course(base, run, steps), steps, self.warmup_from), constant=self.steady(run)
        )


def floor_above_rate(key: str, floor: float, base: float, path: KeyPath) -> Iterator[Diagnostic]:
    """Yield the finding that a rate cannot fall to what is above it."""
    if floor > base:
        message = f"{key} is {floor:g}, above the learning rate {base:g} that it is to fall from"
        yield Diagnostic("SN621", message, (*path, key), help=f"at most {base:g}")
