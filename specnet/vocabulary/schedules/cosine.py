from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi
from typing import Literal, Self

from pydantic import PositiveInt, model_validator

from specnet.diagnostics import Diagnostic, KeyPath
from specnet.vocabulary.kind import fault
from specnet.vocabulary.schedules.run_length import RunLength, Unit
from specnet.vocabulary.schedules.schedule import AT, NonNegative, Schedule, floor_above_rate
from specnet.vocabulary.schedules.source import Curve, whole_epochs


class Cosine(Schedule):
    """minimum + (lr - minimum) * (1 + cos(pi x)) / 2, x the share of the period gone by.

    The period is the whole training after the warm-up (PyTorch's `CosineAnnealingLR`), or, with `t_0`, that
    long at first and `t_mult` times longer after each warm restart (`CosineAnnealingWarmRestarts`); both are
    Loshchilov and Hutter's (2017).
    """

    type: Literal["cosine"] = "cosine"
    minimum: NonNegative = 0.0
    """The learning rate at the end of a period."""
    t_0: PositiveInt | None = None
    """How long the first period is, in `unit`; one period without restarts if left out."""
    t_mult: PositiveInt = 1
    """How many times longer each period is than the one before."""
    unit: Unit = "epoch"
    """Whether `t_0` counts epochs or steps."""
    every: Unit = "step"
    """Whether the rate changes at every step, or stays as it is through each epoch."""

    @model_validator(mode="after")
    def _periods(self) -> Self:
        if self.t_mult != 1 and self.t_0 is None:
            raise fault("t_mult needs t_0", key="t_mult", help="set t_0, the length of the first period")
        return self

    def findings(self, base: float, run: RunLength, path: KeyPath = AT) -> Iterator[Diagnostic]:
        yield from super().findings(base, run, path)
        yield from floor_above_rate("minimum", self.minimum, base, path)

    def course(self, base: float, run: RunLength, first: int) -> Curve:
        steps = max(run.steps - first, 1) if self.t_0 is None else self.t_0 * run.each(self.unit)

        def rate(step: int) -> float:
            at = max((whole_epochs(step, run) if self.every == "epoch" else step) - first, 0)
            gone = min(at / steps, 1.0) if self.t_0 is None else _share_of_period(at, steps, self.t_mult)
            return self.minimum + (base - self.minimum) * (1.0 + cos(pi * gone)) / 2.0

        return rate


def _share_of_period(at: int, period: int, grows: int) -> float:
    """Return how much of its period has gone by at a step, periods being `grows` times longer each time."""
    if grows == 1:
        return at % period / period
    while at >= period:
        at, period = at - period, period * grows
    return at / period
