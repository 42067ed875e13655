"""Rates that fall along a curve over the training, or over a part of it that they name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from specnet.diagnostics import Diagnostic, KeyPath
from specnet.vocabulary.kind import fault
from specnet.vocabulary.schedules.run_length import RunLength, Unit
from specnet.vocabulary.schedules.schedule import AT, NonNegative, Schedule, floor_above_rate
from specnet.vocabulary.schedules.source import Curve, whole_epochs

Factor = Annotated[float, Field(ge=0, le=1)]


class Decay(Schedule):
    """What decays share: how long they take, and how often the rate is set anew."""

    length: PositiveInt | None = None
    """How long the rate changes, in `unit`, before it stays; until the end of the training if left out."""
    unit: Unit = "epoch"
    """Whether `length` counts epochs or steps."""
    every: Unit = "step"
    """Whether the rate changes at every step, or stays as it is through each epoch."""

    def progress(self, run: RunLength, first: int) -> Curve:
        """Return how much of the decay has gone by at a step: from 0, at the first, to 1."""
        steps = max(run.steps - first, 1) if self.length is None else self.length * run.each(self.unit)

        def gone(step: int) -> float:
            at = whole_epochs(step, run) if self.every == "epoch" else step
            return min(max(at - first, 0) / steps, 1.0)

        return gone


class Linear(Decay):
    """lr times a factor on the straight line from `start_factor` to `end_factor`: PyTorch's `LinearLR`.

    The defaults fall from 1 to 0 over the whole training, as in Hugging Face's linear schedule; PyTorch's
    rise from 1/3 to 1 in 5 epochs, which is a warm-up.
    """

    type: Literal["linear"] = "linear"
    start_factor: Factor = 1.0
    """What lr is multiplied by at first."""
    end_factor: Factor = 0.0
    """What lr is multiplied by at the end, and after it."""

    @model_validator(mode="after")
    def _some_rate(self) -> Self:
        if not (self.start_factor or self.end_factor):
            raise fault("both factors are 0, and so would be every step", key="start_factor")
        return self

    def course(self, base: float, run: RunLength, first: int) -> Curve:
        gone, start, rise = self.progress(run, first), self.start_factor, self.end_factor - self.start_factor
        # Where the line ends at 0, rounding may take it to the other side.
        return lambda step: base * max(start + rise * gone(step), 0.0)


class Polynomial(Decay):
    """(lr - end) * (1 - x)^power + end, x the share of the decay gone by: Keras's `PolynomialDecay`.

    With `end` 0, the default, it is PyTorch's `PolynomialLR`.
    """

    type: Literal["polynomial"] = "polynomial"
    power: PositiveFloat = 1.0
    """How the fall is bent: above 1 it is fast at first, below 1 fast at the end."""
    end: NonNegative = 0.0
    """The learning rate at the end, and after it."""

    def findings(self, base: float, run: RunLength, path: KeyPath = AT) -> Iterator[Diagnostic]:
        yield from super().findings(base, run, path)
        yield from floor_above_rate("end", self.end, base, path)

    def course(self, base: float, run: RunLength, first: int) -> Curve:
        gone = self.progress(run, first)
        return lambda step: (base - self.end) * (1.0 - gone(step)) ** self.power + self.end


class InverseSqrt(Schedule):
    """lr / sqrt(1 + x / timescale), x the steps since the warm-up: Hugging Face's inverse_sqrt schedule.

    With `timescale` as long as the warm-up, the default, it is that of Vaswani et al. (2017).
    """

    type: Literal["inverse_sqrt"] = "inverse_sqrt"
    timescale: PositiveInt | None = None
    """How many steps halve the square of the rate; the warm-up's, or 10000 without one, if left out."""

    def course(self, base: float, run: RunLength, first: int) -> Curve:
        timescale = self.timescale or first or 10_000
        return lambda step: base / (1.0 + (step - first) / timescale) ** 0.5
