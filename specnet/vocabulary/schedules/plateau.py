from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt

from specnet.graph.graph import Value
from specnet.graph.leaves import number
from specnet.vocabulary.schedules.schedule import NonNegative, RateBuilder, Schedule


class Plateau(Schedule):
    """Multiply the rate by `factor` whenever a monitored value has stopped improving.

    It is PyTorch's `ReduceLROnPlateau`: the rate is reduced at the first validation after `patience` in a row
    without an improvement (Keras's one earlier), and `cooldown` validations after a reduction are not counted.
    Two things differ: a relative `threshold` is a fraction of the best value's magnitude, so that it also works
    for values below 0, and changes of less than 1e-8 are made too. Validations during a warm-up are not
    counted.
    """

    floor: ClassVar[str | None] = "minimum"

    type: Literal["plateau"] = "plateau"
    monitor: str = "validation.loss"
    """What to monitor: a value of a split. Whether it should be minimized or maximized depends on the value."""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """The factor by which the rate is reduced."""
    patience: NonNegativeInt = 10
    """How many validations without an improvement to wait."""
    threshold: NonNegative = 1e-4
    """The minimum change from the best value that counts as an improvement."""
    threshold_mode: Literal["relative", "absolute"] = "relative"
    """Whether `threshold` is a fraction of the best value's magnitude, or an absolute difference."""
    cooldown: NonNegativeInt = 0
    """How many validations after a reduction are not counted."""
    minimum: NonNegative = 0.0
    """The minimum of the rate."""

    @property
    def watched(self) -> str | None:
        return self.monitor

    def rate(self, build: RateBuilder) -> Value:
        return number(build.step.graph, "rate")


class PlateauState:
    """The state of a training under a plateau schedule: the number `rate` of the schedule's formula, and its reasons.

    A checkpoint keeps `state`, and `restore` continues from it.
    """

    def __init__(
        self, schedule: Plateau, base: float, warmup: int, better: Literal["lower", "higher"]
    ) -> None:
        self.schedule = schedule
        self.rate = self.base = base
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

    @property
    def blind(self) -> bool:
        """Whether it has counted validations, and none of them as an improvement, as each value was NaN."""
        return self.best == inf and (self.waited > 0 or self.cooling > 0 or self.rate != self.base)

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
