from __future__ import annotations

from math import cos, pi
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from specnet.vocabulary.kind import fault
from specnet.vocabulary.schedules.run_length import RunLength
from specnet.vocabulary.schedules.schedule import Schedule
from specnet.vocabulary.schedules.source import Curve

Divisor = Annotated[float, Field(ge=1)]


class OneCycle(Schedule):
    """From lr / div_factor up to lr in the first `pct_start` of the training, then down (Smith, 2018).

    It ends at lr / (div_factor * final_div_factor): PyTorch's `OneCycleLR`, step by step, with lr as its
    `max_lr`. The momentum is not cycled along, as PyTorch's is unless told otherwise.
    """

    type: Literal["one_cycle"] = "one_cycle"
    pct_start: Annotated[float, Field(ge=0, le=1)] = 0.3
    """The share of the training in which the rate rises."""
    anneal: Literal["cosine", "linear"] = "cosine"
    """Along what the rate rises and falls: half a wave, or a straight line."""
    div_factor: Divisor = 25.0
    """What lr is divided by for the first step."""
    final_div_factor: Divisor = 1e4
    """What the first step's rate is divided by for the last."""
    three_phase: bool = False
    """Whether the fall first mirrors the rise, and then goes on to the last rate."""

    @model_validator(mode="after")
    def _phases_fit(self) -> Self:
        if self.three_phase and self.pct_start > 0.5:
            message = (
                "with three phases the rise and its mirror take 2 * pct_start of the training, at most all"
            )
            raise fault(message, key="pct_start", help="at most 0.5")
        return self

    def course(self, base: float, run: RunLength, first: int) -> Curve:
        last = max(run.steps - first, 1) - 1
        low = base / self.div_factor
        end = low / self.final_div_factor
        top = self.pct_start * (last + 1) - 1.0
        phases = [(top, low, base), (float(last), base, end)]
        if self.three_phase:
            phases[1:] = [(2.0 * top, base, low), (float(last), low, end)]

        def rate(step: int) -> float:
            at = min(step - first, last)
            begin = 0.0
            for stop, start_rate, end_rate in phases[:-1]:
                if at <= stop:
                    return self._between(
                        start_rate, end_rate, (at - begin) / (stop - begin) if stop > begin else 1.0
                    )
                begin = stop
            stop, start_rate, end_rate = phases[-1]
            return self._between(start_rate, end_rate, (at - begin) / (stop - begin) if stop > begin else 1.0)

        return rate

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal == "linear":
            return start + (end - start) * share
        return end + (start - end) * (1.0 + cos(pi * share)) / 2.0
