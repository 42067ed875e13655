from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt

from specnet.graph.graph import Value
from specnet.graph.leaves import number
from specnet.vocabulary.schedules.schedule import NonNegative, RateBuilder, Schedule


class Plateau(Schedule):
    """The rate is multiplied by `factor` whenever a monitored value has stopped getting better.

    It is PyTorch's `ReduceLROnPlateau`: the rate falls at the first validation after `patience` in a row
    that were no better (Keras's falls one earlier), and `cooldown` validations after a fall are not counted.
    Two things differ: a relative `threshold` is a share of the best value's magnitude, so that it means the
    same for values below 0, and changes of less than 1e-8 are made too. Validations during a warm-up are not
    counted.
    """

    floor: ClassVar[str | None] = "minimum"

    type: Literal["plateau"] = "plateau"
    monitor: str = "validation.loss"
    """What is watched: a split and a value of it, which knows itself whether less or more is better."""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """What each fall multiplies the rate by."""
    patience: NonNegativeInt = 10
    """How many validations in a row may pass without getting better."""
    threshold: NonNegative = 1e-4
    """How much better than the best so far counts as better."""
    threshold_mode: Literal["relative", "absolute"] = "relative"
    """Whether `threshold` is a share of the best value's magnitude, or a difference from it."""
    cooldown: NonNegativeInt = 0
    """How many validations after a fall are not counted."""
    minimum: NonNegative = 0.0
    """What the rate never falls below."""

    @property
    def watched(self) -> str | None:
        return self.monitor

    def rate(self, build: RateBuilder) -> Value:
        return number(build.step.graph, "rate")


class PlateauState:
    """What a training under a plateau schedule has come to: the number `rate` of the schedule's formula, and why.

    A checkpoint keeps `state`, and `restore` goes on from it.
    """

    def __init__(
        self, schedule: Plateau, base: float, warmup: int, better: Literal["lower", "higher"]
    ) -> None:
        self.schedule = schedule
        self.rate = base
        self.warmup = warmup
        self.sign = 1.0 if better == "lower" else -1.0
        self.best = inf
        """The best value so far, times `sign`."""
        self.waited = 0
        self.cooling = 0

    def observe(self, monitored: Mapping[str, float], steps: int) -> None:
        """Count one validation after so many steps; nothing happens where the watched value was not measured."""
        value = monitored.get(self.schedule.monitor)
        if value is None or steps < self.warmup:
            return
        signed = self.sign * value
        if signed < self.best - self._margin():
            self.best, self.waited = signed, 0
        else:
            self.waited += 1
        if self.cooling:
            self.cooling -= 1
            self.waited = 0
        if self.waited > self.schedule.patience:
            self.rate = max(self.rate * self.schedule.factor, self.schedule.minimum)
            self.waited, self.cooling = 0, self.schedule.cooldown

    def _margin(self) -> float:
        if self.best == inf or self.schedule.threshold_mode == "absolute":
            return self.schedule.threshold
        return self.schedule.threshold * abs(self.best)

    def state(self) -> dict[str, float | int | None]:
        """Return what it has learnt from what it observed, as plain data that JSON can hold."""
        best = None if self.best == inf else self.sign * self.best
        return {"rate": self.rate, "best": best, "waited": self.waited, "cooling": self.cooling}

    def restore(self, state: Mapping[str, float | int | None]) -> None:
        """Go on from a state that `state` returned."""
        rate, best, waited, cooling = (state[key] for key in ("rate", "best", "waited", "cooling"))
        assert rate is not None
        self.rate, self.best = float(rate), inf if best is None else self.sign * best
        self.waited, self.cooling = int(waited or 0), int(cooling or 0)
