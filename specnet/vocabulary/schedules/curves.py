"""Rates that go along a curve over the training, or over a part of it that they name."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import log, pi
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.leaves import constant
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.schedules.schedule import NonNegative, RateBuilder, Schedule, Unit

Factor = Annotated[float, Field(ge=0, le=1)]

Divisor = Annotated[float, Field(ge=1)]


class Cosine(Schedule):
    """minimum + (lr - minimum) * (1 + cos(pi x)) / 2, where x is the elapsed fraction of the period.

    The period is the whole training after the warm-up (PyTorch's `CosineAnnealingLR`), or, with `t_0`, that
    long at first and `t_mult` times longer after each warm restart (`CosineAnnealingWarmRestarts`); both are
    Loshchilov and Hutter's (2017).
    """

    floor: ClassVar[str | None] = "minimum"

    type: Literal["cosine"] = "cosine"
    minimum: NonNegative = 0.0
    """The learning rate at the end of a period."""
    t_0: PositiveInt | None = Field(default=None, examples=[10])
    """The length of the first period, in `unit`; by default there is one period without restarts."""
    t_mult: PositiveInt = Field(default=1, examples=[2])
    """How many times longer each period is than the previous one."""
    unit: Unit = "epoch"
    """Whether `t_0` counts epochs or steps."""
    every: Unit = "step"
    """Whether the rate changes at every step, or is constant within each epoch."""

    @table_check()
    def _periods(self) -> Iterator[PydanticCustomError]:
        if self.t_mult != 1 and self.t_0 is None:
            yield fault("t_mult needs t_0", key="t_mult", help="set t_0, the length of the first period")

    def rate(self, build: RateBuilder) -> Value:
        at = build.since_warmup(self.every)
        if self.t_0 is None:
            gone = ops.minimum(at / build.rest, 1.0)
        else:
            gone = self._share_of_period(at, self.t_0 * build.run.each(self.unit), build.rest)
        return _wave(build.base, self.minimum, gone)

    def _share_of_period(self, at: Value, period: int, rest: int) -> Value:
        """Append how much of its period has gone by at a step, of so many that there are."""
        if self.t_mult == 1:
            return (at - ops.floor_divide(at, period) * period) / period
        periods = [(0, period)]
        while sum(periods[-1]) < rest:
            periods.append((sum(periods[-1]), periods[-1][1] * self.t_mult))
        start, length = (constant(at.graph, number) for number in periods[-1])
        for (begin, long), (restart, _) in reversed([*pairwise(periods)]):
            before = ops.less(at, restart)
            start, length = ops.where(before, begin, start), ops.where(before, long, length)
        return (at - start) / length


class FlatCosine(Schedule):
    """lr at first, then half a cosine wave down to `minimum` at the end of the training.

    With `flat` 0.5, the default, it is the schedule of dropout and weight decay in RealMLP (Holzmüller et al., 2024).
    """

    floor: ClassVar[str | None] = "minimum"

    type: Literal["flat_cosine"] = "flat_cosine"
    flat: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """The fraction of the training in which the rate stays as it is."""
    minimum: NonNegative = 0.0
    """The learning rate at the end."""

    def rate(self, build: RateBuilder) -> Value:
        gone = ops.minimum(build.since_warmup() / build.rest, 1.0)
        falling = ops.maximum((gone - self.flat) / (1.0 - self.flat), 0.0)
        return _wave(build.base, self.minimum, falling)


class Coslog(Schedule):
    """lr * (1 - cos(2 pi log2(1 + (2^cycles - 1) x))) / 2, where x is the elapsed fraction of the training.

    The rate rises from 0 to lr and falls to 0 again, `cycles` times, each time for about twice as long: RealMLP's
    coslog4 (Holzmüller et al., 2024). It ends at 0, and validations near the end of a cycle are good ones to stop at.
    """

    type: Literal["coslog"] = "coslog"
    cycles: Annotated[int, Field(ge=1, le=20)] = 4
    """How many times the rate rises and falls."""

    def rate(self, build: RateBuilder) -> Value:
        gone = ops.minimum(build.after_warmup() / max(build.run.steps, 1), 1.0)
        cycle = ops.log(1.0 + gone * float(2**self.cycles - 1)) / log(2.0)
        return _wave(0.0, build.base, cycle * 2.0)


class Decay(Schedule):
    """Base of schedules that decay over some length."""

    length: PositiveInt | None = Field(default=None, examples=[50])
    """How long the rate decays, in `unit`, before it stays constant; by default until the end of the training."""
    unit: Unit = "epoch"
    """Whether `length` counts epochs or steps."""
    every: Unit = "step"
    """Whether the rate changes at every step, or is constant within each epoch."""

    def progress(self, build: RateBuilder) -> Value:
        """Append how much of the decay has gone by at a step: from 0, at the first, to 1."""
        steps = build.rest if self.length is None else self.length * build.run.each(self.unit)
        return ops.minimum(build.since_warmup(self.every) / steps, 1.0)


class Linear(Decay):
    """lr times a factor that changes linearly from `start_factor` to `end_factor`: PyTorch's `LinearLR`.

    The defaults decay from 1 to 0 over the whole training, as in Hugging Face's linear schedule; PyTorch's
    rise from 1/3 to 1 in 5 epochs, which is a warm-up.
    """

    type: Literal["linear"] = "linear"
    start_factor: Factor = 1.0
    """The initial factor for lr."""
    end_factor: Factor = 0.0
    """The factor for lr at the end, and after it."""

    @table_check()
    def _some_rate(self) -> Iterator[PydanticCustomError]:
        if not (self.start_factor or self.end_factor):
            yield fault("both factors are 0, and so would be every step", key="start_factor")

    def rate(self, build: RateBuilder) -> Value:
        # Rounding never takes it below 0: neither the difference nor its part can be rounded below -start_factor.
        rise = self.end_factor - self.start_factor
        return build.base * (self.start_factor + rise * self.progress(build))


class Polynomial(Decay):
    """(lr - end) * (1 - x)^power + end, where x is the elapsed fraction of the decay: Keras's `PolynomialDecay`.

    With `end` 0, the default, it is PyTorch's `PolynomialLR`.
    """

    floor: ClassVar[str | None] = "end"

    type: Literal["polynomial"] = "polynomial"
    power: PositiveFloat = Field(default=1.0, examples=[2.0])
    """The exponent: above 1 the decay is fast at first, below 1 it is fast at the end."""
    end: NonNegative = 0.0
    """The learning rate at the end, and after it."""

    def rate(self, build: RateBuilder) -> Value:
        return (build.base - self.end) * ops.power(1.0 - self.progress(build), self.power) + self.end


class InverseSqrt(Schedule):
    """lr / sqrt(1 + x / timescale), where x is the steps since the warm-up: Hugging Face's inverse_sqrt schedule.

    With `timescale` as long as the warm-up, the default, it is that of Vaswani et al. (2017).
    """

    type: Literal["inverse_sqrt"] = "inverse_sqrt"
    timescale: PositiveInt | None = Field(default=None, examples=[1000])
    """How many steps halve the square of the rate; by default as many as the warm-up, or 10000 without one."""

    def rate(self, build: RateBuilder) -> Value:
        timescale = self.timescale or build.first or 10_000
        return build.base / ops.power(1.0 + build.since_warmup() / timescale, 0.5)


class OneCycle(Schedule):
    """Rise from lr / div_factor to lr in the first `pct_start` of the training, then decay (Smith, 2018).

    It ends at lr / (div_factor * final_div_factor): PyTorch's `OneCycleLR`, step by step, with lr as its
    `max_lr`. The momentum is not cycled, which PyTorch does by default.
    """

    type: Literal["one_cycle"] = "one_cycle"
    pct_start: Annotated[float, Field(ge=0, le=1)] = 0.3
    """The fraction of the training in which the rate rises."""
    anneal: Literal["cosine", "linear"] = "cosine"
    """Whether the rate follows a cosine or a straight line."""
    div_factor: Divisor = 25.0
    """The divisor of lr for the first step."""
    final_div_factor: Divisor = 1e4
    """The divisor of the first step's rate for the last step."""
    three_phase: bool = False
    """Whether the decay first mirrors the rise, and then continues to the final rate."""

    @table_check()
    def _phases_fit(self) -> Iterator[PydanticCustomError]:
        if self.three_phase and self.pct_start > 0.5:
            message = (
                "with three phases the rise and its mirror take 2 * pct_start of the training, at most all"
            )
            yield fault(message, key="pct_start", help="at most 0.5")

    def rate(self, build: RateBuilder) -> Value:
        last = float(build.rest - 1)
        top = self.pct_start * (last + 1.0) - 1.0
        low = build.base / self.div_factor
        end = low / self.final_div_factor
        phases = [(0.0, top, low, build.base)]
        if self.three_phase:
            phases += [(top, 2.0 * top, build.base, low), (2.0 * top, last, low, end)]
        else:
            phases += [(top, last, build.base, end)]
        at = ops.minimum(build.since_warmup(), last)
        rate: Value | None = None
        for begin, stop, first_rate, last_rate in reversed(phases):
            share = (at - begin) / (stop - begin) if stop > begin else constant(at.graph, 1.0)
            phase = self._between(first_rate, last_rate, share)
            rate = phase if rate is None else ops.where(ops.less_equal(at, stop), phase, rate)
        assert rate is not None
        return rate

    def _between(self, start: float, end: float, share: Value) -> Value:
        if self.anneal == "linear":
            return start + (end - start) * share
        return _wave(start, end, share)


def _wave(start: float, end: float, share: Value) -> Value:
    """Append where half a cosine wave has come from one rate to another."""
    return end + (start - end) * (1.0 + ops.cos(pi * share)) / 2.0
